// Kubeconfig files with everything inline, so that one file can be copied anywhere on the machine. JSON is YAML.

/** `entries`: { name, server, ca (PEM), user, token }; the first becomes the current context. */
export function kubeconfig(entries) {
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': entries[0]?.name ?? '',
    clusters: entries.map(({ name, server, ca }) => ({
      name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
    })),
    users: entries.map(({ name, user, token }) => ({ name: `${user}@${name}`, user: { token } })),
    contexts: entries.map(({ name, user }) => ({ name, context: { cluster: name, user: `${user}@${name}` } })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
