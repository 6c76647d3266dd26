import { expect, expectAccessible, test } from '../fixtures/journey.mjs';
import { appendPodLog } from '../rig/rig.mjs';

test('the log of a workload is read, searched and followed', async ({ app, world }) => {
  const target = await world.settled('look-staging-eu');
  const cluster = world.rig.clusters.find((one) => one.name === target.target.cluster);
  await app.goto(world.pageOf(target, { node: `apps/Deployment:${world.namespace('look')}/look`, pane: 'logs' }));
  const log = app.getByRole('log', { name: 'Log' });
  await expect(log).toContainText('listening on :8080');
  const overflow = await app.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await expectAccessible(app);

  const words = app.getByLabel('Only lines with');
  await words.fill('region');
  await expect(log).toContainText(`region ${cluster.name}`);
  await expect(log).not.toContainText('listening');
  await words.fill('');
  await expect(log).toContainText('listening');

  await app.getByRole('button', { name: 'Follow' }).click();
  const said = `said <b>at</b> ${Date.now()}`;
  appendPodLog(cluster, said);
  await expect(log).toContainText(said);
  await app.getByRole('button', { name: 'Stop' }).click();
  await expect(log).toContainText(said);

  const download = app.waitForEvent('download');
  await app.getByRole('link', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toBe('log.txt');
});
