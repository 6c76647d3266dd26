import { AuditLog } from '../fixtures/audit.mjs';
import { expect, test } from '../fixtures/journey.mjs';
import { OWNER, PROJECT, Repository, application, workload } from '../fixtures/world.mjs';
import { until } from '../harness/server.mjs';

const HOME = 'staging-eu';

/** A Flux GitRepository and a Kustomization of it. */
const flux = ({ name, address, path, namespace }) => `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: ${name}
  namespace: flux-system
spec:
  interval: 1m
  url: ${address}
  ref:
    branch: main
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: ${name}
  namespace: flux-system
spec:
  interval: 1m
  path: ./${path}
  prune: true
  targetNamespace: ${namespace}
  sourceRef:
    kind: GitRepository
    name: ${name}
`;

test('a new source is only observed: differences are shown, nothing is written until it is taken over', async ({ app, world }) => {
  const [argo, kustomize] = [world.namespace('observed-argo'), world.namespace('observed-flux')];
  const audit = new AuditLog(world.rig, HOME);
  // Flux makes no namespaces.
  world.kubectl(HOME, 'create', 'namespace', kustomize);
  const repository = await Repository.create(world.rig.gitea, world.work, 'observed', world.token);
  const { address } = repository;
  repository.write('argo/argo.yaml', workload('observed-argo')).write('flux/flux.yaml', workload('observed-flux'))
    .write('apps/project.yaml', PROJECT)
    .write('apps/argo.yaml', application({ name: 'observed-argo', group: 'observed', address, path: 'argo', cluster: HOME, namespace: argo }))
    .write('apps/flux.yaml', flux({ name: 'observed-flux', address, path: 'flux', namespace: kustomize }))
    .commit('One of each kind');

  await test.step('add it on the settings page', async () => {
    await app.goto(`${world.url}/settings?tab=sources&add=1`);
    await app.getByLabel('Name', { exact: true }).fill('observed');
    await app.getByLabel('Repository').fill(address);
    await app.getByLabel('Path').fill('apps');
    await app.getByLabel('Revision').fill('main');
    await app.getByLabel('Home cluster').selectOption(HOME);
    await app.getByLabel('User name').fill(OWNER);
    await app.getByLabel('Password or token').fill(world.token);
    await app.getByRole('button', { name: 'Add and observe' }).click();
    await expect(app.getByRole('article').filter({ hasText: 'observed only' })).toContainText('observed');
  });
  const source = (await world.api('GET', 'sources')).find(({ name }) => name === 'observed');
  expect(source.mode).toBe('Observe');
  expect(JSON.stringify(source)).not.toContain(world.token);

  await test.step('the fleet shows its applications with what differs', async () => {
    for (const name of ['observed-argo', 'observed-flux']) {
      const target = await world.targetThat(name, 'is compared', (found) => found.sync === 'OutOfSync');
      expect(target.mode).toBe('Observe');
      expect(target.out_of_sync).toBeGreaterThanOrEqual(2);
      await app.goto(world.pageOf(target, { tab: 'changes' }));
      await expect(app.getByRole('main')).toContainText('Observed only');
      await expect(app.getByRole('main')).toContainText('Deployment');
      await expect(app.getByRole('button', { name: /^Sync/ })).toBeDisabled();
    }
    await app.goto(`${world.url}/?q=is%3Aobserved`);
    for (const name of ['observed-argo', 'observed-flux']) await expect(app.getByText(name).first()).toBeVisible();
    await expect(app.getByText('2 observed only')).toBeVisible();
  });

  await test.step('asking for a sync all the same is refused', async () => {
    const { application: { id }, id: targetId } = (await world.target('observed-argo')).target;
    await expect(world.api('POST', `apps/${id}/targets/${targetId}/sync`, { prune: false })).rejects.toThrow(/: 4\d\d .*observe/i);
  });

  await app.goto(`${world.url}/settings?tab=sources&take=${source.id}`);
  await expect(app.getByRole('heading', { name: 'what the first sync of 2 targets would do' })).toBeVisible();
  await app.getByText(/observed-argo on/).click();
  await expect(app.getByRole('table').filter({ visible: true })).toContainText('Deployment');

  expect(audit.writes(argo, kustomize), 'nothing was written, not even as a dry run').toEqual([]);
  expect(world.kubectl(HOME, 'get', 'namespace', argo, '--ignore-not-found', '-o', 'name')).toBe('');

  await app.getByRole('button', { name: 'Take over' }).click();
  await until('the source is managed', async () => (await world.api('GET', 'sources')).find(({ name }) => name === 'observed').mode === 'Managed');
  for (const [name, namespace] of [['observed-argo', argo], ['observed-flux', kustomize]]) {
    await world.settled(name);
    expect(world.kubectl(HOME, 'get', 'configmap', name, '-n', namespace, '-o', 'jsonpath={.data.greeting}')).toBe('hello');
    expect(audit.writes(namespace).length).toBeGreaterThan(0);
  }
});
