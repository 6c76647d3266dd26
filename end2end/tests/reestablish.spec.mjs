import { expect, expectAccessible, test } from '../fixtures/journey.mjs';
import { until } from '../harness/server.mjs';

/** Groups on prod-eu whose own journeys are over. */
const GROUPS = ['drift', 'heal', 'push'];

test('an emptied cluster comes back from Git in one action', async ({ app, world }) => {
  const count = (group) => world.kubectl('prod-eu', 'get', 'deployments', '-n', world.namespace(group), '-o', 'name').split('\n').filter(Boolean).length;
  for (const group of GROUPS) world.kubectl('prod-eu', 'delete', 'deployments,services', '--all', '-n', world.namespace(group), '--wait=true');
  // What nobody syncs by itself stays away: the cluster lacks it.
  await until('the cluster lacks something', async () => (await world.api('GET', 'clusters/prod-eu/reestablish')).absent > 0);
  expect(count('drift')).toBe(0);

  await app.goto(`${world.url}/clusters/prod-eu`);
  await app.getByRole('link', { name: 'Re-establish' }).click();
  await expect(app.getByRole('heading', { name: 'Re-establish prod-eu' })).toBeVisible();
  await expect(app.getByRole('main')).toContainText('that Git declares for prod-eu are missing');
  await expect(app.getByRole('heading', { name: /^1\. / })).toBeVisible();
  await expectAccessible(app);

  // Another name begins nothing.
  await app.getByLabel('Why, for the audit log').fill('the nodes were lost');
  await app.getByLabel('Type prod-eu to bring it back').fill('prod-us');
  await app.getByRole('button', { name: 'Re-establish' }).click();
  await expect(app.getByRole('alert')).toBeVisible();
  await app.getByLabel('Type prod-eu to bring it back').fill('prod-eu');
  await app.getByRole('button', { name: 'Re-establish' }).click();
  await expect(app.getByText(/began is over: \d+ back/)).toBeVisible({ timeout: 90_000 });
  await expect(app.getByRole('main')).toContainText('holds all of the');
  await expectAccessible(app);
  for (const group of GROUPS) expect(count(group), group).toBe(1);
  await app.goto(`${world.url}/activity`);
  await expect(app.getByText('re-establish cluster').first()).toBeVisible();
});
