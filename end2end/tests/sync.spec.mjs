import { expect, test } from '../fixtures/journey.mjs';

test('an application without auto-sync waits, and the Sync button deploys it', async ({ app, world }) => {
  const target = await world.targetThat('manual-staging-eu', 'waits', (found) => found.sync === 'OutOfSync');
  expect(target.reason.code).toBe('Behind');
  await app.goto(world.pageOf(target));
  await app.getByRole('link', { name: 'Sync', exact: true }).first().click();
  const dialog = app.getByRole('dialog');
  await expect(dialog).toContainText('Deployment');
  await dialog.getByRole('button', { name: /^Sync/ }).click();
  await world.settled('manual-staging-eu');
  await app.goto(world.pageOf(target, { tab: 'history' }));
  await expect(app.getByText('robin').first()).toBeVisible();
});
