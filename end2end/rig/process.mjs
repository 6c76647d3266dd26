// Processes that outlive the command which starts them, told apart from strangers that later got the same pid.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const HAS_PROC = existsSync('/proc/self/stat');
const POLL_MS = 60;

export class StartFailure extends Error {}

/** Starts a program in the background; the record returned is what the other functions here take. */
export function startProcess({ command, args, folder, log, environment = {} }) {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a');
  const logStart = statSync(log).size;
  try {
    const child = spawn(command, args, {
      cwd: folder, detached: true, stdio: ['ignore', output, output], env: { ...process.env, ...environment },
    });
    if (!child.pid) throw new StartFailure(`${command} cannot be started; to do: run "rig.mjs build"`);
    child.on('error', () => {});
    child.unref();
    return { pid: child.pid, identity: identityOf(child.pid), command, args, log, logStart };
  } finally {
    closeSync(output);
  }
}

/** When the process with a pid began, or null when it is gone or only waits to be collected. */
function identityOf(pid) {
  if (!HAS_PROC) {
    const result = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
    const [, state, start] = /^\s*(\S+)\s+(.*?)\s*$/.exec(result.stdout) ?? [];
    return !state || state.startsWith('Z') ? null : start;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return null;
  }
}

/** What a pid runs; empty for the moment in which a new process has not yet become its program. */
function commandLineOf(pid) {
  try {
    if (HAS_PROC) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1).join(' ');
  } catch {
    return '';
  }
  return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
}

/** The same pid, begun at the same moment, running what was asked for: anything else is somebody else's process. */
export function isRunning(record) {
  if (!record?.pid || !record.identity || identityOf(record.pid) !== record.identity) return false;
  const commandLine = commandLineOf(record.pid);
  return commandLine === '' || commandLine === [record.command, ...record.args].join(' ');
}

export function isPaused(record) {
  if (!isRunning(record)) return false;
  const result = spawnSync('ps', ['-o', 'stat=', '-p', String(record.pid)], { encoding: 'utf8' });
  return result.stdout.trim().startsWith('T');
}

export function signal(record, name) {
  if (!isRunning(record)) return false;
  try {
    process.kill(record.pid, name);
    return true;
  } catch (error) {
    if (error.code === 'ESRCH') return false; // it ended between the check and the signal
    throw error;
  }
}

/** Asks a process to end and, when it has not after `graceMs`, ends it. */
export async function stopProcess(record, { graceMs = 10_000 } = {}) {
  if (!isRunning(record)) return;
  signal(record, 'SIGTERM');
  signal(record, 'SIGCONT'); // a paused process hears SIGTERM only after it goes on
  if (await gone(record, graceMs)) return;
  await killProcess(record);
}

export async function killProcess(record) {
  signal(record, 'SIGKILL');
  if (!(await gone(record, 10_000))) throw new Error(`process ${record.pid} (${record.command}) does not end`);
}

async function gone(record, timeoutMs) {
  const end = Date.now() + timeoutMs;
  while (isRunning(record)) {
    if (Date.now() > end) return false;
    await pause(POLL_MS);
  }
  return true;
}

/** Polls `check` until it answers something true; fails early, with the log's last lines, when the process has ended. */
export async function waitUntilReady(what, record, check, timeoutMs = 90_000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await check().catch(() => null);
    if (answer) return answer;
    if (!isRunning(record)) throw new StartFailure(`${what} ended while starting.${explain(record)}`);
    if (Date.now() > end) throw new StartFailure(`${what} is not ready after ${timeoutMs / 1000} s.${explain(record)}`);
    await pause(POLL_MS);
  }
}

function explain(record) {
  return `\nThe last lines of ${record.log}:\n${lastLines(record.log, record.logStart)}\n`
    + 'To do: when a port is taken or memory is short, free it and run "rig.mjs up" again; what runs is kept.\n'
    + 'To start from nothing: run "rig.mjs down", delete the state folder, and run "rig.mjs up".';
}

function lastLines(file, from, count = 15) {
  const text = readFileSync(file).subarray(from).toString('utf8').trimEnd();
  return text.split('\n').slice(-count).map((line) => `  ${line.slice(0, 400)}`).join('\n');
}

/** Resident memory in MiB, or null. */
export function memoryOf(record) {
  if (!isRunning(record)) return null;
  const result = spawnSync('ps', ['-o', 'rss=', '-p', String(record.pid)], { encoding: 'utf8' });
  return Math.round(Number(result.stdout.trim()) / 1024);
}
