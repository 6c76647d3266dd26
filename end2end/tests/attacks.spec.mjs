// What only a browser can tell of an attack: whether a script ran, whether a page was framed, whether the keys answer.
import { createServer } from 'node:http';
import { expect, logIn, test } from '../fixtures/journey.mjs';

const HARM = '</script><img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\u2028<!--';

// The browser says on its console what it refuses, so that the page is not the one that must be silent.
test('attack_53_54_no_script_runs_that_the_server_did_not_send', async ({ page: app, world }) => {
  await logIn(app, world);
  await expect(app.getByRole('heading', { name: 'Fleet' })).toBeVisible();
  const refused = [];
  app.on('dialog', (dialog) => refused.push(dialog.message()));
  const bad = encodeURIComponent(HARM);
  for (const path of [`/?q=${bad}`, `/drift?q=${bad}`, `/activity?q=${bad}`, `/problems?q=${bad}`, `/settings?tab=${bad}`, `/clusters/${bad}`, `/no/${bad}`]) {
    await app.goto(`${world.url}${path}`);
    await expect(app.locator('main')).toBeVisible();
    expect(await app.evaluate(() => window.harmed)).toBeUndefined();
  }
  // One that got in nevertheless is stopped by the policy.
  const ran = await app.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.harmed = 1';
    document.body.append(script);
    const image = document.createElement('img');
    image.setAttribute('onerror', 'window.harmed = 1');
    image.src = '/no/such/image.png';
    document.body.append(image);
    return new Promise((resolve) => image.addEventListener('error', () => resolve(window.harmed)));
  });
  expect(ran).toBeUndefined();
  expect(refused).toEqual([]);
});

// The browser says on its console what it refuses, so that the page is not the one that must be silent.
test('attack_55_no_other_site_frames_a_page', async ({ page: app, world }) => {
  await logIn(app, world);
  await expect(app.getByRole('heading', { name: 'Fleet' })).toBeVisible();
  const other = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<iframe src="${world.url}/drift"></iframe>`);
  });
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  try {
    await app.goto(`http://localhost:${other.address().port}/`);
    const frame = app.frames().find((one) => one !== app.mainFrame());
    await expect.poll(() => frame.url()).not.toBe('about:blank');
    expect(await frame.locator('main').count()).toBe(0);
  } finally {
    other.close();
  }
});

test('attack_55_nothing_is_shown_again_after_logging_out', async ({ app, world }) => {
  await app.goto(`${world.url}/drift`);
  await expect(app.getByRole('heading', { name: 'Drift' })).toBeVisible();
  await app.getByRole('button', { name: 'Log out' }).click();
  await expect(app).toHaveURL(/\/login/);
  await app.goBack();
  await expect(app).toHaveURL(/\/login/);
  await expect(app.getByRole('heading', { name: 'Drift' })).toHaveCount(0);
});
