// Starts and stops the real Lockstep program for the demo and the browser journeys.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SITE } from '../tasks/steps.mjs';

/** A string as TOML. */
const quoted = (text) => JSON.stringify(text);

/**
 * Writes `lockstep.toml` into `folder`.
 * `clusters`: [{ name, labels }] of the rig's kubeconfig; `sources`: [{ name, repo, revision, homeCluster, username, password, takenOver }];
 * `repositories`: [{ prefix, username, password }], logins for the repositories that applications name.
 */
export function writeConfig({ folder, port, rig, clusters, sources, repositories = [], pollSeconds = 30, kubeconfig = rig.kubeconfig }) {
  mkdirSync(folder, { recursive: true });
  const lines = [
    `listen = ${quoted(`127.0.0.1:${port}`)}`,
    `public_url = ${quoted(`http://127.0.0.1:${port}`)}`,
    `data_dir = "data"`,
    `site_root = ${quoted(SITE)}`,
    '',
    '# Everything here runs on this machine: plain HTTP and loopback addresses are opened on purpose.',
    '[network]',
    'allow_http = true',
    'allow_private = true',
    '',
    '[tools]',
    `helm = ${quoted(rig.programs.helm)}`,
    `kustomize = ${quoted(rig.programs.kustomize)}`,
  ];
  for (const { name, labels = {} } of clusters) {
    const pairs = Object.entries(labels).map(([key, value]) => `${quoted(key)} = ${quoted(value)}`);
    lines.push('', '[[cluster]]', `name = ${quoted(name)}`, `kubeconfig = ${quoted(kubeconfig)}`, `context = ${quoted(name)}`, `labels = { ${pairs.join(', ')} }`);
  }
  for (const { name, repo, revision = 'main', path = '', homeCluster, username, password, takenOver } of sources) {
    const secret = join(folder, `${name}.password`);
    writeFileSync(secret, password, { mode: 0o600 });
    lines.push('', '[[source]]', `name = ${quoted(name)}`, `repo = ${quoted(repo)}`, `revision = ${quoted(revision)}`, `path = ${quoted(path)}`);
    lines.push(`home_cluster = ${quoted(homeCluster)}`, `username = ${quoted(username)}`, `password_file = ${quoted(secret)}`, `taken_over = ${Boolean(takenOver)}`, `poll_seconds = ${pollSeconds}`);
  }
  for (const [index, { prefix, username, password }] of repositories.entries()) {
    const secret = join(folder, `repository-${index}.password`);
    writeFileSync(secret, password, { mode: 0o600 });
    lines.push('', '[[repository]]', `prefix = ${quoted(prefix)}`, `username = ${quoted(username)}`, `password_file = ${quoted(secret)}`, `poll_seconds = ${pollSeconds}`);
  }
  const file = join(folder, 'lockstep.toml');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** Runs one command of the program to its end; throws with what it printed when it fails. */
export function command(program, args, { env = {}, input } = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', input, env: { ...process.env, ...env } });
  if (result.error) throw result.error;
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** Runs a command that must succeed and returns what it printed. */
export function mustRun(program, args, options) {
  const result = command(program, args, options);
  if (result.status !== 0) throw new Error(`lockstep ${args.join(' ')} ended with status ${result.status}: ${result.stderr.trim() || result.stdout.trim()}`);
  return result.stdout;
}

/** Brings the database to the schema of the program; nothing happens when it has it. */
export function migrate(program, config) {
  mustRun(program, ['migrate', '--config', config]);
}

/** Makes an account in the database, which must not be served at that moment. */
export function addUser(program, config, name, password, role) {
  migrate(program, config);
  mustRun(program, ['user', '--config', config, 'add', name, '--role', role], { input: `${password}\n` });
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return response.ok;
  } catch {
    return false;
  }
}

/** Polls until `check` gives something truthy; throws with `what` after the deadline. */
export async function until(what, check, { seconds = 60, everyMs = 200 } = {}) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > end) throw new Error(`${what}: not so after ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Starts the server and waits until it serves. The log goes to a file beside the configuration. */
export async function startServer({ program, config, folder, url, env = {} }) {
  const log = join(folder, 'lockstep.log');
  const out = openSync(log, 'a');
  const child = spawn(program, ['serve', '--config', config], { stdio: ['ignore', out, out], env: { ...process.env, ...env } });
  let ended = null;
  child.on('exit', (code, signal) => {
    ended = signal ?? code;
  });
  const logTail = () => readFileSync(log, 'utf8').split('\n').slice(-15).join('\n');
  await until('Lockstep serves', async () => {
    if (ended !== null) throw new Error(`Lockstep ended with ${ended}. Its log says:\n${logTail()}`);
    return answers(`${url}/readyz`);
  });
  const stop = (signal = 'SIGTERM') =>
    new Promise((resolve) => {
      if (ended !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  return { child, log, stop, logTail, hasEnded: () => ended };
}

/** Logs in by the API and returns a small client with the token. */
export async function apiClient(url, name, password) {
  const response = await fetch(`${url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password, label: 'set-up' }),
  });
  if (!response.ok) throw new Error(`login as ${name}: ${response.status} ${await response.text()}`);
  const { token } = await response.json();
  return {
    token,
    async request(method, path, body) {
      const answer = await fetch(`${url}/api/v1/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await answer.text();
      if (!answer.ok) throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${text}`), { status: answer.status });
      return text ? JSON.parse(text) : null;
    },
  };
}
