// Builds the browser part and the server, the same way for demo, tests and development.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, SITE, TARGET, run, step } from './steps.mjs';

/** The server's program as `make` builds it, unless another one is named. */
export const SERVER = process.env.LOCKSTEP_SERVER_PROGRAM || join(TARGET, 'debug', 'lockstep');

/** A hash over everything the browser part is made of. */
function frontendHash() {
  const hash = createHash('sha256');
  const add = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) add(join(path, name));
    } else {
      hash.update(path.slice(ROOT.length)).update(readFileSync(path));
    }
  };
  for (const part of ['app/src', 'app/assets', 'app/types/src', 'app/Cargo.toml', 'app/types/Cargo.toml', 'end2end/tasks/compile.mjs', 'frontend', 'style', 'Cargo.toml', 'Cargo.lock', 'package-lock.json', '.cargo/config.toml', 'rust-toolchain.toml']) {
    add(join(ROOT, part));
  }
  return hash.digest('hex');
}

/** The typefaces come from their packages: file name on our side, package, file there. */
const FONTS = [
  ['inter.woff2', 'inter', 'inter-latin-wght-normal.woff2'],
  ['inter-ext.woff2', 'inter', 'inter-latin-ext-wght-normal.woff2'],
  ['mono.woff2', 'jetbrains-mono', 'jetbrains-mono-latin-wght-normal.woff2'],
  ['mono-ext.woff2', 'jetbrains-mono', 'jetbrains-mono-latin-ext-wght-normal.woff2'],
];

function copyFonts() {
  const folder = join(SITE, 'fonts');
  mkdirSync(folder, { recursive: true });
  for (const [name, family, file] of FONTS) {
    const from = join(ROOT, 'node_modules', '@fontsource-variable', family);
    copyFileSync(join(from, 'files', file), join(folder, name));
    copyFileSync(join(from, 'LICENSE'), join(folder, `${family}-LICENSE.txt`));
  }
}

/** What Cargo.toml asks of the optimiser of WebAssembly, with less effort: a sixth of the time for a fifth more bytes. */
function lessOptimised() {
  const asked = readFileSync(join(ROOT, 'Cargo.toml'), 'utf8').match(/^wasm-opt-features = (\[.*\])$/m);
  return JSON.parse(asked[1]).map((option) => (option === '-Oz' ? '-O1' : option)).join(',');
}

/** WASM, styles and assets into `target/site`; skipped when nothing they are made of has changed. `quick`: as large as it may
 * be, for tests; what was made with more effort will do for them too. */
export function buildFrontend({ quick = false } = {}) {
  return step('Browser part', async () => {
    const marker = join(SITE, '.made-of');
    const now = frontendHash();
    const there = existsSync(marker) ? readFileSync(marker, 'utf8') : '';
    if (there === now || (quick && there === `${now} quick`)) return console.log('unchanged');
    const env = quick ? { LEPTOS_WASM_OPT_FEATURES: lessOptimised() } : {};
    await run('cargo', ['leptos', 'build', '--release', '--precompress', '--frontend-only'], { env });
    copyFonts();
    writeFileSync(marker, quick ? `${now} quick` : now);
  });
}

/** The server's program. */
export function buildServer() {
  return step('Server', () => run('cargo', ['build', '--package', 'server', '--bin', 'lockstep']));
}
