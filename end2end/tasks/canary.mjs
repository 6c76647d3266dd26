// After the journeys: no log of a server and no line that a step printed holds a secret of the run. The secrets are real
// ones (passwords, tokens, keys of the rig, of accounts and of the vault) and every value that the Rust tests planted.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { StepFailed } from './steps.mjs';

/** What the Rust tests plant: see server/tests/canary/bird.rs. */
const PLANTED = /canary[0-9a-f]{32}/;

function filesBelow(folder, wanted) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Every text below `value` whose key says that it is a secret, by its place. */
function secretsOf(value, place, found) {
  if (typeof value === 'string') {
    if (/(token|password|secret|key)$/i.test(place) && value.length >= 8 && !value.includes('/')) found.set(place, value);
  } else if (value && typeof value === 'object') {
    for (const [key, below] of Object.entries(value)) secretsOf(below, place ? `${place}.${key}` : key, found);
  }
  return found;
}

function secretsOfRun(state, rig) {
  const found = secretsOf(rig, 'rig', new Map());
  const named = /^(facts\.json|.*\.password|vault\.key)$/;
  for (const file of filesBelow(join(state, 'journeys'), (name) => named.test(name))) {
    const text = readFileSync(file, 'utf8').trim();
    if (file.endsWith('.json')) secretsOf(JSON.parse(text), relative(state, file), found);
    else if (text.length >= 8) found.set(relative(state, file), text);
  }
  return found;
}

function forms(secret) {
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')];
}

/** Searches the logs below `state` and the printed lines; fails with each place where something was found. */
export function searchForCanaries({ state, rig, printed }) {
  const secrets = secretsOfRun(state, rig);
  const logs = filesBelow(join(state, 'journeys'), (name) => name.endsWith('.log'));
  if (secrets.size < 5 || logs.length === 0) throw new StepFailed(`only ${secrets.size} secrets and ${logs.length} logs were found to search; did the journeys run?`);
  const texts = [...logs.map((file) => [relative(state, file), readFileSync(file, 'utf8')]), ['what the steps printed', printed]];
  const hits = [];
  for (const [output, text] of texts) {
    for (const [place, secret] of secrets) if (forms(secret).some((form) => text.includes(form))) hits.push(`${output} holds ${place}`);
    if (PLANTED.test(text)) hits.push(`${output} holds a value that a Rust test planted`);
  }
  // Not the values: this is printed as well.
  if (hits.length) throw new StepFailed(hits.join('\n'));
  console.log(`${secrets.size} secrets, none of them in ${logs.length} logs and ${printed.split('\n').length} printed lines`);
}
