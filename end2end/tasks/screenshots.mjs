// `make screenshots`: pictures of every page of the running demo, light and dark, wide and narrow, into
// end2end/screenshots. `--only WORD` takes the pages whose name holds it; `--url`, `--user`, `--password` name another server.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { apiClient } from '../harness/server.mjs';
import { ROOT } from './steps.mjs';

const OUT = join(ROOT, 'end2end', 'screenshots');
const { values } = parseArgs({ options: { url: { type: 'string' }, user: { type: 'string' }, password: { type: 'string' }, only: { type: 'string' } } });

function demo() {
  const file = join(process.env.LOCKSTEP_DEMO_STATE || join(ROOT, '.demo'), 'demo.json');
  if (!existsSync(file)) throw new Error('no demo was started yet; to do: run "make demo" in another terminal, or give --url, --user and --password');
  const { port, password } = JSON.parse(readFileSync(file, 'utf8'));
  return { url: `http://127.0.0.1:${port}`, user: 'maria', password };
}

/** Pages by name, with what they need found through the API. */
async function pages(api) {
  const fleet = await api.request('GET', 'fleet?all=true');
  const targets = fleet.sections.flatMap((section) => section.rows).flatMap((row) => row.cells.flat());
  const of = (choose) => (targets.find(choose) ?? targets[0]).target;
  const address = (target, parameters = {}) => `/apps/${target.application.id}/${target.application.name}?${new URLSearchParams({ cluster: target.cluster, ...parameters })}`;
  const failing = of((target) => target.health.status === 'Degraded');
  const drifting = of((target) => target.drifted > 0);
  const large = of((target) => target.target.application.name.startsWith('shop'));
  const activity = await api.request('GET', 'activity');
  const commit = activity.entries.find((entry) => entry.Commit)?.Commit;
  const { entries } = await api.request('GET', `apps/${large.application.id}/targets/${large.id}/history`);
  const run = entries.find((entry) => entry.Run)?.Run;
  const [drift] = await api.request('GET', 'drift');
  const changed = drift && `${drift.key.group}/${drift.key.kind}:${drift.key.namespace}/${drift.key.name}`;
  const drawer = (pane) => (drift ? address(drift.target, { node: changed, pane }) : '/drift');
  return [
    ['login', '/login', false],
    ['fleet', '/'],
    ['fleet-table', '/?view=table&all=1'],
    ['fleet-commit', commit ? `/?q=${commit.commit.revision}` : '/'],
    ['fleet-past', '/?at=1m'],
    ['drift-past', '/drift?at=30s'],
    ['application-past', address(failing, { at: '1m' })],
    ['application-mark', run ? address(large, { tab: 'history', dialog: `mark-${run.revision}` }) : '/'],
    ['undo', run ? address(large, { to: run.revision, undo: '1' }).replace('?', '/rollback?') : '/'],
    ['application-tree', address(large)],
    ['application-degraded', address(failing)],
    ['application-changes', address(drifting, { tab: 'changes' })],
    ['application-history', address(large, { tab: 'history' })],
    ['application-definition', address(large, { tab: 'definition' })],
    ['rollback', address(large).replace('?', '/rollback?')],
    ['sync-run', run ? `/syncs/${run.id}` : '/'],
    ['drift', '/drift'],
    ['parity', '/parity?all=1'],
    ...['', 'diff', 'yaml', 'blame', 'events', 'logs', 'actions'].map((pane) => [`object-${pane || 'summary'}`, drawer(pane)]),
    ['accept', drift ? address(drift.target, { node: changed, path: drift.path }).replace('?', '/accept?') : '/drift'],
    ['propose', address(large, { way: 'propose' }).replace('?', '/rollback?')],
    ['activity', '/activity'],
    ['commit', commit ? `/commits/${commit.repo}/${commit.commit.revision}` : '/activity'],
    ['clusters', '/clusters'],
    ['cluster', '/clusters/prod-eu'],
    ['rebuild', '/clusters/prod-eu/rebuild'],
    ['reestablish', '/clusters/prod-eu/reestablish'],
    ['orphans', address(large).replace('?', '/orphans?')],
    ['approvals', '/approvals'],
    ['holds', '/holds'],
    ['leftovers', '/leftovers'],
    ['alerts', '/alerts'],
    ['problems', '/problems'],
    ...['sources', 'sets', 'images', 'clusters', 'webhooks', 'notifications', 'account', 'accounts', 'access', 'tokens', 'about'].map((tab) => [`settings-${tab}`, `/settings?tab=${tab}`]),
    ['not-found', '/nowhere'],
  ];
}

async function main() {
  const server = values.url ? values : demo();
  const all = await pages(await apiClient(server.url, server.user, server.password));
  const browser = await chromium.launch({
    executablePath: process.env.LOCKSTEP_CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  mkdirSync(OUT, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      const context = await browser.newContext({ viewport: { width, height: width === 390 ? 844 : 900 }, colorScheme, baseURL: server.url });
      const page = await context.newPage();
      await page.goto('/login');
      await page.getByLabel('Name').fill(server.user);
      await page.getByLabel('Password').fill(server.password);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.waitForURL((url) => url.pathname !== '/login');
      for (const [name, path, loggedIn = true] of all) {
        if (values.only && !name.includes(values.only)) continue;
        const shown = loggedIn ? page : await (await browser.newContext({ viewport: { width, height: 844 }, colorScheme, baseURL: server.url })).newPage();
        // The event stream keeps the network busy for ever: "load" is as far as a page gets.
        await shown.goto(path, { waitUntil: 'load' });
        await shown.locator('h1').first().waitFor();
        await shown.screenshot({ path: join(OUT, `${name}-${colorScheme}-${width}.png`), fullPage: true });
        if (shown !== page) await shown.context().close();
      }
      await context.close();
      console.log(`${colorScheme}, ${width} px: done`);
    }
  }
  await browser.close();
  console.log(`pictures are in ${OUT}`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
