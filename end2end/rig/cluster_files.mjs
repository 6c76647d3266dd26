// The files one cluster reads: tokens, keys, stages, the pods' log, and the kubeconfigs made from its CA.
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kubeconfig } from './kubeconfig.mjs';
import { RIG_FOLDER } from './modules.mjs';
import { openingLines } from './pod_log.mjs';
import { writePrivate } from './state.mjs';

const HEARTBEAT_MS = 240_000;

export function clusterPaths(folder) {
  return {
    folder,
    etcdData: join(folder, 'etcd'),
    certificates: join(folder, 'certificates'),
    ca: join(folder, 'ca.crt'),
    serviceAccountKey: join(folder, 'service-account.key'),
    tokens: join(folder, 'tokens.csv'),
    auditPolicy: join(folder, 'audit-policy.yaml'),
    auditLog: join(folder, 'audit.log'),
    kwokConfig: join(folder, 'kwok.yaml'),
    podLog: join(folder, 'pods.log'),
    kubeconfig: join(folder, 'kubeconfig'),
    kubeconfigFor: (user) => join(folder, `kubeconfig-${user}`),
    log: (part) => join(folder, 'logs', `${part}.log`),
  };
}

// User names as the audit log shows them. The two that Kubernetes ships roles for need no group.
const USERS = {
  admin: { name: 'admin', group: 'system:masters' },
  observer: { name: 'observer', group: 'rig:observers' },
  controllerManager: { name: 'system:kube-controller-manager' },
  scheduler: { name: 'system:kube-scheduler' },
  kwok: { name: 'rig:kwok', group: 'system:masters' },
};

export const USER_KEYS = Object.keys(USERS);

export function writeStartFiles(record, paths, stageFolder) {
  const rows = Object.entries(USERS).map(([key, { name, group }]) => [record.tokens[key], name, name, group].filter(Boolean).join(','));
  writePrivate(paths.tokens, `${rows.join('\n')}\n`);
  copyFileSync(join(RIG_FOLDER, 'audit-policy.yaml'), paths.auditPolicy);
  if (!existsSync(paths.serviceAccountKey)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writePrivate(paths.serviceAccountKey, privateKey.export({ type: 'pkcs1', format: 'pem' }));
  }
  if (!existsSync(paths.podLog)) writePrivate(paths.podLog, openingLines(record.name));
  writePrivate(paths.kwokConfig, kwokConfiguration(stageFolder, paths.podLog));
}

/** After the API server wrote its certificate (leaf first, then the CA that signed it): the CA file and all kubeconfigs. */
export function writeClientFiles(record, paths) {
  const chain = readFileSync(join(paths.certificates, 'apiserver.crt'), 'utf8').match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g);
  writePrivate(paths.ca, `${chain.at(-1)}\n`);
  const ca = readFileSync(paths.ca);
  for (const [key, { name }] of Object.entries(USERS)) {
    const file = key === 'admin' ? paths.kubeconfig : paths.kubeconfigFor(key);
    writePrivate(file, kubeconfig([{ name: record.name, server: record.server, ca, user: name, token: record.tokens[key] }]));
  }
}

// kwok's own stages, with rarer heartbeats (each is a write that every watcher of nodes hears), then the rig's.
function kwokConfiguration(stageFolder, podLog) {
  const read = (...path) => readFileSync(join(stageFolder, ...path), 'utf8').trim();
  const heartbeat = read('node', 'heartbeat', 'node-heartbeat.yaml');
  const slower = heartbeat.replace(/durationMilliseconds: \d+/, `durationMilliseconds: ${HEARTBEAT_MS}`);
  if (slower === heartbeat) throw new Error('kwok\'s heartbeat stage has no durationMilliseconds to change');
  const all = (...folder) => readdirSync(join(stageFolder, ...folder))
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml').sort().map((name) => read(...folder, name));
  const logs = { apiVersion: 'kwok.x-k8s.io/v1alpha1', kind: 'ClusterLogs', metadata: { name: 'all-pods' },
    spec: { logs: [{ logsFile: podLog, follow: true }] } };
  return [
    read('node', 'fast', 'node-initialize.yaml'), slower, ...all('pod', 'fast'),
    read('pod', 'chaos', 'pod-container-running-failed.yaml'),
    ...all('volume', 'fast').filter((text) => /^kind: Stage$/m.test(text)),
    readFileSync(join(RIG_FOLDER, 'stages', 'pods.yaml'), 'utf8').trim(),
    JSON.stringify(logs),
  ].join('\n---\n');
}
