// Free loopback ports, below the range that systems use for outgoing connections, so that they stay free between two starts.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const LOWEST = 20_000;
const HIGHEST = 30_000;

export const LOOPBACK = '127.0.0.1';

export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port nobody listens on and nobody else of this rig remembers; it is added to `taken`. */
export async function freePort(taken) {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} on ${LOOPBACK}`);
}

/**
 * The ports for `names`: the remembered ones where they are in use by a part that `isOwn` says is running, or still
 * free; new ones otherwise.
 */
export async function settlePorts(names, remembered, isOwn, taken) {
  const ports = {};
  for (const name of names) {
    const known = remembered?.[name];
    if (known && (isOwn(name) || (await isFree(known)))) ports[name] = known;
    else ports[name] = await freePort(taken);
  }
  return ports;
}
