// What the compiler does not check: which crate may know which, that nothing heavy comes in twice, and file sizes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, StepFailed, output } from './steps.mjs';

/** Crates that must not be below another. */
const FORBIDDEN = [
  { below: 'app', features: ['--features', 'ssr'], crates: ['kube', 'kube-client', 'gix', 'sea-orm', 'sqlx', 'engine', 'server'] },
  { below: 'lockstep-types', features: [], crates: ['tokio', 'kube', 'gix', 'sea-orm', 'leptos', 'axum'] },
  { below: 'engine', features: [], crates: ['sea-orm', 'sqlx', 'leptos', 'axum', 'app', 'server'] },
  { below: 'server', features: [], crates: ['aws-lc-sys', 'openssl-sys', 'native-tls', 'libgit2-sys'] },
];

/** Crates of which one version is enough; a second doubles drivers or breaks types. */
const ONCE = ['sqlx-core', 'libsqlite3-sys', 'kube-client', 'k8s-openapi', 'reqwest', 'rustls', 'leptos', 'ring'];

const LONGEST = 600;
const LONG = 400;

async function forbidden() {
  const found = [];
  for (const { below, features, crates } of FORBIDDEN) {
    const tree = await output('cargo', ['tree', '--package', below, ...features, '--edges', 'normal', '--prefix', 'none', '--format', '{p}']);
    const names = new Set(tree.split('\n').map((line) => line.split(' ')[0]));
    if (names.size < 2) found.push(`the tree of ${below} could not be read`);
    for (const crate of crates) if (names.has(crate)) found.push(`${below} depends on ${crate}; to do: "cargo tree -p ${below} -i ${crate}" shows through what`);
  }
  return found;
}

function twice() {
  const lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8');
  return ONCE.flatMap((name) => {
    const versions = [...lock.matchAll(new RegExp(`name = "${name}"\\nversion = "([^"]+)"`, 'g'))].map((match) => match[1]);
    return versions.length > 1 ? [`${name} is locked in ${versions.length} versions: ${versions.join(', ')}`] : [];
  });
}

async function sizes() {
  const files = (await output('git', ['ls-files', '*.rs', '*.mjs', '*.ts', '*.css'])).split('\n').filter(Boolean);
  const lines = files.map((file) => ({ file, lines: readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1 }));
  const tooLong = lines.filter((entry) => entry.lines >= LONGEST).map((entry) => `${entry.file} has ${entry.lines} lines; split it (${LONGEST} at most)`);
  const long = lines.filter((entry) => entry.lines > LONG);
  console.log(`${files.length} source files, ${long.length} over ${LONG} lines, the longest ${Math.max(...lines.map((entry) => entry.lines))}`);
  if (long.length * 10 > files.length) tooLong.push(`more than one file in ten is over ${LONG} lines: ${long.map((entry) => entry.file).join(', ')}`);
  return tooLong;
}

/** Fails with every finding at once. */
export async function checkDirections() {
  const found = [...(await forbidden()), ...twice(), ...(await sizes())];
  if (found.length) throw new StepFailed(found.join('\n'));
}
