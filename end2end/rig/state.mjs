// The state folder of one rig: who is in it, the lock that orders its writers, and rig.json, the description for tests.
//
//   rig.json                what runs and how to reach it, composed from the records below
//   kubeconfig, kubeconfig-observer
//   clusters/NAME/record.json, gitea/record.json     ports, secrets and processes of one part
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RIG_FOLDER } from './modules.mjs';

const LOCK_WAIT_MS = 120_000;

export function stateFolder(given) {
  return resolve(given || process.env.LOCKSTEP_RIG_STATE || join(RIG_FOLDER, '..', '..', '.rig'));
}

export function secret() {
  return randomBytes(20).toString('hex');
}

/** Writes a file that only its owner reads, whole or not at all. */
export function writePrivate(file, content) {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.${randomBytes(3).toString('hex')}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}

export function writeJson(file, value) {
  writePrivate(file, `${JSON.stringify(value, null, 2)}\n`);
}

export function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

export function clusterFolder(state, name) {
  return join(state, 'clusters', name);
}

/** The records of all clusters that this rig has ever started, in the order in which they were added. */
export function clusterRecords(state) {
  const folder = join(state, 'clusters');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => readJson(join(folder, name, 'record.json')))
    .filter(Boolean)
    .sort((a, b) => a.created.localeCompare(b.created) || a.name.localeCompare(b.name));
}

export function giteaRecord(state) {
  return readJson(join(state, 'gitea', 'record.json'));
}

export function rememberedPorts(state) {
  const records = [...clusterRecords(state), giteaRecord(state)].filter(Boolean);
  return new Set(records.flatMap((record) => Object.values(record.ports)));
}

/** One at a time per folder, over all processes; a lock whose owner has died is taken over. */
export async function withLock(folder, work) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = join(folder, 'lock');
  const end = Date.now() + LOCK_WAIT_MS;
  while (!acquire(lock)) {
    if (Date.now() > end) throw new Error(`${lock} is held by another process; to do: wait for it, or delete the file if none runs`);
    await pause(40);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function acquire(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const owner = readOwner(lock);
  if (owner && !exists(owner)) rmSync(lock, { force: true });
  return false;
}

function readOwner(lock) {
  try {
    return Number(readFileSync(lock, 'utf8')) || null;
  } catch {
    return null;
  }
}

function exists(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
