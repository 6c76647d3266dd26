// The Git host: one Gitea with HTTP and SSH, and the administrator whose token opens its API.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { giteaSettings, giteaUrl } from './gitea_settings.mjs';
import { LOOPBACK, settlePorts } from './ports.mjs';
import { StartFailure, isRunning, startProcess, stopProcess, waitUntilReady } from './process.mjs';
import { giteaRecord, rememberedPorts, secret, withLock, writeJson, writePrivate } from './state.mjs';

export const GITEA_ADMIN = 'lockstep-admin';

function giteaPaths(state) {
  const folder = join(state, 'gitea');
  const data = join(folder, 'data');
  return {
    folder,
    data,
    settings: join(folder, 'app.ini'),
    database: join(data, 'gitea.db'),
    hostKey: join(folder, 'host_key'),
    knownHosts: join(folder, 'known_hosts'),
    log: join(folder, 'logs', 'gitea.log'),
    record: join(folder, 'record.json'),
  };
}

/** What a test needs to know of the Git host; `gitea` of rig.json. */
export function giteaDescription(state, record) {
  const paths = giteaPaths(state);
  return {
    url: giteaUrl(record),
    sshUrl: `ssh://git@${LOOPBACK}:${record.ports.ssh}/`,
    sshHost: LOOPBACK,
    sshPort: record.ports.ssh,
    knownHosts: paths.knownHosts,
    adminUser: GITEA_ADMIN,
    adminPassword: record.secrets.adminPassword,
    adminToken: record.adminToken,
    folder: paths.folder,
    log: paths.log,
    pid: isRunning(record.process) ? record.process.pid : null,
  };
}

export async function ensureGitea(state, module, { update = () => {} } = {}) {
  const paths = giteaPaths(state);
  return withLock(paths.folder, async () => {
    const record = await prepareRecord(state, paths);
    const command = join(module.bin, 'gitea');
    const settings = giteaSettings(record, paths, module.shared);
    const changed = !existsSync(paths.settings) || readFileSync(paths.settings, 'utf8') !== settings || record.process?.command !== command;
    if (changed || !isRunning(record.process)) {
      await stopProcess(record.process);
      const moved = record.process && record.process.command !== command;
      writePrivate(paths.settings, settings);
      writeHostKey(record, paths);
      mkdirSync(paths.data, { recursive: true });
      if (moved) run(command, paths, ['admin', 'regenerate', 'hooks']); // hooks name the program that they call
      update('starting');
      record.process = startProcess({ command, args: [...configuration(paths), 'web'], folder: paths.folder, log: paths.log });
      writeJson(paths.record, record);
    }
    await waitUntilReady('Gitea', record.process, async () => (await fetch(`${giteaUrl(record)}api/healthz`)).status === 200);
    if (!record.adminToken) {
      update('creating the administrator');
      createAdministrator(command, paths, record);
      writeJson(paths.record, record);
    }
    update(giteaUrl(record));
    return giteaDescription(state, record);
  });
}

async function prepareRecord(state, paths) {
  return withLock(state, async () => {
    const record = giteaRecord(state) ?? {
      secrets: { key: secret(), internal: secret(), jwt: randomBytes(32).toString('base64url'), adminPassword: secret() },
      adminToken: null,
      process: null,
    };
    record.ports = await settlePorts(['http', 'ssh'], record.ports, () => isRunning(record.process), rememberedPorts(state));
    writeJson(paths.record, record);
    return record;
  });
}

function writeHostKey(record, paths) {
  if (!existsSync(paths.hostKey)) {
    const result = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'rig', '-f', paths.hostKey], { encoding: 'utf8' });
    if (result.status !== 0) throw new StartFailure(`ssh-keygen failed: ${result.stderr}`);
  }
  const [type, key] = readFileSync(`${paths.hostKey}.pub`, 'utf8').split(' ');
  writePrivate(paths.knownHosts, `[${LOOPBACK}]:${record.ports.ssh} ${type} ${key}\n`);
}

// An earlier start may have ended between the two steps: the user is then there already, with this same password.
function createAdministrator(command, paths, record) {
  const users = run(command, paths, ['admin', 'user', 'list']);
  if (!new RegExp(`\\b${GITEA_ADMIN}\\b`).test(users)) {
    run(command, paths, ['admin', 'user', 'create', '--admin', '--username', GITEA_ADMIN, '--password', record.secrets.adminPassword,
      '--email', `${GITEA_ADMIN}@rig.invalid`, '--must-change-password=false']);
  }
  const name = `rig-${randomBytes(4).toString('hex')}`;
  const output = run(command, paths, ['admin', 'user', 'generate-access-token', '--username', GITEA_ADMIN, '--token-name', name, '--scopes', 'all', '--raw']);
  // Gitea writes its own log to the same output, before or after the token.
  const token = output.match(/^[0-9a-f]{40}$/m);
  if (!token) throw new StartFailure(`gitea admin user generate-access-token printed no token:\n${output}`);
  [record.adminToken] = token;
}

function configuration(paths) {
  return ['--config', paths.settings, '--work-path', paths.folder];
}

function run(command, paths, args) {
  const result = spawnSync(command, [...configuration(paths), ...args], { encoding: 'utf8', cwd: paths.folder });
  if (result.status === 0) return result.stdout;
  throw new StartFailure(`gitea ${args.slice(0, 3).join(' ')} failed:\n${result.stderr || result.stdout || result.error}`);
}

export async function stopGitea(state) {
  const record = giteaRecord(state);
  if (record) await stopProcess(record.process, { graceMs: 15_000 });
}
