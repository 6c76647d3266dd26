import { expect, test } from '../fixtures/journey.mjs';
import { workload } from '../fixtures/world.mjs';

const present = (world) => world.kubectl('staging-eu', 'get', 'deployment,configmap', '-n', world.namespace('empty'), '-o', 'name').split('\n').filter((name) => name.endsWith('/empty'));

test('an emptied directory and an empty kustomization prune nothing, and the page says why', async ({ app, world }) => {
  const target = await world.settled('empty-staging-eu');
  expect(present(world)).toHaveLength(2);

  world.apps.pull().remove('empty').commit('Empty the directory');
  const gone = await world.targetThat('empty-staging-eu', 'says that the path is gone', (found) => found.reason?.code === 'RenderFailed');
  expect(gone.reason.cause).toContain('empty');
  expect(present(world)).toHaveLength(2);

  const hollow = world.apps.pull().write('empty/kustomization.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n').commit('Leave nothing in it');
  const empty = await world.targetThat('empty-staging-eu', 'waits for a yes', (found) => found.revision === hollow && ['EmptyRender', 'AwaitingApproval'].includes(found.reason?.code));
  expect(empty.reason.stalled).toBe(true);
  expect(present(world)).toHaveLength(2);
  await app.goto(world.pageOf(target));
  await expect(app.getByRole('main')).toContainText(empty.reason.cause);

  world.apps.pull().remove('empty').write('empty/empty.yaml', workload('empty')).commit('Bring it back');
  await world.settled('empty-staging-eu');
  expect(present(world)).toHaveLength(2);
});
