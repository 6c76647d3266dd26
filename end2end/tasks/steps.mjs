// Runs commands one after the other, shows what runs and for how long, and counts tests from what they print.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

/** Everything that outlives a checkout: built programs, tools, compiled dependencies. */
export const CACHE = process.env.LOCKSTEP_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lockstep');

/** Where cargo compiles to; shared between checkouts so that dependencies are compiled once. */
export const TARGET = process.env.CARGO_TARGET_DIR || join(CACHE, 'target');

/** The built browser part. */
export const SITE = join(ROOT, 'target', 'site');

mkdirSync(CACHE, { recursive: true });

/** The environment of all our commands: our tools first. */
export function environment(extra = {}) {
  const path = [join(ROOT, 'node_modules', '.bin'), join(CACHE, 'tools', 'bin'), join(process.env.CARGO_HOME || join(homedir(), '.cargo'), 'bin'), process.env.PATH];
  return { ...process.env, PATH: path.join(delimiter), CARGO_TARGET_DIR: TARGET, CARGO_TERM_COLOR: process.env.CI ? 'never' : 'auto', ...extra };
}

/** How long something took, for people. */
export function duration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export class StepFailed extends Error {}

const done = [];
const printed = [];

/** Everything that the commands of all steps printed. */
export function printedLines() {
  return printed.join('\n');
}

/** What ran so far: label, milliseconds, tests passed and failed. */
export function finishedSteps() {
  return done;
}

/** Runs `work` under a heading and remembers how long it took. */
export async function step(label, work) {
  const since = Date.now();
  console.log(`\n── ${label}`);
  const entry = { label, passed: 0, failed: 0, milliseconds: 0, ok: false };
  done.push(entry);
  try {
    const result = await work(entry);
    entry.ok = true;
    return result;
  } finally {
    entry.milliseconds = Date.now() - since;
    console.log(`── ${label}: ${entry.ok ? 'done' : 'FAILED'} after ${duration(entry.milliseconds)}`);
  }
}

/**
 * Runs a command in the checkout with its output on screen. `onLine` sees every line of it, and whether it is of the standard output.
 * Rejects with a message that names the command when it fails.
 */
export function run(command, args, { env = {}, cwd = ROOT, onLine, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    const tail = [];
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        if (!quiet) process.stdout.write(text);
        rest += text;
        const lines = rest.split('\n');
        rest = lines.pop();
        for (const line of lines) {
          printed.push(line);
          tail.push(line);
          if (tail.length > 60) tail.shift();
          onLine?.(line, stream === child.stdout);
        }
      });
    }
    child.on('error', (error) => reject(new StepFailed(`${command} could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(tail.join('\n'));
      if (quiet) console.log(tail.join('\n'));
      reject(new StepFailed(`${[command, ...args].join(' ')} ended with ${signal ?? `status ${code}`}`));
    });
  });
}

/** The standard output of a command that prints little; what it says beside it (cargo: "Downloading") is not part of it. */
export async function output(command, args, options = {}) {
  const lines = [];
  await run(command, args, { ...options, quiet: true, onLine: (line, isOutput) => isOutput && lines.push(line) });
  return lines.join('\n');
}
