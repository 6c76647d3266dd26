// `make demo`: builds, starts the rig, tells the story of the repositories, starts Lockstep, and says where it is.
// State is kept in `.demo`: a second start takes seconds. `--reset` begins anew, `--no-build` takes the program as it
// was built last. Ctrl-C stops everything.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { addressWithSecret, createRepository, createToken, createUser, down, repositoryAddresses, up } from '../rig/rig.mjs';
import { freePort } from '../rig/ports.mjs';
import { addUser, apiClient, migrate, startServer, writeConfig } from '../harness/server.mjs';
import { SERVER, buildFrontend, buildServer } from '../tasks/compile.mjs';
import { setUpForDemo } from '../tasks/setup.mjs';
import { ROOT, duration, step } from '../tasks/steps.mjs';
import { REPOSITORIES, initialise, tell } from './repositories.mjs';
import { playScenes } from './scenes.mjs';

const STATE = process.env.LOCKSTEP_DEMO_STATE || join(ROOT, '.demo');
const RIG = join(STATE, 'rig');
const FACTS = join(STATE, 'demo.json');
const WORK = join(STATE, 'repositories');
const SERVER_FOLDER = join(STATE, 'lockstep');
const OWNER = 'acme';
/** Two of Argo CD, one of Flux with a folder for each cluster, one of Fleet: all of them one list. */
const SOURCES = [
  { name: 'fleet', repository: 'fleet', homeCluster: 'prod-eu' },
  { name: 'tools', repository: 'tools', path: 'apps', homeCluster: 'prod-eu' },
  { name: 'observability-production', repository: 'observability', path: 'clusters/production', homeCluster: 'prod-eu' },
  { name: 'observability-staging', repository: 'observability', path: 'clusters/staging', homeCluster: 'staging-eu' },
  { name: 'edge', repository: 'edge', homeCluster: 'prod-eu' },
];
const LABELS = { 'staging-eu': { env: 'staging', region: 'eu' }, 'prod-eu': { env: 'prod', region: 'eu' } };

const since = Date.now();
let server = null;
let rigStarted = false;
let stopping = false;

async function stopAll() {
  if (stopping) return;
  stopping = true;
  if (server) await server.stop();
  if (rigStarted) await down({ state: RIG });
}

/** Facts that outlive a start: port, password, token, and how far the set-up came. */
const readFacts = () => (existsSync(FACTS) ? JSON.parse(readFileSync(FACTS, 'utf8')) : {});
const writeFacts = (facts) => writeFileSync(FACTS, JSON.stringify(facts, null, 2), { mode: 0o600 });

/** Repositories that are not on the Git host yet: all of them, or what a newer demo has more. */
function missing(facts) {
  if (facts.gitToken) facts.told ??= ['platform', 'shop', 'fleet'];
  return REPOSITORIES.filter((name) => !facts.told?.includes(name));
}

async function prepareRepositories(rig, facts) {
  const { gitea } = rig;
  const names = missing(facts);
  if (!facts.gitToken) {
    const owner = await createUser(gitea, OWNER, randomBytes(12).toString('base64url'));
    facts.gitToken = await createToken(gitea, owner, 'lockstep');
    facts.start = new Date().toISOString();
  }
  for (const name of names) {
    const { http } = await createRepository(gitea, OWNER, name);
    initialise(WORK, name, addressWithSecret(http, OWNER, facts.gitToken));
    const commits = tell(WORK, name, { late: false, start: new Date(facts.start), gitBase: `${gitea.url}${OWNER}` });
    facts.told = [...(facts.told ?? []), name];
    console.log(`${OWNER}/${name}: ${commits} commits`);
  }
}

function prepareServer(rig, facts) {
  const config = writeConfig({
    folder: SERVER_FOLDER,
    port: facts.port,
    rig,
    clusters: rig.clusters.map(({ name }) => ({ name, labels: LABELS[name] })),
    sources: SOURCES.map(({ repository, ...source }) => ({
      ...source, repo: repositoryAddresses(rig.gitea, OWNER, repository).http,
      username: OWNER, password: facts.gitToken, takenOver: true,
    })),
    repositories: [{ prefix: `${rig.gitea.url}${OWNER}/`, username: OWNER, password: facts.gitToken }],
  });
  if (!facts.password) {
    facts.password = randomBytes(9).toString('base64url');
    addUser(SERVER, config, 'maria', facts.password, 'admin');
  }
  return config;
}

async function main() {
  if (process.argv.includes('--reset') && existsSync(STATE)) {
    await down({ state: RIG });
    rmSync(STATE, { recursive: true, force: true });
  }
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const facts = readFacts();
  if (!process.argv.includes('--no-build')) {
    await setUpForDemo();
    await buildFrontend();
    await buildServer();
  }
  rigStarted = true;
  const rig = await step('Two clusters and a Git host', () => up({ state: RIG, clusters: 2 }));
  if (missing(facts).length) {
    await step('Repositories', () => prepareRepositories(rig, facts));
    writeFacts(facts);
  }
  facts.port ??= await freePort(new Set());
  const config = prepareServer(rig, facts);
  writeFacts(facts);
  const url = `http://127.0.0.1:${facts.port}`;
  server = await step('Lockstep', () => {
    // The database may be that of an earlier version.
    migrate(SERVER, config);
    return startServer({ program: SERVER, config, folder: SERVER_FOLDER, url });
  });
  if (!facts.played) {
    await step('Scenes: a drift, a failure, a commit behind', async () =>
      playScenes({ rig, work: WORK, facts, api: await apiClient(url, 'maria', facts.password), gitBase: `${rig.gitea.url}${OWNER}` }));
    facts.played = true;
    writeFacts(facts);
  }
  console.log(`
Lockstep is ready after ${duration(Date.now() - since)}.

  URL        ${url}
  user       maria
  password   ${facts.password}

  Git        ${rig.gitea.url}${OWNER}   (user ${OWNER}, token ${facts.gitToken})
  clusters   export KUBECONFIG=${rig.kubeconfig}
  kubectl    ${rig.programs.kubectl}
  CLI        ${SERVER} login ${url} --name maria
  clones     ${WORK}   (commit and push there, and watch the clusters follow)

Ctrl-C stops everything; the next start continues where this one ends. "make demo-reset" begins anew.`);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, resolve);
    server.child.once('exit', () => {
      if (!stopping) console.error(`\nLockstep ended by itself. Its log says:\n${server.logTail()}`);
      resolve();
    });
  });
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    console.log('\nStopping …');
    stopAll().then(() => process.exit(0));
  });
}

main()
  .then(stopAll)
  .catch(async (error) => {
    console.error(`\n${error.message}`);
    await stopAll();
    process.exitCode = 1;
  });
