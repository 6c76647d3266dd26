// Gets everything that building and testing need, once: compilers' parts, tools, npm packages, the rig's programs,
// and from the distribution a browser and a database server. Says exactly what is missing where it cannot help itself.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { build } from '../rig/rig.mjs';
import { CACHE, ROOT, StepFailed, TARGET, environment, output, run, step } from './steps.mjs';

const TOOLS = join(CACHE, 'tools');

/** The version of a crate that Cargo.lock holds. */
function locked(name) {
  const lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8');
  return lock.match(new RegExp(`name = "${name}"\\nversion = "([^"]+)"`))?.[1];
}

function found(command, args = ['--version']) {
  const result = spawnSync(command, args, { env: environment(), cwd: ROOT, encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : null;
}

/** Rust with the browser target, as rust-toolchain.toml pins it. */
async function toolchain() {
  if (!found('rustup')) {
    throw new StepFailed('rustup is not installed; to do: install Rust from rust-lang.org, then start again');
  }
  await run('rustup', ['toolchain', 'install', '--no-self-update'], { quiet: true });
  console.log(await output('rustc', ['--version']));
}

/** Options of cargo that optimise these crates alone: unoptimised, they take minutes over one file of a few megabytes. */
function optimised(crates) {
  return crates.flatMap((crate) => ['--config', `profile.release.package.${crate}.opt-level=3`]);
}

/** cargo-leptos and the wasm-bindgen command that fits the locked crate. */
async function cargoTools() {
  const bindgen = locked('wasm-bindgen');
  const wanted = [
    { command: 'wasm-bindgen', crate: 'wasm-bindgen-cli', version: bindgen, extra: [] },
    { command: 'cargo-leptos', crate: 'cargo-leptos', version: '0.3.11', extra: ['--locked', '--ignore-rust-version', '--features', 'no_downloads', ...optimised(['brotli', 'flate2', 'miniz_oxide'])] },
  ];
  for (const { command, crate, version, extra } of wanted) {
    const program = join(TOOLS, 'bin', command);
    if (existsSync(program) && found(program, ['--version'])?.includes(version)) {
      console.log(`${crate} ${version} is there`);
      continue;
    }
    // Their own release profiles optimise for many minutes; these programs run for seconds.
    await run('cargo', ['install', '--root', TOOLS, crate, '--version', version, ...extra], {
      env: { CARGO_TARGET_DIR: join(CACHE, 'tools-target'), CARGO_PROFILE_RELEASE_LTO: 'off', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16', CARGO_PROFILE_RELEASE_OPT_LEVEL: '0', RUSTFLAGS: '' },
    });
  }
}

/** npm packages, unless the installed ones already are those of the lock file. */
async function npmPackages() {
  const marker = join(ROOT, 'node_modules', '.package-lock.json');
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const installed = existsSync(marker) ? JSON.parse(readFileSync(marker, 'utf8')).packages : {};
  const missing = Object.entries(lock).filter(([path, entry]) => path && !entry.optional && installed[path]?.version !== entry.version);
  if (missing.length === 0) return console.log('npm packages are there');
  // Not `npm ci`: it refuses a lock file that was made on one platform where packages for others are optional.
  // Versions are exact in package.json and in the lock file, which this leaves as it is.
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']);
}

const POSTGRES_FOLDERS = '/usr/lib/postgresql';

function postgresFound() {
  if (found('postgres')) return true;
  return existsSync(POSTGRES_FOLDERS) && readdirSync(POSTGRES_FOLDERS).some((version) => existsSync(join(POSTGRES_FOLDERS, version, 'bin', 'postgres')));
}

/** What the tests take from the distribution: package name and how to see that it is there. */
const PACKAGES = [
  { name: 'chromium', there: () => found('chromium', ['--version']), why: 'the browser of the page tests' },
  { name: 'postgresql', there: postgresFound, why: 'the second database of the store tests' },
  { name: 'openssh-client', there: () => spawnSync('ssh', ['-V']).status === 0, why: 'Git over SSH' },
];

async function distributionPackages() {
  const missing = PACKAGES.filter((entry) => !entry.there());
  if (missing.length === 0) return console.log('browser, database server and ssh are there');
  const names = missing.map((entry) => entry.name);
  const list = missing.map((entry) => `  ${entry.name}: ${entry.why}`).join('\n');
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new StepFailed(`these programs are missing:\n${list}\nto do: install them, on Debian or Ubuntu with "sudo apt-get install ${names.join(' ')}"`);
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env, quiet: true });
}

/** cargo-leptos writes below `target` in the checkout: let that be the shared folder. */
function linkTarget() {
  mkdirSync(TARGET, { recursive: true });
  const link = join(ROOT, 'target');
  if (!existsSync(link)) symlinkSync(TARGET, link);
  forgetOtherCheckout();
}

const OUR_CRATES = ['app', 'client', 'engine', 'frontend', 'lockstep-types', 'migrations', 'server'];

/**
 * Cargo names what it builds of a workspace by the path within it and goes by file times: what another checkout built
 * later than our files were written would count as ours. So our own crates are built anew when the checkout changes;
 * dependencies stay.
 */
function forgetOtherCheckout() {
  const marker = join(TARGET, 'checkout');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === ROOT) return;
  const folders = ['debug', 'release', 'front', 'wasm32-unknown-unknown'].map((name) => join(TARGET, name));
  for (const folder of folders) forget(folder);
  writeFileSync(marker, ROOT);
}

/** Removes what says that our crates are up to date, in every profile below. */
function forget(folder) {
  if (!existsSync(folder)) return;
  const fingerprints = join(folder, '.fingerprint');
  if (!existsSync(fingerprints)) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) forget(join(folder, entry.name));
    return;
  }
  for (const name of readdirSync(fingerprints)) {
    if (OUR_CRATES.includes(name.replace(/-[0-9a-f]{16}$/, ''))) rmSync(join(fingerprints, name), { recursive: true });
  }
}

/** What the demo needs. */
export async function setUpForDemo() {
  await step('Rust toolchain', toolchain);
  linkTarget();
  await step('npm packages', npmPackages);
  await step('Build tools', cargoTools);
  await step('Programs of the rig', () => build());
}

/** What the tests need on top. */
export async function setUpForTests() {
  await step('Packages of the distribution', distributionPackages);
  await setUpForDemo();
}
