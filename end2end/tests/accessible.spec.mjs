import { expect, expectAccessible, test } from '../fixtures/journey.mjs';

/** Every page by the heading that it must show. */
const PAGES = [
  ['/', 'Fleet'],
  ['/?view=table', 'Fleet'],
  ['/drift', 'Drift'],
  ['/parity?all=1&by=cluster', 'Parity'],
  ['/activity', 'Activity'],
  ['/clusters', 'Clusters'],
  ['/clusters/prod-eu', 'prod-eu'],
  ['/clusters/prod-eu/rebuild', 'Rebuild proof'],
  ['/clusters/prod-eu/reestablish', 'Re-establish'],
  ['/approvals', 'Approvals'],
  ['/holds', 'Holds'],
  ['/leftovers', 'Leftovers'],
  ['/alerts', 'Alerts'],
  ['/problems', 'Problems'],
  ...['sources', 'sets', 'images', 'clusters', 'webhooks', 'notifications', 'account', 'accounts', 'access', 'tokens', 'about'].map((tab) => [`/settings?tab=${tab}`, 'Settings']),
];

for (const scheme of ['light', 'dark']) {
  for (const width of [1440, 390]) {
    test(`every page is accessible, ${scheme}, ${width} px`, async ({ app, world }) => {
      await app.emulateMedia({ colorScheme: scheme });
      await app.setViewportSize({ width, height: 900 });
      const target = await world.settled('look-staging-eu');
      const application = world.pageOf(target).slice(world.url.length);
      const run = (await world.api('GET', `apps/${target.target.application.id}/targets/${target.target.id}/history`)).entries.find((entry) => entry.Run).Run;
      const pages = [
        ...PAGES,
        ...['tree', 'changes', 'history', 'definition'].map((tab) => [`${application}&tab=${tab}`, 'look-staging-eu']),
        [`/syncs/${run.id}`, /sync/i],
        [application.replace('?', '/rollback?'), /roll back/i],
      ];
      for (const [path, heading] of pages) {
        await app.goto(`${world.url}${path}`);
        await expect(app.getByRole('heading', { name: heading }).first(), path).toBeVisible();
        await test.step(path, () => expectAccessible(app));
        const overflow = await app.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(overflow, `${path} is wider than the window`).toBeLessThanOrEqual(0);
      }
    });
  }
}

test('the login page is accessible', async ({ page, world }) => {
  await page.goto(`${world.url}/login`);
  await expectAccessible(page);
});
