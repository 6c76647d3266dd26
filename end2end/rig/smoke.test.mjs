// Does the rig hold what it promises? Runs in a state folder of its own: node --test end2end/rig/smoke.test.mjs
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as rigs from './rig.mjs';
import { isRunning, startProcess, stopProcess } from './process.mjs';

const folder = mkdtempSync(join(tmpdir(), 'rig-smoke-'));
const state = join(folder, 'state');
let rig;

before(async () => { rig = await rigs.up({ state }); });
after(async () => {
  await rigs.down({ state });
  assert.ok(rigs.statusRows(state).every((row) => row.state === 'stopped'));
  rmSync(folder, { recursive: true, force: true });
});

async function until(what, check, timeoutMs = 30_000) {
  const end = Date.now() + timeoutMs;
  while (!(await check())) {
    assert.ok(Date.now() < end, `not in time: ${what}`);
    await pause(100);
  }
}

function kubectl(cluster, ...args) {
  return execFileSync(rig.programs.kubectl, ['--kubeconfig', rig.kubeconfig, '--context', cluster, ...args], { encoding: 'utf8', stdio: 'pipe' });
}

function git(cwd, environment, ...args) {
  const identity = ['-c', 'user.name=Rig', '-c', 'user.email=rig@rig.invalid'];
  return execFileSync('git', [...identity, ...args], { cwd, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, GIT_TERMINAL_PROMPT: '0', ...environment } });
}

test('pods run, log and fail as asked', async () => {
  kubectl('staging-eu', 'create', 'deployment', 'web', '--image=web:1', '--replicas=3');
  kubectl('staging-eu', 'rollout', 'status', 'deployment/web', '--timeout=30s');
  assert.match(kubectl('staging-eu', 'logs', 'deployment/web'), /listening on :8080/);
  kubectl('staging-eu', 'run', 'broken', '--image=web:1', '--labels=pod-container-running-failed.stage.kwok.x-k8s.io=true');
  kubectl('staging-eu', 'wait', 'pod/broken', '--for=jsonpath={.status.phase}=Failed', '--timeout=30s');
  kubectl('staging-eu', 'run', 'looping', '--image=web:1', '--labels=rig.lockstep.dev/pod=crash-loop');
  kubectl('staging-eu', 'wait', 'pod/looping', '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff', '--timeout=30s');
});

test('the observer reads everything and writes nothing, and the audit log says who wrote', async () => {
  const [cluster] = rig.clusters;
  const asObserver = { token: cluster.observerToken };
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'written' } };
  const path = '/api/v1/namespaces/default/configmaps';
  assert.equal((await rigs.kubeRequest(cluster, 'GET', path, undefined, asObserver)).status, 200);
  assert.equal((await rigs.kubeRequest(cluster, 'POST', path, configMap, asObserver)).status, 403);
  assert.equal((await rigs.kubeRequest(cluster, 'POST', path, configMap)).status, 201);
  const writers = () => readFileSync(cluster.auditLog, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
    .filter(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'configmaps' && objectRef.name === 'written')
    .map(({ user, responseStatus }) => `${user.username} ${responseStatus.code}`);
  await until('the audit log', () => writers().includes('admin 201'));
});

test('an API server can be paused, killed and started again', async () => {
  const cluster = await rigs.startCluster({ state, name: 'breakable' });
  const of = { state, name: 'breakable' };
  rigs.pauseApiServer(of);
  assert.equal(rigs.statusRows(state).find(({ part }) => part === 'breakable kube-apiserver').state, 'paused');
  rigs.resumeApiServer(of);
  assert.equal((await rigs.kubeRequest(cluster, 'GET', '/readyz')).status, 200);
  await rigs.killApiServer(of);
  await assert.rejects(rigs.kubeRequest(cluster, 'GET', '/readyz'));
  assert.equal(rigs.readDescription(state).clusters.find(({ name }) => name === 'breakable').pids.apiserver, null);
  assert.equal((await rigs.startApiServer(of)).server, cluster.server);
  await rigs.stopApiServer(of);
  await assert.rejects(rigs.kubeRequest(cluster, 'GET', '/readyz'));
  await rigs.removeCluster(of);
  assert.ok(!rigs.readDescription(state).clusters.some(({ name }) => name === 'breakable'));
});

test('the Git host takes pushes by HTTP and SSH and tells webhooks', async () => {
  const { gitea } = rig;
  const user = await rigs.createUser(gitea, 'kim', 'correct-horse-battery');
  const token = await rigs.createToken(gitea, user, 'push', ['write:repository']);
  const repository = await rigs.createRepository(gitea, 'kim', 'shop');
  const deliveries = [];
  const receiver = createServer((request, response) => {
    deliveries.push(request.headers['x-gitea-event']);
    request.resume().on('end', () => response.end());
  });
  await new Promise((resolve) => { receiver.listen(0, '127.0.0.1', resolve); });
  await rigs.addWebhook(gitea, 'kim', 'shop', `http://127.0.0.1:${receiver.address().port}/hook`, { secret: 'signing' });

  const work = join(folder, 'shop');
  mkdirSync(work);
  git(work, {}, 'init', '--quiet', '--initial-branch=main');
  writeFileSync(join(work, 'README.md'), 'shop\n');
  git(work, {}, 'add', '.');
  git(work, {}, 'commit', '--quiet', '-m', 'First');
  git(work, {}, 'push', rigs.addressWithSecret(repository.http, 'kim', token), 'main');
  await until('the webhook', () => deliveries.includes('push'));
  receiver.close();

  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  await rigs.addSshKey(gitea, 'kim', 'laptop', readFileSync(`${key}.pub`, 'utf8'));
  git(work, {}, 'commit', '--quiet', '--allow-empty', '-m', 'Second');
  git(work, rigs.sshEnvironment(gitea, key), 'push', repository.ssh, 'main');
  const heads = git(work, rigs.sshEnvironment(gitea, key), 'ls-remote', repository.ssh, 'main');
  assert.equal(heads.split('\t')[0], git(work, {}, 'rev-parse', 'main').trim());
});

test('up again changes nothing, and after down it finds everything where it was', async () => {
  assert.deepEqual((await rigs.up({ state })).clusters.map(({ pids }) => pids), rig.clusters.map(({ pids }) => pids));
  await rigs.down({ state });
  assert.deepEqual(rigs.readDescription(state).clusters, []);
  const again = await rigs.up({ state });
  assert.deepEqual(again.clusters.map(({ server }) => server), rig.clusters.map(({ server }) => server));
  assert.equal(again.gitea.url, rig.gitea.url);
  assert.match(kubectl('staging-eu', 'get', 'deployment', 'web'), /3\/3/);
});

test('a process that only has the same pid is left alone', async () => {
  const record = startProcess({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], folder, log: join(folder, 'stranger.log') });
  await stopProcess({ ...record, identity: 'another start of something else' });
  assert.ok(isRunning(record));
  await stopProcess(record);
  assert.ok(!isRunning(record));
});
