// `make corpus CORPUS=DIR`: every folder of DIR becomes a repository on the rig's Git host and is read as a root source,
// rendered, and held against the stock kustomize. Prints a table, writes JSON beside it, and fails on a difference or
// when a document was dropped. `--rig FILE` uses a rig that runs already, `--built FOLDER` programs that are
// built already.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { commitAll, git } from '../demo/repositories.mjs';
import { addressWithSecret, createRepository, createUser, deleteRepository, repositoryAddresses } from '../rig/gitea_api.mjs';
import { down, up } from '../rig/rig.mjs';
import { corpusTable } from './corpus_table.mjs';
import { ROOT, TARGET, run, step } from './steps.mjs';

const OWNER = 'corpus';
const PASSWORD = 'corpus-0123456789';
const STATE = join(ROOT, '.test', 'corpus');
const { values } = parseArgs({ options: { from: { type: 'string' }, rig: { type: 'string' }, built: { type: 'string' } } });
const from = resolve(ROOT, values.from || '../shared/repos');

/** Folders with something in them, by name. */
function folders() {
  return readdirSync(from).filter((name) => !name.startsWith('.') && statSync(join(from, name)).isDirectory()).sort();
}

/** A folder as a repository of one commit on the Git host; answers the address to read it from. */
async function publish(gitea, name) {
  const clone = join(STATE, 'clones', name);
  cpSync(join(from, name), clone, { recursive: true });
  await run('chmod', ['-R', 'u+w', clone], { quiet: true });
  rmSync(join(clone, '.git'), { recursive: true, force: true });
  git(clone, ['init', '--quiet', '--initial-branch=main']);
  git(clone, ['add', '--all', '--force']);
  commitAll(clone, { by: { name: 'Corpus', email: 'corpus@rig.invalid' }, subject: 'As it is' });
  await deleteRepository(gitea, OWNER, name).catch((error) => { if (error.status !== 404) throw error; });
  await createRepository(gitea, OWNER, name, { isPrivate: false });
  const { http } = repositoryAddresses(gitea, OWNER, name);
  git(clone, ['push', '--quiet', addressWithSecret(http, OWNER, PASSWORD), 'main']);
  return http;
}

async function read(rig) {
  const repositories = {};
  await step('Repositories on the Git host', async () => {
    await createUser(rig.gitea, OWNER, PASSWORD).catch((error) => { if (error.status !== 422) throw error; });
    for (const name of folders()) repositories[name] = await publish(rig.gitea, name);
    console.log(`${Object.keys(repositories).length} repositories from ${from}`);
  });
  if (!values.built) await step('Program', () => run('cargo', ['build', '--workspace', '--exclude', 'frontend', '--features', 'app/ssr,engine/testing', '--bin', 'render-child', '--example', 'corpus']));
  const built = values.built ?? join(TARGET, 'debug');
  const task = join(STATE, 'task.json');
  const out = join(ROOT, '.test', 'corpus.json');
  rmSync(out, { force: true });
  const { helm, kustomize } = rig.programs;
  writeFileSync(task, JSON.stringify({ work: join(STATE, 'work'), child: join(built, 'render-child'), helm, kustomize, repositories }));
  let failed = null;
  await step('Reading and rendering', () => run(join(built, 'examples', 'corpus'), [task, out])).catch((error) => { failed = error; });
  if (!existsSync(out)) throw failed;
  console.log(`\n${corpusTable(JSON.parse(readFileSync(out, 'utf8')))}`);
  console.log(`\nAll of it: ${out}`);
  if (failed) throw new Error('something differs from the stock programs, or was dropped');
}

async function main() {
  if (!existsSync(from)) return console.log(`The corpus was left out: there is no folder ${from}. Name one with CORPUS=DIR.`);
  rmSync(STATE, { recursive: true, force: true });
  mkdirSync(join(STATE, 'work'), { recursive: true });
  const known = values.rig || process.env.LOCKSTEP_RIG;
  if (known) return read(JSON.parse(readFileSync(known, 'utf8')));
  const state = join(ROOT, '.test', 'corpus-rig');
  const rig = await up({ state, clusters: 0 });
  try {
    await read(rig);
  } finally {
    await down({ state });
  }
}

main().catch((error) => {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
});
