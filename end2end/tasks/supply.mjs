// What is in the program: checks it against deny.toml, and writes it down as a CycloneDX bill of materials.
//
// Reads Cargo.lock, what cargo has downloaded for it, and package-lock.json; asks nobody. cargo-deny itself would have to
// be compiled for many minutes on every fresh machine, and its advisories need the network.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAllowed } from './licences.mjs';
import { readPolicy } from './policy.mjs';
import { ROOT, StepFailed, output } from './steps.mjs';

async function metadata() {
  return JSON.parse(await output('cargo', ['metadata', '--locked', '--format-version', '1', '--all-features']));
}

function npmPackages() {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path]) => path)
    .map(([path, entry]) => ({ name: path.split('node_modules/').pop(), ...entry }));
}

function licenceProblems(policy, crates, npm) {
  const allowed = new Set(policy.licenses.allow);
  const found = [];
  for (const { name, version, license } of [...crates, ...npm]) {
    try {
      if (!license) throw new Error('it names no licence');
      if (!isAllowed(license, allowed)) throw new Error(`${license} is not among the licences of deny.toml`);
    } catch (error) {
      found.push(`${name} ${version}: ${error.message}`);
    }
  }
  return found;
}

function sourceProblems(policy, crates, npm) {
  const registries = policy.sources['allow-registry'].map((url) => `registry+${url}`);
  const found = crates
    .filter(({ source }) => source && !registries.includes(source))
    .map(({ name, version, source }) => `${name} ${version} comes from ${source}, which deny.toml does not allow`);
  const lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8');
  for (const [, name, rest] of lock.matchAll(/\[\[package\]\]\nname = "([^"]+)"\n((?:.+\n)*)/g)) {
    if (rest.includes('source = ') && !rest.includes('checksum = ')) found.push(`${name} has no checksum in Cargo.lock`);
  }
  // What comes inside another package is under the checksum of that one.
  for (const { name, version, integrity, inBundle } of npm) if (!inBundle && !integrity?.startsWith('sha512-')) found.push(`${name} ${version} has no checksum in package-lock.json`);
  return found;
}

function banProblems(policy, crates) {
  const denied = new Map(policy.bans.deny.map((entry) => [entry.name, entry]));
  return crates.filter(({ name }) => denied.has(name)).map(({ name, version }) => `${name} ${version} is banned by deny.toml; to do: "cargo tree -i ${name}" shows what brings it in`);
}

/** Fails with every finding at once. */
export async function checkSupply() {
  const policy = readPolicy();
  for (const table of ['licenses', 'sources', 'bans']) if (!policy[table]) throw new StepFailed(`deny.toml has no [${table}]`);
  const { packages } = await metadata();
  const crates = packages.filter(({ source }) => source);
  const npm = npmPackages();
  const found = [...licenceProblems(policy, crates, npm), ...sourceProblems(policy, crates, npm), ...banProblems(policy, crates)];
  if (found.length) throw new StepFailed(found.join('\n'));
  console.log(`${crates.length} crates and ${npm.length} npm packages: licences, sources and checksums are as deny.toml says`);
}

const purl = (kind, name, version) => `pkg:${kind}/${name.replace('@', '%40')}@${version}`;

function component(kind, { name, version, license, hash }) {
  const reference = purl(kind, name, version);
  return {
    type: 'library',
    'bom-ref': reference,
    name,
    version,
    purl: reference,
    ...(license ? { licenses: [{ expression: license.replace(/\s*\/\s*/g, ' OR ') }] } : {}),
    ...(hash ? { hashes: [hash] } : {}),
  };
}

/** Crates that the released program is made of: what it depends on to run or to be built, not what tests it. */
function shipped({ resolve, packages }) {
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const seen = new Set();
  const next = packages.filter(({ name, source }) => !source && ['server', 'frontend'].includes(name)).map(({ id }) => id);
  while (next.length) {
    const id = next.pop();
    if (seen.has(id)) continue;
    seen.add(id);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id)?.deps ?? []) if (kinds.some(({ kind }) => kind !== 'dev')) next.push(pkg);
  }
  return seen;
}

/** Writes the bill of materials and answers with its place. */
export async function writeBill(place = join(ROOT, 'target', 'sbom.cdx.json')) {
  const known = await metadata();
  const ships = shipped(known);
  const lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8');
  const checksums = new Map([...lock.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([^"]+)"/g)].map(([, name, version, sum]) => [`${name}@${version}`, sum]));
  const crates = known.packages.filter(({ id, source }) => source && ships.has(id));
  const reference = (id) => {
    const found = known.packages.find((entry) => entry.id === id);
    return purl('cargo', found.name, found.version);
  };
  const components = crates.map((entry) => {
    const sum = checksums.get(`${entry.name}@${entry.version}`);
    return component('cargo', { ...entry, hash: sum && { alg: 'SHA-256', content: sum } });
  });
  // Styles and fonts are made from these; the rest of package-lock.json only builds and tests.
  const fonts = npmPackages().filter(({ name }) => name.startsWith('@fontsource') || name === 'tailwindcss');
  for (const entry of fonts) {
    const content = Buffer.from(entry.integrity.slice('sha512-'.length), 'base64').toString('hex');
    components.push(component('npm', { ...entry, hash: { alg: 'SHA-512', content } }));
  }
  components.sort((one, other) => (one['bom-ref'] < other['bom-ref'] ? -1 : 1));
  const version = known.packages.find(({ name, source }) => name === 'server' && !source).version;
  const server = 'pkg:generic/lockstep@' + version;
  const members = known.workspace_members.filter((id) => ships.has(id));
  const below = (ids) => [...new Set(ids.flatMap((id) => known.resolve.nodes.find((node) => node.id === id)?.deps ?? []).filter(({ pkg, dep_kinds: kinds }) => ships.has(pkg) && !known.workspace_members.includes(pkg) && kinds.some(({ kind }) => kind !== 'dev')).map(({ pkg }) => reference(pkg)))].sort();
  const digest = createHash('sha256').update(lock).update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex');
  const uuid = [digest.slice(0, 8), digest.slice(8, 12), `5${digest.slice(13, 16)}`, `a${digest.slice(17, 20)}`, digest.slice(20, 32)].join('-');
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    // The same lock files give the same bill, byte by byte.
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': server, name: 'lockstep', version, licenses: [{ expression: 'Apache-2.0' }] } },
    components,
    dependencies: [
      { ref: server, dependsOn: [...below(members), ...fonts.map(({ name, version }) => purl('npm', name, version))].sort() },
      ...crates.map(({ id }) => ({ ref: reference(id), dependsOn: below([id]) })).sort((one, other) => (one.ref < other.ref ? -1 : 1)),
    ],
  };
  const references = new Set(components.map((entry) => entry['bom-ref']));
  if (references.size !== components.length || components.length < 100) throw new StepFailed(`the bill of materials has ${components.length} components under ${references.size} names`);
  mkdirSync(join(place, '..'), { recursive: true });
  writeFileSync(place, `${JSON.stringify(bill, null, 1)}\n`);
  console.log(`${components.length} components in ${place}`);
  return place;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await (process.argv[2] === 'sbom' ? writeBill() : checkSupply());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
