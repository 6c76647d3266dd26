// Gitea's app.ini: loopback only, SQLite, its own SSH server, and nothing that calls out of the machine.
import { LOOPBACK } from './ports.mjs';

export function giteaUrl(record) {
  return `http://${LOOPBACK}:${record.ports.http}/`;
}

/** `paths`: { folder, data, database, hostKey }; `staticRoot`: the folder with options, public and templates. */
export function giteaSettings(record, paths, staticRoot) {
  return render({
    '': {
      APP_NAME: 'Rig Git host',
      RUN_MODE: 'prod',
      WORK_PATH: paths.folder,
      // Only a rig: it listens on loopback and its data can be thrown away.
      I_AM_BEING_UNSAFE_RUNNING_AS_ROOT: true,
    },
    server: {
      PROTOCOL: 'http',
      HTTP_ADDR: LOOPBACK,
      HTTP_PORT: record.ports.http,
      DOMAIN: LOOPBACK,
      ROOT_URL: giteaUrl(record),
      STATIC_ROOT_PATH: staticRoot,
      APP_DATA_PATH: paths.data,
      OFFLINE_MODE: true,
      START_SSH_SERVER: true,
      BUILTIN_SSH_SERVER_USER: 'git',
      SSH_DOMAIN: LOOPBACK,
      SSH_LISTEN_HOST: LOOPBACK,
      SSH_LISTEN_PORT: record.ports.ssh,
      SSH_PORT: record.ports.ssh,
      SSH_SERVER_HOST_KEYS: paths.hostKey,
      LFS_START_SERVER: false,
    },
    database: { DB_TYPE: 'sqlite3', PATH: paths.database, SQLITE_JOURNAL_MODE: 'WAL' },
    security: {
      INSTALL_LOCK: true,
      SECRET_KEY: record.secrets.key,
      INTERNAL_TOKEN: record.secrets.internal,
      PASSWORD_HASH_ALGO: 'pbkdf2_v1',
    },
    oauth2: { JWT_SECRET: record.secrets.jwt },
    service: { DISABLE_REGISTRATION: true, ENABLE_NOTIFY_MAIL: false },
    openid: { ENABLE_OPENID_SIGNIN: false, ENABLE_OPENID_SIGNUP: false },
    mailer: { ENABLED: false },
    picture: { DISABLE_GRAVATAR: true },
    webhook: { ALLOWED_HOST_LIST: 'loopback', DELIVER_TIMEOUT: 5 },
    migrations: { ALLOW_LOCALNETWORKS: true },
    actions: { ENABLED: false },
    federation: { ENABLED: false },
    indexer: { ISSUE_INDEXER_TYPE: 'db', REPO_INDEXER_ENABLED: false },
    repository: { ROOT: `${paths.data}/repositories`, DEFAULT_BRANCH: 'main' },
    log: { MODE: 'console', LEVEL: 'Warn' },
    'cron.update_checker': { ENABLED: false },
    'cron.update_mirrors': { ENABLED: false },
    'cron.sync_external_users': { ENABLED: false },
  });
}

function render(sections) {
  const lines = [];
  for (const [name, entries] of Object.entries(sections)) {
    if (name) lines.push('', `[${name}]`);
    for (const [key, value] of Object.entries(entries)) lines.push(`${key} = ${value}`);
  }
  return `${lines.join('\n')}\n`;
}
