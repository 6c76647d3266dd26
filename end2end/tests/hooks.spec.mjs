import { expect, test } from '../fixtures/journey.mjs';

const HOOK_WAITS = (found) => found.reason?.code === 'WaitingForHook';

test('a sync shows that its hook was done before its waves, and what came after', async ({ app, world }) => {
  await world.settled('hooked-staging-eu');
  const target = await world.target('hooked-staging-eu');
  const [run] = await world.runs(target);
  expect(run.phase).toBe('Succeeded');
  await app.goto(`${world.url}/syncs/${run.id}`);
  const steps = app.getByRole('region', { name: 'Steps' });
  const groups = await steps.getByRole('rowheader').allInnerTexts();
  expect(groups.map((text) => /^\s*(\w+, wave -?\d+)/.exec(text)?.[1])).toEqual(['PreSync, wave 0', 'Sync, wave 0', 'Sync, wave 1', 'PostSync, wave 0']);
  await expect(steps.getByText('hook', { exact: true }).first()).toBeVisible();
  const { steps: rows } = await world.api('GET', `runs/${run.id}`);
  const migrate = rows.find((row) => row.key.name === 'migrate');
  for (const row of rows.filter((row) => row.phase === 'Sync' && row.started_at)) {
    expect(migrate.ended_at).toBeLessThanOrEqual(row.started_at);
  }
});

test('a hook that never ends is explained, and ended within five seconds', async ({ app, world }) => {
  const target = await world.targetThat('stuck-staging-eu', 'waits for its hook', HOOK_WAITS);
  expect(target.reason.cause).toContain('waiting for the PreSync hook: Job migrate');
  await app.goto(`${world.url}/syncs/${target.running}`);
  await expect(app.getByText(/waiting for the PreSync hook: Job migrate/).first()).toBeVisible();
  const asked = Date.now();
  await app.getByRole('button', { name: 'Terminate' }).click();
  await world.targetThat('stuck-staging-eu', 'has ended', (found) => !found.running, 5);
  expect(Date.now() - asked).toBeLessThan(5000);
  await expect(app.getByText(/Ended by robin; what was applied stays/)).toBeVisible();
});
