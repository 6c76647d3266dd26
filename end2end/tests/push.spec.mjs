import { expect, test } from '../fixtures/journey.mjs';
import { workload } from '../fixtures/world.mjs';
import { until } from '../harness/server.mjs';

test('a pushed commit is live on both clusters without anyone touching Lockstep', async ({ app, world }) => {
  for (const cluster of ['staging-eu', 'prod-eu']) await world.settled(`push-${cluster}`);
  await app.goto(`${world.url}/?q=app%3Apush*`);
  const sha = world.apps.pull().write('push/push.yaml', workload('push', { image: '1.1.0', greeting: 'good morning' })).commit('push 1.1.0');
  for (const cluster of ['staging-eu', 'prod-eu']) {
    await world.targetThat(`push-${cluster}`, 'runs the commit', (target) => target.deployed === sha && target.sync === 'Synced');
    expect(world.kubectl(cluster, 'get', 'configmap', 'push', '-n', world.namespace('push'), '-o', 'jsonpath={.data.greeting}')).toBe('good morning');
  }
  await test.step('the open page shows it without being loaded again', async () => {
    await expect(app.getByText(sha.slice(0, 7)).first()).toBeVisible();
  });
  await test.step('the search box answers for the commit, per cluster', async () => {
    await app.getByRole('searchbox').first().fill(sha);
    await app.keyboard.press('Enter');
    const answer = app.getByRole('region', { name: /commit/i });
    await expect(answer.getByText('live', { exact: false }).first()).toBeVisible();
    await expect(answer).toContainText('staging-eu');
    await expect(answer).toContainText('prod-eu');
  });
  await test.step('and so does the API', async () => {
    const rollout = await until('live everywhere', async () => {
      const answer = await world.api('GET', `commits/${sha}/rollout`);
      return answer.targets.length === 2 && answer.targets.every((target) => target.state === 'Live') && answer;
    });
    expect(rollout.commit.subject).toBe('push 1.1.0');
  });
});
