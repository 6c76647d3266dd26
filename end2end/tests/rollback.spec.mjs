import { expect, test } from '../fixtures/journey.mjs';
import { workload } from '../fixtures/world.mjs';

test('two clicks go back to the commit before, as a commit, and history names the person', async ({ app, world }) => {
  const before = await world.settled('rollback-staging-eu');
  const bad = world.apps.pull().write('rollback/rollback.yaml', workload('rollback', { image: '2.0.0', greeting: 'a mistake' })).commit('rollback 2.0.0');
  await world.targetThat('rollback-staging-eu', 'runs the mistake', (target) => target.deployed === bad && target.health.status === 'Healthy');
  await app.goto(world.pageOf(before));
  await app.getByRole('link', { name: 'Roll back', exact: true }).first().click();
  await expect(app.getByText('This commit changes only rollback-staging-eu on staging-eu').first()).toBeVisible();
  await expect(app.getByRole('main')).toContainText('a mistake');
  await app.getByRole('button', { name: 'Commit and sync' }).click();
  const after = await world.targetThat('rollback-staging-eu', 'is back', (target) => target.deployed && target.deployed !== bad && target.sync === 'Synced', 60);
  expect(world.kubectl('staging-eu', 'get', 'configmap', 'rollback', '-n', world.namespace('rollback'), '-o', 'jsonpath={.data.greeting}')).toBe('hello');
  world.apps.pull();
  expect(world.apps.head()).toBe(after.deployed);
  expect(world.apps.read('rollback/rollback.yaml')).toContain('rollback:1.0.0');
  await app.goto(world.pageOf(before, { tab: 'history' }));
  await expect(app.getByText('robin').first()).toBeVisible();
  await app.goto(`${world.url}/activity`);
  await expect(app.getByText('robin').first()).toBeVisible();
});
