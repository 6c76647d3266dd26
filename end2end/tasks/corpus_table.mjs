// The table of `make corpus`: a row per folder, then what is behind the numbers.

const COLUMNS = [
  ['Folder', (folder) => folder.name],
  ['Files', (folder) => folder.files],
  ['YAML', (folder) => folder.yaml_files],
  ['Documents', (folder) => folder.documents],
  ['Definitions', (folder) => total(folder.definitions)],
  ['Applications', (folder) => total(folder.applications)],
  ['Generated', (folder) => folder.generated],
  ['Children', (folder) => folder.children],
  ['Charts', (folder) => folder.rendered.charts],
  ['Rendered', (folder) => folder.rendered.applications],
  ['Objects', (folder) => folder.rendered.objects],
  ['Same as stock', (folder) => `${folder.stock.kustomizations + folder.stock.plain - folder.stock.different.length} dirs, ${folder.stock.objects} objects`],
  ['Different', (folder) => folder.stock.different.length],
  ['Problems', (folder) => folder.problems.length],
  ['Left out', (folder) => folder.left_out.length],
  ['Dropped', (folder) => folder.dropped.length],
];

function total(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function counted(counts) {
  return Object.entries(counts).map(([word, count]) => `${count} ${word}`).join(', ') || 'none';
}

/** How often each reason occurs, the most frequent first. */
function byReason(reasons) {
  return Object.entries(reasons).sort((one, other) => other[1] - one[1]);
}

function details(folder) {
  const lines = [`\n${folder.name}`, `  directories: ${counted(folder.directories)}`, `  definitions: ${counted(folder.definitions)}`, `  applications: ${counted(folder.applications)}`];
  if (folder.cluster_roots.length) lines.push(`  read once more as root sources: ${folder.cluster_roots.join(', ')}`);
  for (const [reason, count] of byReason(folder.reasons)) lines.push(`  problem, ${count} ×: ${reason}`);
  for (const { what, why } of folder.left_out) lines.push(`  left out: ${what}: ${why}`);
  for (const [directory, differences] of folder.stock.different) lines.push(`  DIFFERENT: ${directory || '.'}: ${differences.join('; ')}`);
  for (const document of folder.dropped) lines.push(`  DROPPED: ${document}`);
  return lines.join('\n');
}

/** `folders` as the program writes them. */
export function corpusTable(folders) {
  const rows = [COLUMNS.map(([title]) => title), ...folders.map((folder) => COLUMNS.map(([, of]) => String(of(folder))))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const table = rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '));
  return [...table, ...folders.map(details)].join('\n');
}
