import { expect, logIn, test } from '../fixtures/journey.mjs';
import { OwnServer } from '../fixtures/own-server.mjs';
import { application, workload } from '../fixtures/world.mjs';
import { until } from '../harness/server.mjs';
import { killApiServer, readDescription, removeCluster, startApiServer, startCluster } from '../rig/rig.mjs';

const LOST = 'outage-1';
const OTHER = 'staging-eu';

const greeting = (own, cluster) =>
  own.kubectl(cluster, 'get', 'configmap', 'outage', '-n', own.namespace('outage'), '-o', 'jsonpath={.data.greeting}');

test('a cluster that is away is said to be away, holds nobody up, and catches up when it is back', async ({ page, world }) => {
  test.setTimeout(180_000);
  const lost = { state: world.rig.state, name: LOST };
  let own;
  try {
    await startCluster(lost);
    world.rig = readDescription(lost.state);
    own = await OwnServer.start(world, {
      name: 'outage',
      clusters: [OTHER, LOST],
      fill: (root) => {
        for (const cluster of [OTHER, LOST]) {
          root.write(`work/${cluster}/outage.yaml`, workload('outage'));
          root.write(`apps/outage-${cluster}.yaml`, application({ name: `outage-${cluster}`, group: 'outage', address: root.address, path: `work/${cluster}`, cluster, namespace: world.namespace('outage') }));
        }
      },
    });
    for (const cluster of [OTHER, LOST]) await own.settled(`outage-${cluster}`);
    await logIn(page, own);
    await expect(page.getByRole('heading', { name: 'Fleet' })).toBeVisible();

    await killApiServer(lost);
    await test.step('the open page says so by itself, and since when nothing is known', async () => {
      await expect(page.getByRole('columnheader', { name: LOST }).getByText('unreachable')).toBeVisible();
      const { connection, last_compared: compared } = await own.api('GET', `clusters/${LOST}`);
      expect(connection.Unreachable.error).not.toBe('');
      expect(compared).toBeGreaterThan(0);
      expect(compared).toBeLessThanOrEqual(connection.Unreachable.since);
      await page.goto(`${own.url}/clusters/${LOST}`);
      await expect(page.getByText('Has not answered for')).toBeVisible();
      await expect(page.getByText(/Last compared .* ago/).first()).toBeVisible();
    });
    await test.step('its applications are not called Synced any more', async () => {
      const target = await own.targetThat(`outage-${LOST}`, 'cannot be judged, and says since when', (found) => found.reason?.code === 'ClusterUnreachable' && found.last_compared > 0);
      expect(target.sync).toBe('Unknown');
    });
    const pushed = own.root
      .write(`work/${OTHER}/outage.yaml`, workload('outage', { greeting: 'meanwhile' }))
      .write(`work/${LOST}/outage.yaml`, workload('outage', { greeting: 'welcome back' }))
      .commit('While one is away');
    await test.step('a push meanwhile is live on the other cluster', async () => {
      await own.targetThat(`outage-${OTHER}`, 'runs the commit', (target) => target.deployed === pushed && target.sync === 'Synced');
      expect(greeting(own, OTHER)).toBe('meanwhile');
      const rollout = await own.api('GET', `commits/${pushed}/rollout`);
      expect(Object.fromEntries(rollout.targets.map(({ target, state }) => [target.cluster, state]))).toEqual({ [OTHER]: 'Live', [LOST]: 'Waiting' });
    });

    await startApiServer(lost);
    await test.step('back again, it recovers by itself and gets what was pushed', async () => {
      await until('the cluster is connected', async () => (await own.api('GET', `clusters/${LOST}`)).connection === 'Connected');
      await own.targetThat(`outage-${LOST}`, 'runs the commit', (target) => target.deployed === pushed && target.sync === 'Synced' && target.health.status === 'Healthy');
      expect(greeting(own, LOST)).toBe('welcome back');
      await expect(page.getByText('Has not answered for')).toHaveCount(0);
    });
  } finally {
    await own?.stop();
    await removeCluster(lost);
  }
});
