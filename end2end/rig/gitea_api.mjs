// Users, tokens, keys, repositories and webhooks on the rig's Git host, for tests and the demo.

/** `gitea`: as in rig.json. `as`: { user, password } or { token }; the administrator unless given. */
export async function giteaRequest(gitea, method, path, body, as = { token: gitea.adminToken }) {
  const authorization = as.token ? `token ${as.token}` : `Basic ${Buffer.from(`${as.user}:${as.password}`).toString('base64')}`;
  const response = await fetch(new URL(`api/v1/${path}`, gitea.url), {
    method,
    headers: { authorization, accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await response.text();
  if (!response.ok) throw Object.assign(new Error(`${method} ${path}: ${response.status} ${text}`), { status: response.status });
  return text ? JSON.parse(text) : null;
}

export async function createUser(gitea, user, password) {
  await giteaRequest(gitea, 'POST', 'admin/users', {
    username: user, password, email: `${user}@rig.invalid`, must_change_password: false,
  });
  return { user, password };
}

/** `scopes`: Gitea's names, such as "read:repository"; a token with "all" may do what its user may. */
export async function createToken(gitea, { user, password }, name, scopes = ['all']) {
  const { sha1 } = await giteaRequest(gitea, 'POST', `users/${user}/tokens`, { name, scopes }, { user, password });
  return sha1;
}

export function addSshKey(gitea, user, title, publicKey) {
  return giteaRequest(gitea, 'POST', `admin/users/${user}/keys`, { title, key: publicKey.trim() });
}

/** A key for one repository alone, read-only unless said otherwise. */
export function addDeployKey(gitea, owner, repository, title, publicKey, { readOnly = true } = {}) {
  return giteaRequest(gitea, 'POST', `repos/${owner}/${repository}/keys`, { title, key: publicKey.trim(), read_only: readOnly });
}

/** An empty repository unless `withReadme`; answers its addresses. */
export async function createRepository(gitea, owner, name, { isPrivate = true, withReadme = false } = {}) {
  await giteaRequest(gitea, 'POST', `admin/users/${owner}/repos`, { name, private: isPrivate, auto_init: withReadme, default_branch: 'main' });
  return repositoryAddresses(gitea, owner, name);
}

export function repositoryAddresses(gitea, owner, name) {
  const path = `${owner}/${name}.git`;
  return { owner, name, http: `${gitea.url}${path}`, ssh: `${gitea.sshUrl}${path}` };
}

/** The HTTP address with a user's secret in it, for `git clone` and `git push` in set-up code. */
export function addressWithSecret(address, user, passwordOrToken) {
  const url = new URL(address);
  url.username = user;
  url.password = passwordOrToken;
  return url.href;
}

export function deleteRepository(gitea, owner, name) {
  return giteaRequest(gitea, 'DELETE', `repos/${owner}/${name}`);
}

/** `events`: Gitea's names; the secret signs each delivery. Loopback addresses only. */
export function addWebhook(gitea, owner, repository, url, { secret = '', events = ['push'] } = {}) {
  return giteaRequest(gitea, 'POST', `repos/${owner}/${repository}/hooks`, {
    type: 'gitea', active: true, events, config: { url, content_type: 'json', secret },
  });
}

/** The environment with which `git` reaches the Git host by SSH with one key, and trusts only the rig's host key. */
export function sshEnvironment(gitea, privateKeyFile) {
  const options = ['-F', '/dev/null', '-i', privateKeyFile, '-o', 'IdentitiesOnly=yes', '-o', 'StrictHostKeyChecking=yes',
    '-o', `UserKnownHostsFile=${gitea.knownHosts}`];
  return { GIT_SSH_COMMAND: ['ssh', ...options].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ') };
}
