import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '../fixtures/journey.mjs';
import { PERSON, workload } from '../fixtures/world.mjs';
import { command } from '../harness/server.mjs';

const APP = 'cli-staging-eu';

/** The program as a person with a home of their own runs it: status, standard output and standard error. */
function cli(world, home) {
  const folder = join(world.folder, home);
  mkdirSync(folder, { recursive: true });
  const env = { HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), LOCKSTEP_SERVER: '', LOCKSTEP_TOKEN: '' };
  delete process.env.LOCKSTEP_SERVER;
  delete env.LOCKSTEP_SERVER;
  const run = (args, input = '') => command(world.program, args, { env, input });
  /** What a command that must succeed printed. */
  const must = (...args) => {
    const { status, stdout, stderr } = run(args);
    expect(status, `lockstep ${args.join(' ')}: ${stderr}${stdout}`).toBe(0);
    return stdout;
  };
  return { run, must, json: (...args) => JSON.parse(must(...args, '-o', 'json')), credentials: join(folder, 'config', 'lockstep', 'credentials.json') };
}

const logIn = (person, world, password) => person.run(['login', world.url, '--name', PERSON], `${password}\n`);

test('the program refuses a wrong password and asks to log in first', async ({ world }) => {
  const person = cli(world, 'cli-stranger');
  const unknown = person.run(['app', 'list', '--server', world.url]);
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toContain(`lockstep login ${world.url}`);
  const refused = logIn(person, world, 'not the password');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/name or password is wrong/i);
  expect(refused.stdout).toBe('');
  expect(() => statSync(person.credentials)).toThrow(/ENOENT/);
});

test('the program does a day of work: list, diff, sync, wait, history, commit, roll back', async ({ world }) => {
  const person = cli(world, 'cli-home');
  const loggedIn = logIn(person, world, world.password);
  expect(loggedIn.status, loggedIn.stderr).toBe(0);
  expect(statSync(person.credentials).mode & 0o777).toBe(0o600);
  const token = JSON.parse(readFileSync(person.credentials, 'utf8')).tokens[world.url];
  expect(token).toBeTruthy();
  expect(loggedIn.stdout + loggedIn.stderr).not.toContain(token);

  await world.targetThat(APP, 'waits', (target) => target.sync === 'OutOfSync');
  await test.step('list and get', async () => {
    const listed = person.json('app', 'list');
    expect(listed.map(({ target }) => target.application.name)).toContain(APP);
    expect(person.json('app', 'list', `app:${APP}`)).toHaveLength(1);
    expect(person.must('app', 'get', `journeys/${APP}`)).toMatch(/Sync +OutOfSync/i);
    expect(person.run(['app', 'get', 'nothing']).stderr).toContain('no application “nothing”');
  });
  await test.step('diff says 1 while something differs, sync --wait makes it 0', async () => {
    const different = person.run(['app', 'diff', APP]);
    expect(different.status, different.stderr).toBe(1);
    expect(different.stdout).toMatch(/^\+ apps\/Deployment:\S+\/cli /m);
    expect(person.run(['app', 'wait', APP, '--sync', '--timeout', '1']).status).toBe(3);
    expect(person.must('app', 'sync', APP, '--wait', '--timeout', '60')).toMatch(/^Succeeded at /);
    person.must('app', 'wait', APP, '--timeout', '60');
    const equal = person.run(['app', 'diff', APP]);
    expect([equal.status, equal.stdout, equal.stderr]).toEqual([0, expect.not.stringContaining('cli'), '']);
    expect(person.run(['app', 'diff', 'nothing']).status).toBe(2);
  });

  const before = person.json('app', 'get', APP).targets[0].deployed;
  const sha = world.apps.pull().write('cli/cli.yaml', workload('cli', { greeting: 'from the command line' })).commit('cli says more');
  await world.targetThat(APP, 'knows the commit', (target) => target.revision === sha && target.sync === 'OutOfSync');
  await test.step('a commit is waiting, then live', async () => {
    expect(person.json('commit', sha).targets.map(({ state }) => state)).toEqual(['Waiting']);
    const { stdout } = person.run(['app', 'diff', APP]);
    expect(stdout).toContain('data.greeting: "hello" → "from the command line"');
    person.must('app', 'sync', APP, '--wait', '--timeout', '60');
    person.must('app', 'wait', APP, '--timeout', '60');
    expect(person.must('commit', sha.slice(0, 10))).toMatch(new RegExp(`cli says more[^]*${APP} +staging-eu +live`));
    const history = person.must('app', 'history', APP).split('\n').filter((line) => line.includes('Succeeded'));
    expect(history).toHaveLength(2);
    expect(history[0]).toContain(sha.slice(0, 7));
    expect(history[0]).toContain(PERSON);
  });
  await test.step('preview says 0 where a branch can be merged, 1 where something stands against it', async () => {
    const { entries } = await world.api('GET', 'activity?kind=commit');
    const { repo } = entries.map((entry) => entry.Commit).find((entry) => entry?.commit.revision === sha);
    world.apps.propose('cli-louder', 'cli/cli.yaml', workload('cli', { greeting: 'LOUD' }));
    const fine = person.run(['preview', 'cli-louder', '--repo', repo]);
    expect([fine.status, fine.stderr]).toEqual([0, '']);
    expect(fine.stdout).toContain(APP);
    world.apps.propose('cli-broken', 'cli/cli.yaml', 'kind: [');
    const broken = person.run(['preview', 'cli-broken', '--repo', repo]);
    expect([broken.status, broken.stdout]).toEqual([1, expect.stringContaining('cli/cli.yaml')]);
    const unknown = person.run(['preview', 'cli-nowhere', '--repo', repo]);
    expect([unknown.status, unknown.stderr]).toEqual([expect.any(Number), expect.stringContaining('cli-nowhere')]);
    expect(unknown.status).not.toBe(0);
  });
  await test.step('rollback asks first, then commits', async () => {
    const asked = person.run(['app', 'rollback', APP, before, '--reason', 'it said too much'], 'no\n');
    expect([asked.status, asked.stderr]).toEqual([1, expect.stringContaining('nothing was changed')]);
    expect(person.must('app', 'rollback', APP, before, '--reason', 'it said too much', '--yes')).toContain('committed as');
    const head = world.apps.pull().head();
    expect(head).not.toBe(sha);
    await world.targetThat(APP, 'knows the commit', (target) => target.revision === head);
    person.must('app', 'sync', APP, '--wait', '--timeout', '60');
    expect(world.kubectl('staging-eu', 'get', 'configmap', 'cli', '-n', world.namespace('cli'), '-o', 'jsonpath={.data.greeting}')).toBe('hello');
    expect(person.run(['app', 'diff', APP]).status).toBe(0);
  });
});
