import { AuditLog } from '../fixtures/audit.mjs';
import { expect, test } from '../fixtures/journey.mjs';
import { OwnServer } from '../fixtures/own-server.mjs';
import { application } from '../fixtures/world.mjs';
import { until } from '../harness/server.mjs';

const COUNT = 150;
const CLUSTER = 'staging-eu';

const configMaps = Array.from({ length: COUNT }, (_, index) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: crash-${index}
data:
  index: "${index}"
`).join('---\n');

test('a server killed in the middle of a first sync finishes it after its start and writes nothing twice', async ({ world }) => {
  const namespace = world.namespace('crash');
  const audit = new AuditLog(world.rig, CLUSTER);
  /** Requests for ConfigMaps that were to be kept; a dry run writes nothing. */
  const requests = () => audit.writes(namespace).filter(({ objectRef, requestURI }) => objectRef.resource === 'configmaps' && !requestURI.includes('dryRun='));
  /** How often Lockstep has written each ConfigMap. */
  const written = () => {
    const times = new Map();
    for (const { objectRef, responseStatus } of requests()) {
      if (responseStatus.code < 300) times.set(objectRef.name, (times.get(objectRef.name) ?? 0) + 1);
    }
    return times;
  };
  /** What may or may not have been written: the API server answers 504 to who is gone, whatever came of the request. */
  const cutOff = () => requests().filter(({ responseStatus }) => responseStatus.code === 504).map(({ objectRef }) => objectRef.name);
  const own = await OwnServer.start(world, { name: 'crash', clusters: [CLUSTER] });
  try {
    own.root.write('bulk/bulk.yaml', configMaps)
      .write('apps/crash.yaml', application({ name: 'crash', group: 'crash', address: own.root.address, path: 'bulk', cluster: CLUSTER, namespace }))
      .commit('Many objects at once');
    await until('the first sync has begun to write', () => written().size >= 10, { everyMs: 2 });
    await own.kill();
    const before = written();
    expect(before.size, 'it was killed too late').toBeLessThan(COUNT);

    await own.serve();
    const target = await own.targetThat('crash', 'is Synced and has no open run', (found) => found.sync === 'Synced' && !found.running, 60);
    const present = own.kubectl(CLUSTER, 'get', 'configmaps', '-n', namespace, '-o', 'name').split('\n').filter((name) => name.startsWith('configmap/crash-'));
    expect(present).toHaveLength(COUNT);
    // The API server answers before it writes its audit log.
    const after = await until('every write is in the audit log', () => {
      const all = written();
      return new Set([...all.keys(), ...cutOff()]).size === COUNT && all;
    });
    expect([...after].filter(([, times]) => times > 1)).toEqual([]);

    const runs = await own.runs(target);
    expect(runs.map(({ phase, ended_at }) => [phase, ended_at > 0]).filter(([, ended]) => !ended)).toEqual([]);
    expect(runs.at(-1).phase).toMatch(/^(Succeeded|Interrupted)$/);
    expect(runs[0].phase).toBe('Succeeded');
    await test.step('what was cut off and goes on tells what it did for every object', async () => {
      const steps = (await Promise.all(runs.map(({ id }) => own.api('GET', `runs/${id}`)))).flatMap((run) => run.steps);
      const done = new Set(steps.filter(({ key, status }) => key.kind === 'ConfigMap' && status === 'Done').map(({ key }) => key.name));
      expect(done.size).toBe(COUNT);
    });
  } finally {
    await own.stop();
  }
});
