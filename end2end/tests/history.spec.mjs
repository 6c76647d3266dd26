import { expect, expectAccessible, test } from '../fixtures/journey.mjs';
import { workload } from '../fixtures/world.mjs';

const greeting = (world) => world.kubectl('staging-eu', 'get', 'configmap', 'history', '-n', world.namespace('history'), '-o', 'jsonpath={.data.greeting}');

test('the time before a mistake is looked at, the mistake alone is undone, and somebody says that it was bad', async ({ app, world }) => {
  const target = await world.settled('history-staging-eu');
  const good = world.apps.pull().head();
  await world.targetThat('history-staging-eu', 'was well', (found) => found.sync === 'Synced' && found.health.status === 'Healthy');
  const before = new Date().toISOString();
  const bad = world.apps.write('history/history.yaml', workload('history', { greeting: 'a mistake' })).commit('history: a mistake');
  await world.targetThat('history-staging-eu', 'runs the mistake', (found) => found.deployed === bad && found.sync === 'Synced');
  const later = world.apps.pull().write('history/history.yaml', workload('history', { greeting: 'a mistake', replicas: 3 })).commit('history: three replicas');
  await world.targetThat('history-staging-eu', 'runs both', (found) => found.deployed === later && found.sync === 'Synced' && found.health.status === 'Healthy');

  await test.step('the fleet as it was names what stands otherwise now', async () => {
    await app.goto(`${world.url}/?at=${before}&q=history`);
    await expect(app.getByText('Nothing here is live.')).toBeVisible();
    const changed = app.getByRole('row').filter({ hasText: 'journeys / history-staging-eu' });
    await expect(changed).toContainText(`${good.slice(0, 7)} → ${later.slice(0, 7)}`);
    await expectAccessible(app);
    await changed.getByRole('link', { name: 'Look at then' }).click();
    await expect(app.getByRole('main')).toContainText('Last sync');
    await expect(app.getByRole('main')).toContainText(good.slice(0, 7));
    await expect(app.getByRole('link', { name: 'Roll back to this' })).toBeVisible();
    await expectAccessible(app);
  });
  await test.step('the history leads to the one commit, and only it is taken back', async () => {
    await app.goto(world.pageOf(target, { tab: 'history' }));
    await app.getByRole('row').filter({ hasText: 'history: a mistake' }).getByRole('link', { name: 'Undo', exact: true }).click();
    await expect(app.getByRole('heading', { name: `Undo ${bad.slice(0, 7)} in history-staging-eu` })).toBeVisible();
    await expectAccessible(app);
    await app.getByRole('button', { name: 'Commit and sync' }).click();
    await world.targetThat('history-staging-eu', 'is without the mistake', (found) => found.deployed && found.deployed !== later && found.sync === 'Synced', 60);
    expect(greeting(world)).toBe('hello');
    const text = world.apps.pull().read('history/history.yaml');
    expect(text).toContain('replicas: 3');
    expect(text).toContain('greeting: hello');
  });
  await test.step('the mistake is marked as bad, and no rollback offers it first', async () => {
    await app.goto(world.pageOf(target, { tab: 'history' }));
    await app.getByRole('row').filter({ hasText: 'history: a mistake' }).getByRole('link', { name: /^Mark / }).click();
    await app.getByLabel('This revision is').selectOption('bad');
    await app.getByLabel('Reason').fill('orders were lost');
    await expectAccessible(app);
    await app.getByRole('button', { name: 'Mark', exact: true }).click();
    await expect(app.getByTitle('Marked as bad by robin: orders were lost')).toBeVisible();
  });
});
