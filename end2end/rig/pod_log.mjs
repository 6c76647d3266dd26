// What all pods of a cluster say: one file in the format of container runtimes, which kwok serves and follows.
import { appendFileSync } from 'node:fs';

/** Adds a line to what `kubectl logs` and followers of any pod of the cluster see. `cluster`: as in rig.json. */
export function appendPodLog(cluster, text, at = new Date()) {
  appendFileSync(cluster.podLog, logLine(text, at));
}

function logLine(text, at) {
  return `${at.toISOString().replace('Z', '000000Z')} stdout F ${text}\n`;
}

export function openingLines(region) {
  const start = Date.now() - 60_000;
  const requests = Array.from({ length: 14 }, (_, index) => `GET /healthz 200 ${1 + (index % 3)}ms`);
  const texts = ['configuration read', `region ${region}`, 'database connection established', 'migrations: nothing to do',
    'cache warmed', 'listening on :8080', ...requests];
  return texts.map((text, index) => logLine(text, new Date(start + index * 3000))).join('');
}
