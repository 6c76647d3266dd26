// The five programs of a cluster and their arguments, in the order in which they start. Arguments name the addresses
// they depend on, so that a part whose arguments changed is known to need a restart.
import { join } from 'node:path';
import { LOOPBACK } from './ports.mjs';

export const PORT_NAMES = ['etcd', 'etcdPeer', 'apiserver', 'kwok'];

/** Parts in start order; `port` names the one a part listens on. */
export const PARTS = {
  etcd: { program: 'etcd', ports: ['etcd', 'etcdPeer'], args: etcd },
  apiserver: { program: 'kube-apiserver', ports: ['apiserver'], args: apiserver },
  controllerManager: { program: 'kube-controller-manager', ports: [], args: controllerManager },
  scheduler: { program: 'kube-scheduler', ports: [], args: scheduler },
  kwok: { program: 'kwok', ports: ['kwok'], args: kwok },
};

export const PART_NAMES = Object.keys(PARTS);

/** The part that listens on a port. */
export function ownerOfPort(portName) {
  return PART_NAMES.find((part) => PARTS[part].ports.includes(portName));
}

function etcd(record, paths) {
  const client = `http://${LOOPBACK}:${record.ports.etcd}`;
  const peer = `http://${LOOPBACK}:${record.ports.etcdPeer}`;
  return [
    `--data-dir=${paths.etcdData}`,
    `--listen-client-urls=${client}`, `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`,
    '--log-level=warn',
    ...(record.durable ? [] : ['--unsafe-no-fsync']),
  ];
}

function apiserver(record, paths) {
  return [
    `--etcd-servers=http://${LOOPBACK}:${record.ports.etcd}`,
    `--secure-port=${record.ports.apiserver}`, `--bind-address=${LOOPBACK}`, `--advertise-address=${LOOPBACK}`,
    `--cert-dir=${paths.certificates}`,
    `--service-account-key-file=${paths.serviceAccountKey}`,
    `--service-account-signing-key-file=${paths.serviceAccountKey}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--token-auth-file=${paths.tokens}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/16',
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
    '--shutdown-watch-termination-grace-period=1s',
    '--profiling=false',
    `--audit-policy-file=${paths.auditPolicy}`, `--audit-log-path=${paths.auditLog}`,
    '--audit-log-maxsize=1024', '--audit-log-maxbackup=1',
  ];
}

// Failed pods of a ReplicaSet are replaced at once and for ever; a low threshold keeps them from piling up. The grace
// period is long because heartbeats are rare.
function controllerManager(record, paths) {
  return [
    `--kubeconfig=${paths.kubeconfigFor('controllerManager')}`, `--master=${record.server}`,
    `--service-account-private-key-file=${paths.serviceAccountKey}`,
    `--root-ca-file=${paths.ca}`,
    '--use-service-account-credentials',
    '--leader-elect=false', '--secure-port=0', '--profiling=false',
    '--terminated-pod-gc-threshold=20',
    '--node-monitor-grace-period=20m', '--node-monitor-period=30s',
  ];
}

function scheduler(record, paths) {
  return [
    `--kubeconfig=${paths.kubeconfigFor('scheduler')}`, `--master=${record.server}`,
    '--leader-elect=false', '--secure-port=0', '--profiling=false',
  ];
}

// The scheduler's and the API server's idea of a kubelet: kwok answers for all nodes at one loopback address.
function kwok(record, paths) {
  return [
    `--kubeconfig=${paths.kubeconfigFor('kwok')}`, `--master=${record.server}`,
    `--config=${paths.kwokConfig}`,
    '--manage-all-nodes=true',
    `--node-ip=${LOOPBACK}`, `--node-port=${record.ports.kwok}`, `--server-address=${LOOPBACK}:${record.ports.kwok}`,
    '--node-lease-duration-seconds=0',
  ];
}

export function programPath(module, part) {
  return join(module.bin, PARTS[part].program);
}
