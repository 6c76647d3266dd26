// `make test`: every check and every test, with a count at the end. `--only WORD,WORD` runs the steps whose labels hold one.
import { join } from 'node:path';
import { down, readDescription, up } from '../rig/rig.mjs';
import { checkDirections } from './directions.mjs';
import { SERVER, buildFrontend, buildServer } from './compile.mjs';
import { searchForCanaries } from './canary.mjs';
import { setUpForTests } from './setup.mjs';
import { ROOT, StepFailed, duration, finishedSteps, printedLines, run, step } from './steps.mjs';
import { checkSupply } from './supply.mjs';

const STATE = join(ROOT, '.test');
const RIG = join(STATE, 'rig');
const DENY = ['--', '--deny', 'warnings'];
const since = Date.now();
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1].toLowerCase().split(',') : null;

const wanted = (label) => !only || only.some((word) => label.toLowerCase().includes(word));

/** Reads `test result: ok. 12 passed; 0 failed` of the Rust test runner. */
function countRust(entry) {
  return (line) => {
    const found = line.match(/test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/);
    if (!found) return;
    entry.passed += Number(found[1]);
    entry.failed += Number(found[2]) + Number(found[3]);
  };
}

/** Reads `12 passed (3.4s)`, `1 failed`, `1 flaky`, `1 skipped` of Playwright; everything but passed is a failure. */
function countBrowser(entry) {
  return (line) => {
    const found = line.match(/^\s+(\d+) (passed|failed|flaky|skipped|did not run|interrupted)\b/);
    if (!found) return;
    if (found[2] === 'passed') entry.passed += Number(found[1]);
    else entry.failed += Number(found[1]);
  };
}

/** A step that may fail without hiding what the others find. */
async function attempt(label, work) {
  if (!wanted(label)) return;
  try {
    await step(label, work);
  } catch (error) {
    console.error(error instanceof StepFailed ? error.message : error);
  }
}

async function rustChecks() {
  await attempt('Format', () => run('cargo', ['fmt', '--all', '--check']));
  await attempt('Crate directions and sizes', checkDirections);
  await attempt('Licences, sources and bans (lint)', checkSupply);
  await attempt('Lint for the server', () => run('cargo', ['clippy', '--workspace', '--exclude', 'frontend', '--all-targets', '--features', 'app/ssr', ...DENY]));
  await attempt('Lint for the browser', () => run('cargo', ['clippy', '--package', 'frontend', '--target', 'wasm32-unknown-unknown', ...DENY]));
}

async function rustTests() {
  await attempt('Rust tests', (entry) => {
    const { programs } = readDescription(RIG);
    const env = {
      LOCKSTEP_RIG: join(RIG, 'rig.json'),
      LOCKSTEP_TEST_HELM: programs.helm,
      LOCKSTEP_TEST_KUSTOMIZE: programs.kustomize,
      INSTA_UPDATE: 'no',
    };
    return run('cargo', ['test', '--workspace', '--exclude', 'frontend', '--features', 'app/ssr', '--no-fail-fast'], { env, onLine: countRust(entry) });
  });
}

async function browserTests() {
  await attempt('Browser journeys', (entry) =>
    run('npx', ['playwright', 'test', '--config', 'end2end/playwright.config.mjs'], {
      env: { LOCKSTEP_RIG_STATE: RIG, LOCKSTEP_SERVER_PROGRAM: SERVER },
      onLine: countBrowser(entry),
    }));
}

function report() {
  const steps = finishedSteps();
  console.log('\n── Times');
  for (const entry of steps) console.log(`${entry.ok ? '   ' : '✗  '}${entry.label.padEnd(36)}${duration(entry.milliseconds)}`);
  console.log(`   ${'All'.padEnd(36)}${duration(Date.now() - since)}`);
  const passed = steps.reduce((sum, entry) => sum + entry.passed, 0);
  // A step that broke without naming a failed test (a lint, a build) counts as one failure.
  const failed = steps.reduce((sum, entry) => sum + (entry.failed || (entry.ok ? 0 : 1)), 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  // A part of the steps may hold no test; the whole that ran none has not tested anything.
  return (passed > 0 || only !== null) && failed === 0;
}

async function main() {
  await setUpForTests();
  if (wanted('Rust tests') || wanted('Browser journeys')) await step('Start the rig', () => up({ state: RIG, clusters: 2 }));
  try {
    await rustChecks();
    await rustTests();
    await attempt('Build for the journeys', async () => {
      await buildFrontend({ quick: true });
      await buildServer();
    });
    await browserTests();
    await attempt('Search for secrets (browser journeys)', () => searchForCanaries({ state: STATE, rig: readDescription(RIG), printed: printedLines() }));
  } finally {
    await down({ state: RIG });
  }
}

let ended = false;
main()
  .catch((error) => console.error(`\n${error.message}`))
  .finally(() => {
    ended = true;
    if (!report()) process.exitCode = 1;
  });
process.on('exit', () => {
  if (!ended) process.exitCode = 1;
});
