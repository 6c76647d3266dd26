import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, expectAccessible, test } from '../fixtures/journey.mjs';
import { OwnServer } from '../fixtures/own-server.mjs';
import { startProvider } from '../harness/provider.mjs';
import { mustRun, until } from '../harness/server.mjs';
import { freePort } from '../rig/ports.mjs';

const CLUSTER = 'staging-eu';
const PEOPLE = {
  maria: { groups: ['platform', 'staff'] },
  jon: { groups: ['dev-shop'] },
  ana: { groups: ['team-shop'] },
  guest: { groups: [] },
  stranger: {},
  unsure: { groups: ['platform'], verified: false },
};

/** A server whose people come by a provider of their own. */
async function start(world, name, lines = []) {
  const own = await OwnServer.start(world, { name, clusters: [CLUSTER] });
  await own.stop();
  const port = await freePort(new Set());
  const provider = await startProvider({ port, origin: own.url, name: 'company', people: PEOPLE });
  const secret = join(own.folder, 'oidc.secret');
  writeFileSync(secret, `${provider.client.secret}\n`, { mode: 0o600 });
  appendFileSync(own.config, `${[
    ...lines,
    '',
    '[[oidc]]',
    'name = "company"',
    'label = "Company"',
    `issuer = ${JSON.stringify(provider.issuer)}`,
    `client_id = ${JSON.stringify(provider.client.id)}`,
    `client_secret_file = ${JSON.stringify(secret)}`,
    'scopes = ["groups"]',
    'roles = { admin = ["platform"], operator = ["dev-*"] }',
  ].join('\n')}\n`);
  await own.serve();
  return { own, provider };
}

/** The provider's pages ask for a font from elsewhere. */
const noFonts = (page) => page.context().route(/fonts\.googleapis\.com/, (route) => route.abort());

/** Goes through the pages of the provider. */
async function logInThere(page, own, person) {
  await noFonts(page);
  await page.goto(`${own.url}/login`);
  await page.getByRole('link', { name: 'Log in with Company' }).click();
  await page.getByPlaceholder('Enter any login').fill(person);
  await page.getByPlaceholder('and password').fill('anything');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

const sessionOf = async (page) => (await page.context().cookies()).find(({ name }) => name === 'lockstep')?.value;

test('people come by their provider, with roles by their groups, and leave it by logging out', async ({ page, browser, world }) => {
  const { own, provider } = await start(world, 'sso');
  try {
    await noFonts(page);
    await page.goto(`${own.url}/drift`);
    await expect(page).toHaveURL(/\/login\?next=/);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Log in with Company' }).click();
    const before = await sessionOf(page);
    await page.getByPlaceholder('Enter any login').fill('maria');
    await page.getByPlaceholder('and password').fill('anything');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect(page).toHaveURL(`${own.url}/drift`);
    expect(await sessionOf(page), 'the session has another id after the login').not.toBe(before);

    await page.goto(`${own.url}/settings?tab=account`);
    await expect(page.getByRole('heading', { name: 'maria@example.com' })).toBeVisible();
    await expect(page.getByText('platform', { exact: true }).first()).toBeVisible();
    await expect(page.getByText('admin', { exact: true }).first()).toBeVisible();
    await expect(page.getByText('this one').first()).toBeVisible();
    await expectAccessible(page);

    // Another person in another browser, with another role.
    const other = await browser.newPage();
    await logInThere(other, own, 'jon');
    await expect(other).toHaveURL(`${own.url}/`);
    await other.goto(`${own.url}/settings?tab=account`);
    await expect(other.getByText('operator', { exact: true }).first()).toBeVisible();
    await other.context().close();

    await page.getByRole('button', { name: 'Log out' }).first().click();
    await expect(page).toHaveURL(new RegExp(`^${provider.issuer}/session/end`));
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await expect(page).toHaveURL(`${own.url}/login`);
    await page.goto(own.url);
    await expect(page).toHaveURL(/\/login/);
    // The provider has forgotten the person too: it asks again.
    await page.getByRole('link', { name: 'Log in with Company' }).click();
    await expect(page.getByPlaceholder('Enter any login')).toBeVisible();
  } finally {
    await own.stop();
    await provider.stop();
  }
});

test('whoever has no group, or no verified address, reads why and stays outside', async ({ browser, world }) => {
  const { own, provider } = await start(world, 'sso-refused');
  try {
    for (const [person, words] of [
      ['guest', 'Your login holds no groups'],
      ['stranger', 'Your login holds no groups'],
      ['ana', 'None of your groups gives rights here'],
      ['unsure', 'Your e-mail address is not verified'],
    ]) {
      const page = await browser.newPage();
      await logInThere(page, own, person);
      await expect(page.getByRole('alert')).toContainText(words);
      await page.goto(own.url);
      await expect(page, person).toHaveURL(/\/login/);
      await page.context().close();
    }
    const users = await own.api('GET', 'users');
    expect(users.map(({ name }) => name)).toEqual(['robin']);
  } finally {
    await own.stop();
    await provider.stop();
  }
});

test('the policy in Git gives rights to groups, passwords are closed, and a link is the way back in', async ({ page, browser, world }) => {
  const { own, provider } = await start(world, 'sso-policy', ['', '[login]', 'local = false']);
  try {
    own.root.write('apps/.lockstep/policy.csv', 'g, team-shop, role:viewer\n').commit('Give the team of the shop a look');
    const [source] = await own.api('GET', 'sources');
    await own.api('POST', 'access/source', { source: source.id });
    await until('the policy is in force', async () => (await own.api('GET', 'access')).in_force);

    await page.goto(`${own.url}/login`);
    await expect(page.getByLabel('Password')).toHaveCount(0);
    await logInThere(page, own, 'ana');
    await expect(page.getByRole('heading', { name: 'Fleet' })).toBeVisible();
    const who = await page.request.get(`${own.url}/api/v1/access/can?action=sync`);
    expect((await who.json()).verdict.allowed).toBe(false);

    // The group loses its role: the page of whoever is in it is closed.
    own.root.write('apps/.lockstep/policy.csv', 'p, nobody, applications, get, *, allow\n').commit('Take it away');
    await until('the rights are gone', async () => (await page.request.get(`${own.url}/api/v1/fleet`)).status() === 403);

    await own.stop();
    const printed = mustRun(own.program, ['user', '--config', own.config, 'link', 'robin']);
    await own.serve();
    const admin = await browser.newPage();
    await admin.goto(printed.match(/http\S+/)[0]);
    await admin.getByRole('button', { name: 'Log in' }).click();
    await admin.goto(`${own.url}/settings?tab=account`);
    await expect(admin.getByRole('heading', { name: 'robin' })).toBeVisible();
    await admin.context().close();
  } finally {
    await own.stop();
    await provider.stop();
  }
});
