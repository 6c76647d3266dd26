// Browser journeys on the real program, the rig's clusters and its Git host.
import { defineConfig } from '@playwright/test';
import { join } from 'node:path';
import { ROOT } from './tasks/steps.mjs';

export default defineConfig({
  testDir: join(ROOT, 'end2end', 'tests'),
  testMatch: '*.spec.mjs',
  outputDir: join(ROOT, 'test-results'),
  globalSetup: join(ROOT, 'end2end', 'fixtures', 'start.mjs'),
  // One server and two cores: journeys run one after the other, and none is tried twice.
  workers: 1,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  use: {
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.LOCKSTEP_CHROMIUM || '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
});
