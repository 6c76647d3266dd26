// Reads deny.toml: the part of TOML that it is written in, and nothing else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, StepFailed } from './steps.mjs';

/** A value as TOML writes it: strings, true, false, lists and inline tables of these. */
function value(text, line) {
  const json = text.replace(/([{,]\s*)([\w-]+)\s*=/g, '$1"$2":').replace(/,(\s*[\]}])/g, '$1');
  try {
    return JSON.parse(json);
  } catch {
    throw new StepFailed(`deny.toml:${line}: only strings, true, false, lists and inline tables are read here`);
  }
}

/** Tables by name. */
export function readPolicy(text = readFileSync(join(ROOT, 'deny.toml'), 'utf8')) {
  const tables = {};
  let table = null;
  let open = null;
  for (const [index, whole] of text.split('\n').entries()) {
    // No value of ours holds a hash.
    const line = whole.replace(/#.*$/, '').trim();
    if (!line) continue;
    if (open) open.text += line;
    else if (/^\[[\w-]+\]$/.test(line)) {
      table = tables[line.slice(1, -1)] = {};
      continue;
    } else {
      const found = line.match(/^([\w-]+)\s*=\s*(.*)$/);
      if (!found || !table) throw new StepFailed(`deny.toml:${index + 1}: neither a table nor a key`);
      open = { key: found[1], text: found[2], line: index + 1 };
    }
    const depth = [...open.text].reduce((sum, letter) => sum + ('[{'.includes(letter) ? 1 : ']}'.includes(letter) ? -1 : 0), 0);
    if (depth > 0) continue;
    table[open.key] = value(open.text, open.line);
    open = null;
  }
  if (open) throw new StepFailed(`deny.toml:${open.line}: ${open.key} does not end`);
  return tables;
}
