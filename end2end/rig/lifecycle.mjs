// The whole rig: up, down, and what tests do to single clusters. Every change ends with a fresh rig.json.
import { buildModules, isBuilt } from './build.mjs';
import { deleteClusterData, ensureCluster, recordFile, stopParts } from './cluster.mjs';
import { writeDescription } from './description.mjs';
import { ensureGitea, stopGitea } from './gitea.mjs';
import { MODULE_NAMES, describeModule } from './modules.mjs';
import { requirePrerequisites, requirements } from './prerequisites.mjs';
import { killProcess, isRunning, signal, stopProcess } from './process.mjs';
import { Progress } from './progress.mjs';
import { clusterRecords, readJson } from './state.mjs';

const NAMED_CLUSTERS = ['staging-eu', 'prod-eu', 'prod-us'];
const CLUSTERS_BY_DEFAULT = 2;

export function clusterNames(count) {
  return Array.from({ length: count }, (_, index) => NAMED_CLUSTERS[index] ?? `edge-${index - NAMED_CLUSTERS.length + 1}`);
}

/** Builds what is missing; `names` of modules, all unless given. */
export async function build({ names = MODULE_NAMES, progress = new Progress() } = {}) {
  const builds = names.some((name) => !isBuilt(describeModule(name)));
  requirePrerequisites(requirements({ builds, gitea: names.includes('gitea') }));
  return buildModules(names, progress);
}

/**
 * Starts what does not run yet and answers what rig.json holds. Without `clusters`: as many as the last time, two at
 * first. `durable` makes etcd wait for the disk, which benchmarks need and tests do not.
 */
export async function up({ state, clusters, gitea = true, durable, progress = new Progress() }) {
  const modules = await build({ names: MODULE_NAMES.filter((name) => gitea || name !== 'gitea'), progress });
  const count = clusters ?? Math.max(CLUSTERS_BY_DEFAULT, namedBefore(state));
  const starts = clusterNames(count).map((name) => progress.step(`cluster ${name}`,
    (update) => ensureCluster(state, name, modules.kubernetes, { durable, update })));
  if (gitea) starts.push(progress.step('Gitea', (update) => ensureGitea(state, modules.gitea, { update })));
  const results = await Promise.allSettled(starts);
  const rig = await writeDescription(state);
  const failed = results.filter(({ status }) => status === 'rejected').map(({ reason }) => reason);
  if (failed.length === 1) throw failed[0];
  if (failed.length > 1) throw new AggregateError(failed, failed.map(({ message }) => message).join('\n\n'));
  return rig;
}

function namedBefore(state) {
  const known = new Set(clusterRecords(state).map(({ name }) => name));
  let count = 0;
  while (known.has(clusterNames(count + 1).at(-1))) count += 1;
  return count;
}

/** Ends every process of this rig and nothing else; data stays for the next `up`. */
export async function down({ state, progress = new Progress() }) {
  const records = clusterRecords(state);
  const running = records.filter((record) => Object.values(record.parts).some(isRunning));
  await Promise.all([
    ...running.map((record) => progress.step(`stopping cluster ${record.name}`, () => stopParts(record))),
    stopGitea(state),
  ]);
  return writeDescription(state);
}

/** One more cluster under a name of the caller's, for a test that stops or breaks it. Answers its description. */
export async function startCluster({ state, name, durable, progress = new Progress({ quiet: true }) }) {
  const { kubernetes } = await build({ names: ['kubernetes'], progress });
  const cluster = await progress.step(`cluster ${name}`, (update) => ensureCluster(state, name, kubernetes, { durable, update }));
  await writeDescription(state);
  return cluster;
}

export async function stopCluster({ state, name }) {
  await stopParts(recordOf(state, name));
  await writeDescription(state);
}

/** Stops a cluster and forgets it, data and all. */
export async function removeCluster({ state, name }) {
  await stopParts(recordOf(state, name));
  deleteClusterData(state, name);
  await writeDescription(state);
}

/** Ends the API server in order: open requests finish, watches are closed. */
export async function stopApiServer({ state, name }) {
  await stopProcess(recordOf(state, name).parts.apiserver);
  await writeDescription(state);
}

/** Ends the API server at once, as a crash would. */
export async function killApiServer({ state, name }) {
  await killProcess(recordOf(state, name).parts.apiserver);
  await writeDescription(state);
}

/** Brings the API server (and whatever else of the cluster is down) back, at the same address. */
export function startApiServer({ state, name }) {
  return startCluster({ state, name });
}

/** Connections stay open and nothing answers: a cluster behind a broken network. */
export function pauseApiServer({ state, name }) {
  signal(recordOf(state, name).parts.apiserver, 'SIGSTOP');
}

export function resumeApiServer({ state, name }) {
  signal(recordOf(state, name).parts.apiserver, 'SIGCONT');
}

function recordOf(state, name) {
  const record = readJson(recordFile(state, name));
  if (record) return record;
  throw new Error(`the rig in ${state} has no cluster "${name}"`);
}
