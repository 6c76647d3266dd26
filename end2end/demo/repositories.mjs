// Turns the story of `history.mjs` into real repositories and pushes them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { history } from './history.mjs';

const CONTENT = fileURLToPath(new URL('content/', import.meta.url));

/** The names of all demo repositories. */
export const REPOSITORIES = Object.keys(history);

/** Runs git in `folder` without the user's own configuration. */
export function git(folder, args, environment = {}) {
  return execFileSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', ...environment },
  }).trim();
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Where the clone of one repository is worked on. */
export function cloneFolder(work, name) {
  return join(work, name);
}

/** Makes an empty clone of one repository, tied to its address on the Git host. */
export function initialise(work, name, address) {
  const folder = cloneFolder(work, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  git(folder, ['init', '--quiet', '--initial-branch=main']);
  git(folder, ['remote', 'add', 'origin', address]);
}

/**
 * Writes the commits of one part of the story (`late` or not) and pushes them. `start` is the moment to which the
 * story's hours refer; `gitBase` is the address below which the repositories are, for the definitions that name them.
 */
export function tell(work, name, { late, start, gitBase }) {
  const folder = cloneFolder(work, name);
  const known = filesBelow(join(CONTENT, name));
  const commits = history[name].filter((commit) => Boolean(commit.late) === late);
  for (const commit of commits) {
    for (const added of commit.add ?? []) {
      for (const file of known.filter((file) => file === added || (added.endsWith('/') && file.startsWith(added)))) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        const text = readFileSync(join(CONTENT, name, file), 'utf8').replaceAll('http://GIT_HOST/acme', gitBase);
        writeFileSync(join(folder, file), text);
      }
    }
    for (const { file, from, to } of commit.swap ?? []) {
      const text = readFileSync(join(folder, file), 'utf8');
      if (!text.includes(from)) throw new Error(`${name}/${file} does not hold ${JSON.stringify(from)}, which “${commit.subject}” changes`);
      writeFileSync(join(folder, file), text.replace(from, to));
    }
    commitAll(folder, commit, new Date(start.getTime() - commit.hours * 3_600_000));
  }
  if (commits.length) push(folder);
  return commits.length;
}

/** Commits everything in the clone as `by` at the given moment. */
export function commitAll(folder, { by, subject, body = '' }, at = new Date()) {
  const date = at.toISOString();
  git(folder, ['add', '--all']);
  git(folder, ['-c', 'commit.gpgsign=false', 'commit', '--quiet', '-m', body ? `${subject}\n\n${body}` : subject], {
    GIT_AUTHOR_NAME: by.name,
    GIT_AUTHOR_EMAIL: by.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: by.name,
    GIT_COMMITTER_EMAIL: by.email,
    GIT_COMMITTER_DATE: date,
  });
}

/** Pushes the branch that the clusters follow. */
export function push(folder) {
  git(folder, ['push', '--quiet', 'origin', 'main']);
}

/** Whether the clones of an earlier start are still there. */
export function alreadyTold(work) {
  return REPOSITORIES.every((name) => existsSync(join(cloneFolder(work, name), '.git')));
}
