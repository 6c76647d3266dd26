import { expect, test } from '../fixtures/journey.mjs';
import { workload } from '../fixtures/world.mjs';

test('a page whose stream was cut says so, and catches up when it is back', async ({ app, world }) => {
  await world.settled('stream-staging-eu');
  await app.goto(`${world.url}/?q=app%3Astream*`);
  await expect(app.getByText('live', { exact: true }).first()).toBeVisible();
  await app.context().setOffline(true);
  await expect(app.getByText(/not live|cut|offline/i).first()).toBeVisible();
  const sha = world.apps.pull().write('stream/stream.yaml', workload('stream', { image: '3.0.0' })).commit('stream 3.0.0');
  await world.targetThat('stream-staging-eu', 'runs the commit', (target) => target.deployed === sha);
  await expect(app.getByText(sha.slice(0, 7))).toHaveCount(0);
  await app.context().setOffline(false);
  await expect(app.getByText(sha.slice(0, 7)).first()).toBeVisible();
  await expect(app.getByText('live', { exact: true }).first()).toBeVisible();
});
