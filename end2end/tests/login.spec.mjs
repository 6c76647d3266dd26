import { expect, logIn, test } from '../fixtures/journey.mjs';

test('nothing is shown before login, and login leads to the page that was asked for', async ({ page, world }) => {
  await page.goto(`${world.url}/drift`);
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel('Name').fill('robin');
  await page.getByLabel('Password').fill(world.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page).toHaveURL(`${world.url}/drift`);
  await expect(page.getByRole('heading', { name: 'Drift' })).toBeVisible();
});

test('a wrong password is refused in words, and never leads elsewhere', async ({ page, world }) => {
  await logIn(page, world, { password: 'not the password' });
  await expect(page.getByRole('alert')).toContainText('Name or password is wrong');
  const away = await page.goto(`${world.url}/login?next=//evil.example.com`);
  expect(away.status()).toBe(200);
  await page.getByLabel('Name').fill('robin');
  await page.getByLabel('Password').fill(world.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page).toHaveURL(`${world.url}/`);
});

test('logging out ends the session at once', async ({ app, world }) => {
  const cookies = await app.context().cookies();
  await app.getByRole('button', { name: 'Log out' }).click();
  await expect(app).toHaveURL(/\/login/);
  await app.context().addCookies(cookies);
  await app.goto(world.url);
  await expect(app).toHaveURL(/\/login/);
});
