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
  await test.step('the commit names what it made render, and leaves every other application of the repository alone', async () => {
    const { entries } = await world.api('GET', 'activity?kind=commit');
    const { repo } = entries.map((entry) => entry.Commit).find((entry) => entry?.commit.revision === sha);
    const { renders, untouched } = await world.api('GET', `commits/${repo}/${sha}`);
    expect(renders.map(({ target }) => target.application.name).sort()).toEqual(['push-prod-eu', 'push-staging-eu']);
    expect(renders.some(({ outcome }) => outcome === 'Rendered')).toBe(true);
    expect(untouched.length).toBeGreaterThan(2);
    await app.goto(`${world.url}/commits/${repo}/${sha}`);
    const again = app.getByRole('list', { name: 'Looked at again' });
    await expect(again.getByRole('listitem')).toHaveCount(2);
    await expect(again).toContainText('rendered again');
    await expect(app.getByText(/targets not rendered: no file was touched/)).toBeVisible();
  });
});
