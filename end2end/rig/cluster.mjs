// One cluster: bringing its parts up in order, keeping what already runs, and taking single parts away.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { USER_KEYS, clusterPaths, writeClientFiles, writeStartFiles } from './cluster_files.mjs';
import { PARTS, PART_NAMES, PORT_NAMES, ownerOfPort, programPath } from './control_plane.mjs';
import { isReady, kubeRequest, nodesReady, seedCluster } from './kube_api.mjs';
import { LOOPBACK, settlePorts } from './ports.mjs';
import { isPaused, isRunning, signal, startProcess, stopProcess, waitUntilReady } from './process.mjs';
import { clusterFolder, readJson, rememberedPorts, secret, withLock, writeJson } from './state.mjs';

const NAME = /^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/;
const KUBERNETES_VERSION = /gitVersion=(\S+)/;
const KWOK_STARTS = 3;

export function recordFile(state, name) {
  return join(clusterFolder(state, name), 'record.json');
}

/** What a test needs to know of a cluster; `clusters[]` of rig.json. */
export function clusterDescription(state, record) {
  const paths = clusterPaths(clusterFolder(state, record.name));
  return {
    name: record.name,
    server: record.server,
    caFile: paths.ca,
    adminToken: record.tokens.admin,
    observerToken: record.tokens.observer,
    kubeconfig: paths.kubeconfig,
    observerKubeconfig: paths.kubeconfigFor('observer'),
    auditLog: paths.auditLog,
    podLog: paths.podLog,
    folder: paths.folder,
    pids: Object.fromEntries(PART_NAMES.map((part) => [part, isRunning(record.parts[part]) ? record.parts[part].pid : null])),
  };
}

/** Brings a cluster up, from nothing or from what an earlier start left; answers its description. */
export async function ensureCluster(state, name, module, { durable, update = () => {} } = {}) {
  if (!NAME.test(name)) throw new Error(`"${name}" is no cluster name: small letters, digits and dashes`);
  const paths = clusterPaths(clusterFolder(state, name));
  return withLock(paths.folder, async () => {
    const record = await prepareRecord(state, name, durable);
    writeStartFiles(record, paths, join(module.shared, 'stage'));
    const start = (part) => ensurePart(state, record, paths, module, part);
    const cluster = clusterDescription(state, record);

    update('etcd');
    await waitUntilReady(`${name}: etcd`, await start('etcd'), () => etcdHealthy(record));

    update('API server');
    const server = await start('apiserver');
    await waitUntilReady(`${name}: kube-apiserver`, server, async () => existsSync(join(paths.certificates, 'apiserver.crt')));
    writeClientFiles(record, paths);
    await waitUntilReady(`${name}: kube-apiserver`, server, () => isReady(cluster));

    update('controllers');
    const [controllers, scheduler] = [await start('controllerManager'), await start('scheduler'), await start('kwok')];
    await seedCluster(cluster, KUBERNETES_VERSION.exec(module.linkerFlags)[1]);
    await kwokReady(name, cluster, () => start('kwok'));
    await waitUntilReady(`${name}: kube-controller-manager`, controllers, () => acceptsPods(cluster));
    await waitUntilReady(`${name}: kube-scheduler`, scheduler, async () => isRunning(scheduler));
    update(record.server);
    return clusterDescription(state, record);
  });
}

/**
 * kwok 0.8.0 may crash in its first moments: its controllers of nodes and of pods prepare a table that they share at the same
 * time, without a lock. It is started again then, as a supervisor would; what else keeps it down is still an error.
 */
async function kwokReady(name, cluster, start) {
  for (let left = KWOK_STARTS - 1; ; left -= 1) {
    const kwok = await start();
    try {
      return await waitUntilReady(`${name}: kwok`, kwok, () => nodesReady(cluster));
    } catch (error) {
      if (left === 0 || isRunning(kwok)) throw error;
    }
  }
}

async function prepareRecord(state, name, durable) {
  const file = recordFile(state, name);
  return withLock(state, async () => {
    const record = readJson(file) ?? {
      name,
      created: new Date().toISOString(),
      durable: false,
      tokens: Object.fromEntries(USER_KEYS.map((user) => [user, secret()])),
      ports: {},
      parts: {},
    };
    if (durable !== undefined) record.durable = durable;
    const isOwn = (portName) => isRunning(record.parts[ownerOfPort(portName)]);
    record.ports = await settlePorts(PORT_NAMES, record.ports, isOwn, rememberedPorts(state));
    record.server = `https://${LOOPBACK}:${record.ports.apiserver}`;
    writeJson(file, record);
    return record;
  });
}

async function ensurePart(state, record, paths, module, part) {
  const command = programPath(module, part);
  const args = PARTS[part].args(record, paths);
  const known = record.parts[part];
  if (isRunning(known)) {
    if (known.command === command && known.args.join('\n') === args.join('\n')) {
      if (isPaused(known)) signal(known, 'SIGCONT');
      return known;
    }
    await stopProcess(known);
  }
  record.parts[part] = startProcess({ command, args, folder: paths.folder, log: paths.log(part) });
  writeJson(recordFile(state, record.name), record);
  return record.parts[part];
}

async function etcdHealthy(record) {
  const answer = await fetch(`http://${LOOPBACK}:${record.ports.etcd}/health`);
  return (await answer.json()).health === 'true';
}

// Pods are refused until the controllers gave the namespace its service account.
async function acceptsPods(cluster) {
  const answer = await kubeRequest(cluster, 'GET', '/api/v1/namespaces/default/serviceaccounts/default');
  return answer.status === 200;
}

/** Ends all parts of a cluster, the ones that others depend on last. Data stays. */
export async function stopParts(record) {
  for (const group of [['kwok', 'scheduler', 'controllerManager'], ['apiserver'], ['etcd']]) {
    await Promise.all(group.map((part) => stopProcess(record.parts[part])));
  }
}

export function deleteClusterData(state, name) {
  rmSync(clusterFolder(state, name), { recursive: true, force: true });
}
