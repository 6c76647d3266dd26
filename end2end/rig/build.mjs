// Builds the programs of a Go module into the cache. A build appears there whole or not at all.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describeModule } from './modules.mjs';

export function isBuilt(module) {
  return module.programs.every((program) => existsSync(join(module.bin, program)));
}

/** Makes sure the named modules are built; returns their descriptions by name. */
export async function buildModules(names, progress) {
  const modules = {};
  for (const name of names) {
    const module = describeModule(name);
    modules[name] = module;
    if (isBuilt(module)) progress.note(`✓ ${name} is cached: ${module.programs.join(', ')}`);
    else await progress.step(`building ${name} (${module.programs.join(', ')})`, (update) => build(module, update));
  }
  return modules;
}

async function build(module, update) {
  mkdirSync(dirname(module.folder), { recursive: true });
  const draft = mkdtempSync(`${module.folder}.building-`);
  try {
    update('downloading modules');
    await go(module, ['mod', 'download']);
    const total = capture(module, ['list', ...tagFlags(module), '-deps', 'tool']).split('\n').length;
    let compiled = 0;
    const args = ['build', '-p', jobs(), '-v', '-trimpath', '-buildvcs=false', ...tagFlags(module),
      '-ldflags', module.linkerFlags, '-o', join(draft, 'bin') + '/', 'tool'];
    update('compiling');
    await go(module, args, () => {
      compiled += 1;
      update(`${compiled} packages compiled, of at most ${total}`);
    });
    for (const [from, to] of Object.entries(module.rename)) renameSync(join(draft, 'bin', from), join(draft, 'bin', to));
    for (const part of module.share) copyShared(module, part, draft);
    publish(draft, module);
    update('');
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function publish(draft, module) {
  try {
    renameSync(draft, module.folder);
  } catch (error) {
    if (isBuilt(module)) return; // another build of the same sources finished first
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    rmSync(module.folder, { recursive: true, force: true }); // a damaged folder: programs are missing from it
    renameSync(draft, module.folder);
  }
}

// The module cache is read-only; the copies must not be, so that the cache can be deleted.
function copyShared(module, { module: dependency, from, to }, draft) {
  const folder = capture(module, ['list', '-m', '-f', '{{.Dir}}', dependency]);
  const target = join(draft, 'share', to);
  cpSync(join(folder, from), target, { recursive: true });
  const result = spawnSync('chmod', ['-R', 'u+w', target]);
  if (result.status !== 0) throw new Error(`cannot make ${target} writable`);
}

function jobs() {
  return String(process.env.LOCKSTEP_RIG_JOBS || Math.max(1, availableParallelism()));
}

function tagFlags(module) {
  return module.tags.length ? ['-tags', module.tags.join(',')] : [];
}

function environment() {
  return { ...process.env, GOWORK: 'off' };
}

function capture(module, args) {
  const result = spawnSync('go', args, { cwd: module.source, env: environment(), encoding: 'utf8', maxBuffer: 1 << 26 });
  if (result.status !== 0) throw new Error(`go ${args.join(' ')} failed in ${module.source}:\n${result.stderr ?? result.error}`);
  return result.stdout.trim();
}

// Lines `go build -v` prints are package paths while all goes well; whatever else it prints is kept for the error.
function go(module, args, onPackage = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn('nice', ['-n', '5', 'go', ...args], { cwd: module.source, env: environment(), stdio: ['ignore', 'ignore', 'pipe'] });
    const said = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (/^[\w.~-]+(\/[\w.~+-]+)*$/.test(line)) onPackage(line);
      else said.push(line);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve();
      reject(new Error(`go ${args[0]} failed for ${module.name}; its last lines:\n${said.slice(-20).join('\n')}\n`
        + 'To do: when a download failed, check the network or GOPROXY and run the same command again; what was compiled is kept.'));
    });
  });
}
