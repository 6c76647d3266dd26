// A real provider of OpenID Connect for a journey, with people whose groups the journey chooses. Its own login page takes any
// password.
import { randomBytes } from 'node:crypto';

/**
 * Serves on `port` as `http://localhost:PORT` for one client that comes from `origin`.
 * `people`: { name: { groups, verified } }; a person without `groups` has no such claim.
 */
export async function startProvider({ port, origin, name, people }) {
  const { Provider } = await import('oidc-provider');
  const issuer = `http://localhost:${port}`;
  const client = { id: 'lockstep', secret: randomBytes(24).toString('hex') };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [`${origin}/login/sso/${name}/callback`],
        post_logout_redirect_uris: [`${origin}/login`],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    cookies: { keys: [randomBytes(16).toString('hex')] },
    pkce: { required: () => true },
    async findAccount(_context, accountId) {
      const person = people[accountId];
      if (!person) return undefined;
      return {
        accountId,
        async claims() {
          const { groups, verified = true } = person;
          return { sub: accountId, name: accountId, email: `${accountId}@example.com`, email_verified: verified, ...(groups && { groups }) };
        },
      };
    },
  });
  const server = provider.listen(port, '127.0.0.1');
  await new Promise((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  return {
    issuer,
    client,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
