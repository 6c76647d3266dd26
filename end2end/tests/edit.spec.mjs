import { expect, expectAccessible, test } from '../fixtures/journey.mjs';
import { workload } from '../fixtures/world.mjs';

test('an application is added and changed in the browser: a commit in Git, live on the cluster', async ({ app, world }) => {
  const namespace = world.namespace('added');
  world.apps.pull().write('added/added.yaml', workload('added')).commit('A workload that nothing deploys yet');
  await test.step('the form writes the manifest, and the preview says what it would create', async () => {
    await app.goto(`${world.url}/settings?tab=sources`);
    await app.getByRole('link', { name: 'Add application' }).first().click();
    // The page's own script may still be on its way, and a choice that is made before it arrives can be lost.
    await expect(app.getByText('live', { exact: true })).toBeVisible();
    await app.getByLabel('Name', { exact: true }).fill('added');
    await app.getByLabel('Repository', { exact: true }).fill(world.addresses.apps);
    await app.getByLabel('Path in the repository').fill('added');
    await app.getByLabel('Revision', { exact: true }).fill('main');
    await app.getByLabel('Cluster', { exact: true }).selectOption('staging-eu');
    await app.getByLabel('Namespace', { exact: true }).fill(namespace);
    await app.getByLabel('Create the namespace').check();
    await app.getByRole('button', { name: 'Write the manifest' }).click();
    await expect(app.getByLabel('Text', { exact: true })).toHaveValue(/name: added/);
    await expect(app.getByLabel('Text', { exact: true })).toHaveValue(/name: staging-eu/);
    await expect(app.getByLabel('File', { exact: true })).toHaveValue('added.yaml');
    await app.getByLabel('File', { exact: true }).fill('apps/added.yaml');
    await app.getByRole('button', { name: 'Preview', exact: true }).click();
    await expect(app.getByText('This commit adds added.')).toBeVisible({ timeout: 30_000 });
    await expect(app.getByRole('main')).toContainText(/create [23]/);
    await expectAccessible(app);
    expect(world.kubectl('staging-eu', 'get', 'namespace', namespace, '--ignore-not-found')).toBe('');
  });
  await test.step('the commit is on the branch, and the application is live', async () => {
    await app.getByLabel('Reason', { exact: true }).fill('the journey needs it');
    await app.getByRole('button', { name: 'Commit', exact: true }).click();
    await world.settled('added');
    const root = world.root.pull();
    expect(root.read('apps/added.yaml')).toContain('name: added');
    await expect(async () => {
      expect(world.kubectl('staging-eu', 'get', 'configmap', 'added', '-n', namespace, '-o', 'jsonpath={.data.greeting}')).toBe('hello');
    }).toPass({ timeout: 60_000 });
  });
  await test.step('an edit that breaks it is shown at its line and not committed', async () => {
    const target = await world.target('added');
    await app.goto(world.pageOf(target, { tab: 'definition' }));
    await app.getByRole('link', { name: 'Edit', exact: true }).click();
    const text = app.getByLabel('Text', { exact: true });
    const written = await text.inputValue();
    await expect(app.getByRole('button', { name: 'Commit', exact: true })).toBeHidden();
    await text.fill(written.replace('path: added', 'path: ../added'));
    await app.getByRole('button', { name: 'Preview', exact: true }).click();
    await expect(app.getByRole('main')).toContainText('apps/added.yaml:10');
    await expect(app.getByRole('button', { name: 'Commit', exact: true })).toBeDisabled();
    await text.fill(written.replace(`namespace: ${namespace}`, `namespace: ${namespace}-b`));
    await app.getByRole('button', { name: 'Preview', exact: true }).click();
    await expect(app.getByText('This commit changes added.')).toBeVisible({ timeout: 30_000 });
    await app.getByRole('button', { name: 'Commit', exact: true }).click();
    await expect(app).toHaveURL(/tab=definition/);
  });
  await test.step('and what it changes is visible', async () => {
    await expect(async () => {
      expect(world.kubectl('staging-eu', 'get', 'configmap', 'added', '-n', `${namespace}-b`, '--ignore-not-found', '-o', 'jsonpath={.data.greeting}')).toBe('hello');
    }).toPass({ timeout: 60_000 });
    world.kubectl('staging-eu', 'delete', 'namespace', namespace, `${namespace}-b`, '--wait=false', '--ignore-not-found');
  });
});
