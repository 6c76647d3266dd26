import { expect, logIn, test } from '../fixtures/journey.mjs';

test.use({ javaScriptEnabled: false });

test('without JavaScript one can log in, look at everything, and start a sync', async ({ page, world }) => {
  const target = await world.targetThat('plain-staging-eu', 'waits', (found) => found.sync === 'OutOfSync');
  await test.step('log in and read the fleet', async () => {
    await logIn(page, world);
    await expect(page).toHaveURL(`${world.url}/`);
    await expect(page.getByRole('heading', { name: 'Fleet' })).toBeVisible();
    await page.getByRole('searchbox').first().fill('app:plain*');
    await page.getByRole('searchbox').first().press('Enter');
    await expect(page).toHaveURL(/[?&]q=app/);
    await expect(page.getByRole('main')).toContainText('plain');
    await expect(page.getByRole('main').getByText('push', { exact: true })).toHaveCount(0);
  });
  await test.step('the tabs are links', async () => {
    await page.goto(world.pageOf(target));
    for (const [tab, words] of [[/^Changes/, 'What a sync would do'], [/^History$/, 'One workload for each journey'], [/^Definition$/, 'kind: Application'], [/^Tree$/, 'Deployment']]) {
      await page.getByRole('link', { name: tab }).first().click();
      await expect(page.getByRole('main')).toContainText(words);
    }
  });
  await test.step('drift', async () => {
    await page.getByRole('link', { name: 'Drift' }).first().click();
    await expect(page.getByRole('heading', { name: 'Drift' })).toBeVisible();
  });
  await test.step('the Sync dialog shows its consequence, and its button starts the sync', async () => {
    await page.goto(world.pageOf(target));
    await page.getByRole('link', { name: 'Sync', exact: true }).click();
    await expect(page).toHaveURL(/dialog=sync/);
    const dialog = page.getByRole('dialog');
    await expect(dialog).toContainText('Deployment');
    await dialog.getByRole('button', { name: 'Sync', exact: true }).click();
    await world.settled('plain-staging-eu');
    await expect(page).toHaveURL(/\/(syncs|operations)\//);
    await expect(page).toHaveURL(/\/syncs\//);
    await page.reload();
    await expect(page.getByRole('main')).toContainText(/succeeded/i);
    await expect(page.getByRole('main')).toContainText('robin');
  });
  await test.step('and logging out works', async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await expect(page).toHaveURL(/\/login/);
  });
});
