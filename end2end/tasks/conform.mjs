// Holds the API against its own description: schemathesis reads `/api/v1/openapi.json` of a running server and asks every
// operation with good and bad input. It runs in an environment of its own, with every version pinned by one line here.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { CACHE, ROOT, StepFailed, run } from './steps.mjs';

const VERSION = '4.32.5';
const HOME = join(CACHE, 'python', `schemathesis-${VERSION}`);
const PROGRAM = join(HOME, 'bin', 'st');

/** What is held against the description. Whether good input is *accepted* is not: most ids that fit mean nothing here. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'ignored_auth',
  'unsupported_method',
];

/** Operations that would end the run itself, or have no end. */
const LEFT_OUT = {
  events: 'a stream has no end',
  accounts_log_in: 'who guesses is slowed down',
  accounts_set_password: 'it ends the sessions that the run lives by',
  accounts_set_disabled: 'it locks the run out',
  accounts_end_sessions: 'it ends the run',
  accounts_end_session: 'it ends the run',
  accounts_end_sessions_of: 'it ends the run',
  accounts_revoke_token: 'it takes the token of the run',
  accounts_rotate_token: 'it takes the token of the run',
};

/** Installs the program, once. */
export async function setUpConformance() {
  if (existsSync(PROGRAM) && spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' }).stdout?.includes(VERSION)) {
    return console.log(`schemathesis ${VERSION} is there`);
  }
  mkdirSync(join(CACHE, 'python'), { recursive: true });
  await run('python3', ['-m', 'venv', '--clear', HOME], { quiet: true });
  await run(join(HOME, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`]);
}

/** Starts a server with the applications of the journeys, and asks. `rig` is the folder of a running rig. */
export async function conform({ rig, program, state, examples = 25, entry }) {
  process.env.LOCKSTEP_RIG_STATE = rig;
  process.env.LOCKSTEP_SERVER_PROGRAM = program;
  process.env.LOCKSTEP_JOURNEYS_FOLDER = join(state, 'conformance');
  const { default: start } = await import('../fixtures/start.mjs');
  const stop = await start();
  try {
    const { url, apiToken } = JSON.parse(readFileSync(process.env.LOCKSTEP_JOURNEYS, 'utf8'));
    const known = await operations(url, apiToken);
    const missing = Object.keys(LEFT_OUT).filter((id) => !known.has(id));
    if (missing.length > 0) throw new StepFailed(`these operations are left out and are not there: ${missing.join(', ')}; to do: correct LEFT_OUT in end2end/tasks/conform.mjs`);
    const asked = run(PROGRAM, [
      'run', `${url}/api/v1/openapi.json`,
      '--url', `${url}/api/v1`,
      '--header', `Authorization: Bearer ${apiToken}`,
      '--checks', CHECKS.join(','),
      ...Object.keys(LEFT_OUT).flatMap((id) => ['--exclude-operation-id', id]),
      '--phases', 'examples,coverage,fuzzing',
      '--max-examples', String(examples),
      '--seed', '1',
      '--request-timeout', '30',
      '--workers', '1',
      '--continue-on-failure',
      '--no-color',
      '--warnings', 'off',
    ], { cwd: join(state, 'conformance'), onLine: (line) => entry && count(line, entry) });
    await asked.catch(() => {
      throw new StepFailed('the API is not what it says of itself; the failures above name operation, check and request');
    });
  } finally {
    await stop();
  }
}

async function operations(url, token) {
  const answer = await fetch(`${url}/api/v1/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
  const { paths } = await answer.json();
  return new Set(Object.values(paths).flatMap((path) => Object.values(path).map((operation) => operation.operationId)));
}

/** Reads `12 generated, 10 passed, 2 failed` of the summary. */
function count(line, entry) {
  const passed = line.match(/(\d[\d,]*) passed/);
  const failed = line.match(/(\d[\d,]*) (?:found \d+ unique failures|failed)/);
  if (line.includes('generated') && passed) entry.passed += Number(passed[1].replaceAll(',', ''));
  if (line.includes('generated') && failed) entry.failed += Number(failed[1].replaceAll(',', ''));
}

if (process.argv[1] === join(ROOT, 'end2end', 'tasks', 'conform.mjs')) {
  const { SERVER } = await import('./compile.mjs');
  const state = join(ROOT, '.test');
  const rig = process.env.LOCKSTEP_RIG_STATE || join(state, 'rig');
  await setUpConformance();
  await conform({ rig, program: SERVER, state, examples: Number(process.env.EXAMPLES || 25) });
}
