import { expect, logIn, test } from '../fixtures/journey.mjs';
import { OwnServer } from '../fixtures/own-server.mjs';
import { application, workload } from '../fixtures/world.mjs';

test('a page whose stream was cut says so, and catches up by itself when the server is back', async ({ page, world }) => {
  const own = await OwnServer.start(world, {
    name: 'stream',
    clusters: ['staging-eu'],
    fill: (root) => root.write('work/stream.yaml', workload('stream'))
      .write('apps/stream.yaml', application({ name: 'stream', group: 'stream', address: root.address, path: 'work', cluster: 'staging-eu', namespace: world.namespace('stream') })),
  });
  try {
    await own.settled('stream');
    await logIn(page, own);
    const live = page.getByRole('status').getByText('live', { exact: true });
    await expect(live).toBeVisible();
    await page.evaluate(() => {
      window.neverLoadedAgain = true;
    });

    await own.kill();
    await expect(page.getByRole('status').getByText(/^cut off, .* old$/)).toBeVisible();
    await expect(live).toHaveCount(0);
    await expect(page.getByRole('link', { name: 'stream', exact: true }).first()).toBeVisible();
    const sha = own.root.write('work/stream.yaml', workload('stream', { image: '3.0.0' })).commit('stream 3.0.0');

    await own.serve();
    await expect(live).toBeVisible();
    await expect(page.getByText(sha.slice(0, 7)).first()).toBeVisible();
    await own.targetThat('stream', 'runs the commit', (target) => target.deployed === sha && target.sync === 'Synced');
    expect(await page.evaluate(() => window.neverLoadedAgain)).toBe(true);
  } finally {
    await own.stop();
  }
});
