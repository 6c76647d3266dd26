// What has to be installed before anything can be built or started, and how to get it.
import { spawnSync } from 'node:child_process';

const SYSTEM_PACKAGES = 'with the system\'s package manager';

const CHECKS = {
  node: { what: 'Node', least: [20, 0, 0], command: [process.execPath, '--version'], how: 'install Node 20 or newer from the Node project\'s download page, or with a version manager such as fnm or nvm' },
  go: { what: 'Go', least: [1, 26, 3], command: ['go', 'env', 'GOVERSION'], how: 'install it from the Go project\'s download page and put its bin folder on the PATH' },
  git: { what: 'Git', least: [2, 30, 0], command: ['git', '--version'], how: `install "git" ${SYSTEM_PACKAGES}` },
  ssh: { what: 'the OpenSSH client', command: ['ssh', '-V'], how: `install "openssh-client" (elsewhere: "openssh") ${SYSTEM_PACKAGES}` },
  sshKeygen: { what: 'ssh-keygen', command: ['which', 'ssh-keygen'], how: `it comes with the OpenSSH client; install "openssh-client" (elsewhere: "openssh") ${SYSTEM_PACKAGES}` },
  cc: { what: 'a C compiler (Gitea\'s SQLite driver is written in C)', command: ['cc', '--version'], how: `install "gcc" and "libc6-dev" ${SYSTEM_PACKAGES} (macOS: xcode-select --install), or leave Gitea out with --no-gitea` },
};

/** Which checks apply: building needs the compilers, running needs only the clients. */
export function requirements({ builds, gitea }) {
  const names = ['node'];
  if (builds) names.push('go');
  if (gitea) names.push('git', 'ssh', 'sshKeygen');
  if (builds && gitea) names.push('cc');
  return names;
}

export class MissingPrerequisites extends Error {}

export function requirePrerequisites(names) {
  const problems = names.map((name) => problemOf(CHECKS[name])).filter(Boolean);
  if (problems.length === 0) return;
  const lines = problems.map(({ found, how }) => `  - ${found}\n    To do: ${how}.`);
  throw new MissingPrerequisites(`The rig cannot start; this is missing:\n${lines.join('\n')}`);
}

function problemOf({ what, least, command: [program, ...args], how }) {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.error || result.status !== 0) return { found: `${least ? `${what} ${least.join(".")} or newer` : what}: not found`, how };
  if (!least) return null;
  const version = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(result.stdout)?.slice(1).map((part) => Number(part ?? 0));
  if (version && !isOlder(version, least)) return null;
  return { found: `${what} ${least.join('.')} or newer: found "${result.stdout.trim()}"`, how };
}

function isOlder(version, least) {
  const index = least.findIndex((part, position) => version[position] !== part);
  return index >= 0 && version[index] < least[index];
}
