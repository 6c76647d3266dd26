// A table of what the rig has started: part, pid, address, memory, state.
import { PARTS } from './control_plane.mjs';
import { LOOPBACK } from './ports.mjs';
import { isPaused, isRunning, memoryOf } from './process.mjs';
import { clusterRecords, giteaRecord } from './state.mjs';

/** One row per part of the rig in `state`. */
export function statusRows(state) {
  const rows = clusterRecords(state).flatMap((record) => Object.entries(PARTS).map(([part, { program, ports }]) => {
    const port = record.ports[ports[0]];
    return row(`${record.name} ${program}`, record.parts[part], port ? [`${LOOPBACK}:${port}`] : []);
  }));
  const gitea = giteaRecord(state);
  if (gitea) rows.push(row('gitea', gitea.process, [`${LOOPBACK}:${gitea.ports.http}`, `${LOOPBACK}:${gitea.ports.ssh} (SSH)`]));
  return rows;
}

function row(part, record, addresses) {
  const runs = isRunning(record);
  return {
    part,
    pid: runs ? record.pid : null,
    addresses,
    memoryMiB: memoryOf(record),
    state: !runs ? 'stopped' : isPaused(record) ? 'paused' : 'running',
  };
}

export function statusTable(state) {
  const rows = statusRows(state);
  if (rows.length === 0) return `No rig in ${state} yet; "rig.mjs up" starts one.`;
  const cells = rows.map(({ part, pid, addresses, memoryMiB, state: now }) => [
    part, String(pid ?? '–'), addresses.join(', ') || '–', memoryMiB === null ? '–' : `${memoryMiB} MiB`, now,
  ]);
  const total = rows.reduce((sum, { memoryMiB }) => sum + (memoryMiB ?? 0), 0);
  const table = [['PART', 'PID', 'ADDRESS', 'MEMORY', 'STATE'], ...cells, ['total', '', '', `${total} MiB`, '']];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  return table.map((line) => line.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()).join('\n');
}
