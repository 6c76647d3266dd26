// `make bench`: what commits and renders cost, as a table beside the bounds. Built with optimisation unless
// BENCH_PROFILE=dev; needs the rig's renderers only. `--built FOLDER` takes programs that are built already.
//
// `make bench B=B15`: what a history without end costs on SQLite and PostgreSQL. RUNS and ROWS make it smaller than the million
// runs and ten million rows, ON=sqlite or ON=postgres asks one database alone. The figures stay in target/bench.
import { mkdirSync, readFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { programPaths } from '../rig/description.mjs';
import { build } from '../rig/rig.mjs';
import { ROOT, TARGET, run, step } from './steps.mjs';

const release = process.env.BENCH_PROFILE !== 'dev';
const FOLDER = join(ROOT, '.test', 'bench');
const { values } = parseArgs({ options: { built: { type: 'string' } } });
const OUT = join(ROOT, '.test', 'bench.json');

function table(figures) {
  const rows = figures.map(({ what, value, unit, bound, holds }) => [what, `${value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1)} ${unit}`, bound, holds ? '' : 'MISSED']);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `${row[0].padEnd(widths[0])}  ${row[1].padStart(widths[1])}  ${row[2].padEnd(widths[2])}  ${row[3]}`).join('\n');
}

function show(file) {
  console.log(`\n${release ? 'Optimised' : 'Not optimised'}, on this machine as it is now:\n${table(JSON.parse(readFileSync(file, 'utf8')))}`);
}

/** Fills databases by the test of that name; both the filling and the asking are in it. */
async function history() {
  const out = join(TARGET, 'bench', 'B15.json');
  mkdirSync(join(TARGET, 'bench'), { recursive: true });
  rmSync(out, { force: true });
  const env = { ...process.env, LOCKSTEP_SCALE_OUT: out };
  for (const [name, value] of [['RUNS', process.env.RUNS], ['ROWS', process.env.ROWS], ['ON', process.env.ON]]) {
    if (value) env[`LOCKSTEP_SCALE_${name}`] = value;
  }
  const names = ['--package', 'server', '--test', 'store', '--features', 'app/ssr,scale', ...(release ? ['--release'] : [])];
  await step('Program', () => run('cargo', ['test', ...names, '--no-run']));
  let failed = null;
  await step('Measuring', () => run('cargo', ['test', ...names, '--', '--exact', 'scale::history_without_end'], { env })).catch((error) => { failed = error; });
  if (!existsSync(out)) throw failed;
  show(out);
  if (failed) throw new Error('a figure is out of its bound');
}

const BENCHES = { B15: history };

async function chosen(names) {
  for (const name of names) {
    if (!BENCHES[name]) throw new Error(`there is no benchmark ${name} here; choose from ${Object.keys(BENCHES).join(', ')}, or leave B out for commits and renders`);
  }
  for (const name of names) await BENCHES[name]();
}

async function main() {
  const names = (process.env.B ?? '').split(',').map((name) => name.trim()).filter(Boolean);
  if (names.length > 0) return chosen(names);
  await step('Renderers', () => build({ names: ['renderers'] }));
  if (!values.built) await step('Program', () => run('cargo', ['build', ...(release ? ['--release'] : []), '--package', 'engine', '--features', 'testing', '--bin', 'render-child', '--example', 'cost']));
  rmSync(FOLDER, { recursive: true, force: true });
  rmSync(OUT, { force: true });
  mkdirSync(FOLDER, { recursive: true });
  const built = values.built ?? join(TARGET, release ? 'release' : 'debug');
  const { helm, kustomize } = programPaths();
  let failed = null;
  await step('Measuring', () => run(join(built, 'examples', 'cost'), [FOLDER, join(built, 'render-child'), helm, kustomize, OUT])).catch((error) => { failed = error; });
  rmSync(FOLDER, { recursive: true, force: true });
  if (!existsSync(OUT)) throw failed;
  show(OUT);
  if (failed) throw new Error('a figure is out of its bound');
}

main().catch((error) => {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
});
