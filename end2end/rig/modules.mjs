// What the rig builds: one entry per Go module under go/, in the order in which the parts are needed.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const RIG_FOLDER = dirname(fileURLToPath(import.meta.url));

// `rename`: program names Go derives from a package path that says nothing.
// `share`: files of a dependency which its program reads at run time, copied so that the cache stands on its own.
const DEFINITIONS = {
  renderers: {
    programs: ['helm', 'kustomize'],
    tags: [],
    linkerVariables: (versionOf) => ({
      'sigs.k8s.io/kustomize/api/provenance.version': versionOf('sigs.k8s.io/kustomize/kustomize/v5'),
      'helm.sh/helm/v4/internal/version.version': versionOf('helm.sh/helm/v4'),
    }),
    rename: {},
    share: [],
  },
  kubernetes: {
    programs: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl', 'kwok'],
    tags: [],
    linkerVariables: (versionOf) => {
      const version = versionOf('k8s.io/kubernetes');
      const [major, minor] = version.slice(1).split('.');
      return {
        'k8s.io/component-base/version.gitVersion': version,
        'k8s.io/component-base/version.gitMajor': major,
        'k8s.io/component-base/version.gitMinor': minor,
      };
    },
    rename: { server: 'etcd' },
    share: [{ module: 'sigs.k8s.io/kwok', from: 'kustomize/stage', to: 'stage' }],
  },
  gitea: {
    programs: ['gitea'],
    tags: ['sqlite', 'sqlite_unlock_notify'],
    linkerVariables: (versionOf) => ({ 'main.Version': versionOf('code.gitea.io/gitea').slice(1) }),
    rename: {},
    share: ['options', 'public', 'templates'].map((name) => ({ module: 'code.gitea.io/gitea', from: name, to: name })),
  },
};

export const MODULE_NAMES = Object.keys(DEFINITIONS);

export function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(process.env.LOCKSTEP_CACHE || join(base, 'lockstep'), 'rig');
}

/** Everything the builder needs to know about one module; `folder` is where its result is or will be. */
export function describeModule(name) {
  const definition = DEFINITIONS[name];
  if (!definition) throw new Error(`unknown module "${name}"; there are: ${MODULE_NAMES.join(', ')}`);
  const source = join(RIG_FOLDER, 'go', name);
  const goMod = readFileSync(join(source, 'go.mod'), 'utf8');
  const goSum = readFileSync(join(source, 'go.sum'), 'utf8');
  const hash = createHash('sha256').update(goMod).update(goSum).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${name}-${hash}`);
  const variables = definition.linkerVariables((path) => requiredVersion(goMod, path));
  const linkerFlags = ['-s', '-w', ...Object.entries(variables).map(([key, value]) => `-X ${key}=${value}`)].join(' ');
  return { ...definition, name, source, linkerFlags, folder, bin: join(folder, 'bin'), shared: join(folder, 'share') };
}

function requiredVersion(goMod, path) {
  const line = goMod.split('\n').map((text) => text.trim().replace(/^require /, '').split(/\s+/))
    .find(([first, second]) => first === path && /^v\d/.test(second ?? ''));
  if (!line) throw new Error(`go.mod requires no version of ${path}`);
  return line[1];
}
