// Asks the real kubectl what odd YAML means and writes the answers down, for the tests of the YAML reader.
//
//   node end2end/oracle/yaml.mjs [--check]
//
// Needs a kubectl (the rig's, or KUBECTL), no cluster. --check only says whether the file is up to date.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { programPaths } from '../rig/description.mjs';
import { ROOT } from '../tasks/steps.mjs';
import { FILES, SCALARS } from './yaml_cases.mjs';

const OUT = join(ROOT, 'server/engine/src/render/directory/kubectl.jsonl');
const KUBECTL = process.env.KUBECTL || programPaths().kubectl;
const run = promisify(execFile);

const scalar = (text) => `apiVersion: example.com/v1\nkind: Odd\nmetadata:\n  name: odd\nspec:\n  value:${text === '' ? '' : ' '}${text}\n`;

/** JSON without blanks between its parts, numbers as they were printed. */
function compact(json) {
  return json.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (part) => (part.startsWith('"') ? part : ''));
}

/** The objects that kubectl reads, each as JSON text; or null when it refuses the file. */
async function ask(path) {
  try {
    const { stdout } = await run(KUBECTL, ['label', '--local', '-f', path, 'corpus=oracle', '-o', 'json'], { maxBuffer: 1 << 24 });
    return stdout.split(/(?<=^\})\n/m).filter((text) => text.trim()).map((text) => compact(text).replace('"labels":{"corpus":"oracle"},', ''));
  } catch (error) {
    if (typeof error.code !== 'number') throw error;
    // Nothing to label is an answer too.
    return /no objects passed/.test(error.stderr) ? [] : null;
  }
}

const cases = [...SCALARS.map((text) => [`value: ${text}`, scalar(text)]), ...Object.entries(FILES)];
const folder = mkdtempSync(join(tmpdir(), 'oracle-'));
const lines = [];
try {
  for (const [at, [name, text]] of cases.entries()) {
    const path = join(folder, `${at}.yaml`);
    writeFileSync(path, text);
    const objects = await ask(path);
    lines.push(`{"name":${JSON.stringify(name)},"text":${JSON.stringify(text)},"kubectl":${objects ? `[${objects.join(',')}]` : 'null'}}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (process.argv.includes('--check')) {
  const same = readFileSync(OUT, 'utf8') === lines.join('');
  console.log(same ? `${lines.length} answers are up to date` : `${OUT} differs; to do: run this without --check`);
  process.exit(same ? 0 : 1);
}
writeFileSync(OUT, lines.join(''));
console.log(`${lines.length} answers of kubectl in ${OUT}`);
