import { expect, logIn, test } from '../fixtures/journey.mjs';
import { OwnServer } from '../fixtures/own-server.mjs';
import { application, workload } from '../fixtures/world.mjs';
import { until } from '../harness/server.mjs';

const NAME = 'rights';
const PASSWORD = 'a password that maria keeps';
/** How often the server looks at its repositories; `OwnServer` writes it so. */
const POLL = 2_000;
/** What reading a repository takes on a busy machine. */
const READ = 2_000;
/** An open stream ends so long after its rights have changed, at the latest. */
const STREAM = 5_000;
const POLICY = 'apps/.lockstep/policy.csv';

/** Counts the streams that a page opens and that end. */
function streamsOf(page) {
  const seen = { opened: 0, ended: 0 };
  const isStream = (request) => new URL(request.url()).pathname === '/events';
  page.on('request', (request) => {
    if (isStream(request)) seen.opened += 1;
  });
  for (const end of ['requestfinished', 'requestfailed']) {
    page.on(end, (request) => {
      if (isStream(request)) seen.ended += 1;
    });
  }
  return seen;
}

/** Asks for a sync as the page's own scripts do, and answers the status. */
const sync = (page, { target }) => page.evaluate(async ({ id, application: { id: app } }) => {
  const answer = await fetch(`/api/v1/apps/${app}/targets/${id}/sync`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  return { status: answer.status, body: await answer.json() };
}, target);

test('a role that is taken away in Git is gone in the other browser within one poll, and its stream is closed', async ({ browser, world }) => {
  const own = await OwnServer.start(world, {
    name: NAME,
    clusters: ['staging-eu'],
    fill: (root) => root.write('work/rights.yaml', workload(NAME))
      .write('apps/rights.yaml', application({
        name: NAME, group: NAME, address: root.address, path: 'work', cluster: 'staging-eu', namespace: world.namespace(NAME), policy: 'managedNamespaceMetadata: {}',
      }))
      .write(POLICY, 'g, maria, role:operator\n'),
  });
  const contexts = [];
  const person = async (who) => {
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    const streams = streamsOf(page);
    await logIn(page, own, who);
    await expect(page.getByRole('heading', { name: 'Fleet' })).toBeVisible();
    return { page, streams };
  };
  try {
    await own.api('POST', 'users', { name: 'maria', password: PASSWORD, role: 'Viewer' });
    const [source] = await own.api('GET', 'sources');
    await own.api('POST', 'access/source', { source: source.id });
    await until('the policy is in force', async () => (await own.api('GET', 'access')).in_force);
    const target = await own.targetThat(NAME, 'waits', (found) => found.sync === 'OutOfSync');

    const maria = await person({ name: 'maria', password: PASSWORD });
    const robin = await person();
    const live = (page) => page.getByRole('status').getByText('live', { exact: true });
    for (const { page, streams } of [maria, robin]) {
      await page.goto(own.pageOf(target));
      await expect(live(page)).toBeVisible();
      await expect(page.getByRole('link', { name: 'Sync', exact: true }).first()).toBeVisible();
      // Those of the pages before have ended with them.
      streams.opened = 1;
      streams.ended = 0;
    }
    expect((await sync(maria.page, target)).status, 'an operator may').toBe(200);
    await own.settled(NAME);

    own.root.write(POLICY, 'g, maria, role:viewer\n').commit('Maria looks on from now on');
    const pushed = Date.now();
    const refused = await until('she may no longer sync', async () => {
      const answer = await sync(maria.page, target);
      return answer.status === 403 && answer;
    }, { seconds: 60 });
    const inEffect = Date.now();
    expect(inEffect - pushed, 'milliseconds until it was in effect').toBeLessThan(POLL + READ);
    expect(refused.body.detail).toContain('sync');
    await until('her stream has ended', () => maria.streams.ended > 0, { seconds: 60 });
    expect(Date.now() - inEffect, 'milliseconds until the stream was closed').toBeLessThan(STREAM);

    // Her page is brought up to date by the stream that takes its place, without being loaded again.
    await expect(maria.page.getByRole('link', { name: 'Sync', exact: true })).toHaveCount(0);
    const button = maria.page.getByRole('button', { name: /^Sync/ }).first();
    await expect(button).toBeDisabled();
    await expect(button).toHaveAttribute('title', /Needs the permission “sync” on .*\/rights: .* can grant it/);
    await expect(live(maria.page)).toBeVisible();
    expect(maria.streams.opened, 'she came back by herself').toBeGreaterThan(1);

    // Whose rights are as before notices nothing.
    expect(robin.streams).toEqual({ opened: 1, ended: 0 });
    await expect(robin.page.getByRole('link', { name: 'Sync', exact: true }).first()).toBeVisible();
    expect((await sync(robin.page, target)).status).toBe(200);
  } finally {
    for (const context of contexts) await context.close();
    await own.stop();
  }
});
