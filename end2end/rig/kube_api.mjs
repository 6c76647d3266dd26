// A few requests to an API server, with its CA and a token: what the rig and the tests' set-up need, no more.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const REQUEST_TIMEOUT_MS = 10_000;

/** `cluster`: { server, caFile, adminToken }. Answers { status, body }, body parsed when it is JSON. */
export function kubeRequest(cluster, method, path, body, { contentType = 'application/json', token = cluster.adminToken } = {}) {
  const payload = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  if (payload) Object.assign(headers, { 'content-type': contentType, 'content-length': payload.length });
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, cluster.server),
      { method, headers, ca: readFileSync(cluster.caFile), agent: false, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode, body: parsed(Buffer.concat(chunks).toString('utf8')) }));
      });
    call.on('error', (error) => reject(error.name === 'AbortError' ? new Error(`${method} ${path}: no answer from ${cluster.server}`) : error));
    call.end(payload);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function expectSuccess(cluster, method, path, body, options) {
  const answer = await kubeRequest(cluster, method, path, body, options);
  if (answer.status < 300) return answer.body;
  throw new Error(`${method} ${path} on ${cluster.name}: ${answer.status} ${answer.body?.message ?? answer.body}`);
}

export async function isReady(cluster) {
  return (await kubeRequest(cluster, 'GET', '/readyz')).status === 200;
}

function applied(cluster, path, object) {
  return expectSuccess(cluster, 'PATCH', `${path}?fieldManager=lockstep-rig&force=true`, object, { contentType: 'application/apply-patch+yaml' });
}

/** What every cluster of the rig holds from the start: the observer's rights, storage that kwok provides, two nodes. */
export async function seedCluster(cluster, kubernetesVersion) {
  const roles = '/apis/rbac.authorization.k8s.io/v1';
  const name = 'rig-observer';
  await applied(cluster, `${roles}/clusterroles/${name}`, {
    apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }, { nonResourceURLs: ['*'], verbs: ['get'] }],
  });
  await applied(cluster, `${roles}/clusterrolebindings/${name}`, {
    apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'observer' }],
  });
  await applied(cluster, '/apis/storage.k8s.io/v1/storageclasses/kwok-volume', {
    apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass',
    metadata: { name: 'kwok-volume', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'kwok.x-k8s.io/volume', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate',
  });
  for (const number of [1, 2]) await ensureNode(cluster, `${cluster.name}-node-${number}`, kubernetesVersion);
}

async function ensureNode(cluster, name, kubeletVersion) {
  const known = await kubeRequest(cluster, 'GET', `/api/v1/nodes/${name}`);
  if (known.status === 200) return;
  const size = { cpu: '64', memory: '256Gi', pods: '1000' };
  await expectSuccess(cluster, 'POST', '/api/v1/nodes', {
    apiVersion: 'v1', kind: 'Node',
    metadata: {
      name, annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', 'node-role.kubernetes.io/worker': '' },
    },
    status: { capacity: size, allocatable: size, nodeInfo: { kubeletVersion, architecture: 'amd64', operatingSystem: 'linux' } },
  });
}

export async function nodesReady(cluster) {
  const { items } = await expectSuccess(cluster, 'GET', '/api/v1/nodes');
  const ready = (node) => node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  return items.length > 0 && items.every(ready);
}
