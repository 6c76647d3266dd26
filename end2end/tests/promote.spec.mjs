import { expect, expectAccessible, test } from '../fixtures/journey.mjs';
import { OWNER, overlay } from '../fixtures/world.mjs';
import { giteaRequest } from '../rig/rig.mjs';

test("what staging runs becomes production's by a pull request", async ({ app, world }) => {
  const { gitea } = world.rig;
  const staging = await world.settled('promote-staging-eu');
  await world.settled('promote-prod-eu');
  const host = await world.api('POST', 'notify/status-hosts', { prefix: `${gitea.url}${OWNER}/`, provider: 'gitea' });
  world.apps.write('promote/overlays/staging-eu/kustomization.yaml', overlay('promote', '1.1.0'));
  const ahead = world.apps.commit('Try 1.1.0 on staging');
  await world.targetThat('promote-staging-eu', 'runs it', (found) => found.revision === ahead && found.sync === 'Synced' && found.deployed !== staging.deployed);

  await test.step('parity names the difference and the way on', async () => {
    await app.goto(`${world.url}/parity?q=app:promote-*`);
    const table = app.getByRole('region', { name: 'Parity' });
    await expect(table.getByText('1.1.0', { exact: true })).toBeVisible();
    await expect(table.getByText('1.0.0', { exact: true })).toBeVisible();
    await expectAccessible(app);
    await table.getByRole('link', { name: "Take staging's versions" }).click();
  });
  await test.step('the consequence is shown, and a pull request is opened', async () => {
    await expect(app.getByRole('heading', { name: 'Take what staging-eu runs to prod-eu' })).toBeVisible();
    await expect(app.getByRole('main')).toContainText('promote:1.0.0 → 1.1.0 in 1 file of main, read by 1 target.');
    await expectAccessible(app);
    await app.getByRole('button', { name: 'Open pull request' }).click();
    await expect(app.getByText('A pull request into main is open.')).toBeVisible();
  });
  const pulls = await giteaRequest(gitea, 'GET', `repos/${OWNER}/apps/pulls?state=open`);
  const pull = pulls.find(({ title }) => title.includes('promote-prod-eu'));
  expect(pull.body).toContain('Promoted from journeys/promote-staging-eu on staging-eu');
  await giteaRequest(gitea, 'POST', `repos/${OWNER}/apps/pulls/${pull.number}/merge`, { Do: 'rebase' });
  const image = () => world.kubectl('prod-eu', 'get', 'deployment', 'promote', '-n', world.namespace('promote'), '-o', 'jsonpath={.spec.template.spec.containers[0].image}');
  await expect.poll(image, { timeout: 60_000 }).toBe('registry.example.com/journeys/promote:1.1.0');
  expect(world.apps.pull().read('promote/overlays/prod-eu/kustomization.yaml')).toBe(overlay('promote', '1.1.0'));
  await world.api('DELETE', `notify/status-hosts/${host.id ?? host}`);
});
