import { expect, test } from '../fixtures/journey.mjs';
import { until } from '../harness/server.mjs';

const replicas = (world, group) => world.kubectl('prod-eu', 'get', 'deployment', group, '-n', world.namespace(group), '-o', 'jsonpath={.spec.replicas}');

test('scaling by hand is undone where the definition says so, and the object says who did it', async ({ app, world }) => {
  const target = await world.settled('heal-prod-eu');
  world.kubectl('prod-eu', 'scale', 'deployment', 'heal', '-n', world.namespace('heal'), '--replicas', '5');
  await until('the scale is undone', async () => replicas(world, 'heal') === '2');
  await until('an Event on the object tells what was undone', async () =>
    world.kubectl('prod-eu', 'get', 'events', '-n', world.namespace('heal'), '-o', 'jsonpath={range .items[*]}{.involvedObject.kind} {.message}{"\\n"}{end}')
      .split('\n').some((line) => line.startsWith('Deployment') && line.includes('replicas')));
  await world.settled('heal-prod-eu');
  await app.goto(world.pageOf(target, { tab: 'history' }));
  await expect(app.getByText('self-heal').first()).toBeVisible();
  await app.goto(`${world.url}/drift?closed=1&q=heal-prod-eu`);
  await expect(app.getByText('spec.replicas').first()).toBeVisible();
  await expect(app.getByText('healed').first()).toBeVisible();
});

test('where it does not heal, drift is shown with field, both values, manager and time', async ({ app, world }) => {
  const target = await world.settled('drift-prod-eu');
  world.kubectl('prod-eu', 'scale', 'deployment', 'drift', '-n', world.namespace('drift'), '--replicas', '5');
  const drifted = await world.targetThat('drift-prod-eu', 'drifts', (found) => found.drifted > 0);
  expect(drifted.reason.code).toBe('Drifted');
  await app.goto(world.pageOf(target, { tab: 'changes' }));
  const changes = app.getByRole('main');
  await expect(changes).toContainText('spec.replicas');
  await expect(changes).toContainText('kubectl');
  await app.goto(`${world.url}/drift?q=drift-prod-eu`);
  const row = app.getByRole('main');
  await expect(row).toContainText('spec.replicas');
  await expect(row).toContainText('2');
  await expect(row).toContainText('5');
  await expect(row).toContainText('kubectl');
  expect(replicas(world, 'drift')).toBe('5');
});
