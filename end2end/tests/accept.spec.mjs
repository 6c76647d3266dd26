import { expect, expectAccessible, test } from '../fixtures/journey.mjs';
import { OWNER } from '../fixtures/world.mjs';
import { giteaRequest } from '../rig/rig.mjs';

const replicas = (world) => world.kubectl('prod-eu', 'get', 'deployment', 'accept', '-n', world.namespace('accept'), '-o', 'jsonpath={.spec.replicas}');

test('what somebody scaled by hand becomes a pull request; merged, Git says so too and blames the person', async ({ app, world }) => {
  const { gitea } = world.rig;
  const target = await world.settled('accept-prod-eu');
  const host = await world.api('POST', 'notify/status-hosts', { prefix: `${gitea.url}${OWNER}/`, provider: 'gitea' });
  world.kubectl('prod-eu', 'scale', 'deployment', 'accept', '-n', world.namespace('accept'), '--replicas', '5');
  await world.targetThat('accept-prod-eu', 'drifts', (found) => found.drifted > 0);

  await test.step('the drift page leads to the change and its consequence', async () => {
    await app.goto(`${world.url}/drift?q=accept-prod-eu`);
    await app.getByRole('link', { name: 'Accept into Git' }).click();
    await expect(app.getByRole('heading', { name: 'Accept into Git what prod-eu has' })).toBeVisible();
    await expect(app.getByRole('main')).toContainText('You become the author of what kubectl');
    await expect(app.getByRole('main')).toContainText('It is written in accept/accept.yaml:8.');
    await expectAccessible(app);
  });
  await test.step('a pull request is opened, and nothing else happens', async () => {
    const before = world.apps.pull().head();
    await app.getByRole('button', { name: 'Open pull request' }).click();
    await expect(app.getByText('A pull request into main is open.')).toBeVisible();
    expect(world.apps.pull().head()).toBe(before);
    expect(replicas(world)).toBe('5');
  });
  const [pull] = await giteaRequest(gitea, 'GET', `repos/${OWNER}/apps/pulls?state=open`);
  expect(pull.title).toBe('Accept replicas 5 of Deployment accept');
  expect(pull.body).toContain('Lockstep-Operation:');
  await giteaRequest(gitea, 'POST', `repos/${OWNER}/apps/pulls/${pull.number}/merge`, { Do: 'rebase' });
  await world.targetThat('accept-prod-eu', 'is as Git says', (found) => found.sync === 'Synced' && found.drifted === 0);
  expect(replicas(world)).toBe('5');
  expect(world.apps.pull().read('accept/accept.yaml')).toContain('  replicas: 5\n');

  await test.step('the drift ended as accepted', async () => {
    await app.goto(`${world.url}/drift?closed=1&q=accept-prod-eu`);
    await expect(app.getByText('accepted').first()).toBeVisible();
  });
  await test.step('and the line is blamed on the commit', async () => {
    await app.goto(world.pageOf(target, { node: `apps/Deployment:${world.namespace('accept')}/accept`, pane: 'blame' }));
    const lines = app.getByRole('region', { name: 'Lines and who wrote them' });
    const line = lines.getByRole('row').filter({ hasText: 'replicas: 5' });
    await expect(line).toContainText(world.apps.head().slice(0, 7));
    await expect(line).toContainText('robin');
    await expect(line).toContainText('accept.yaml:8');
    await expectAccessible(app);
  });
  await world.api('DELETE', `notify/status-hosts/${host.id ?? host}`);
});

test('a rollback can be proposed, too', async ({ app, world }) => {
  const { gitea } = world.rig;
  const target = await world.settled('propose-staging-eu');
  const first = world.apps.pull().head();
  const text = world.apps.read('propose/propose.yaml');
  world.apps.write('propose/propose.yaml', text.replace('greeting: hello', 'greeting: a mistake'));
  const bad = world.apps.commit('propose a mistake');
  await world.targetThat('propose-staging-eu', 'runs the mistake', (found) => found.deployed === bad && found.sync === 'Synced');
  const { id } = target.target.application;
  await app.goto(`${world.url}/apps/${id}/propose-staging-eu/rollback?cluster=staging-eu&to=${first}&way=propose`);
  await app.getByRole('button', { name: 'Open pull request' }).click();
  // No host is set up for pull requests: the branch is there, and the page says what to do.
  await expect(app.getByText(/The change is on the branch lockstep\/roll-back-propose-staging-eu-/)).toBeVisible();
  await expect(app.getByText(/Open the pull request into main at the Git host/)).toBeVisible();
  const branches = await giteaRequest(gitea, 'GET', `repos/${OWNER}/apps/branches`);
  expect(branches.map(({ name }) => name).filter((name) => name.startsWith('lockstep/roll-back-'))).toHaveLength(1);
  expect(world.apps.pull().head()).toBe(bad);
});
