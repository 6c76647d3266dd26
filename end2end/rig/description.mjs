// rig.json and the merged kubeconfigs: composed anew from the records whenever something starts or stops. A cluster is
// in them while any part of it runs, so that one whose API server was taken away is still described.
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isBuilt } from './build.mjs';
import { clusterDescription } from './cluster.mjs';
import { giteaDescription } from './gitea.mjs';
import { kubeconfig } from './kubeconfig.mjs';
import { describeModule } from './modules.mjs';
import { clusterRecords, giteaRecord, readJson, withLock, writeJson, writePrivate } from './state.mjs';

export function rigFile(state) {
  return join(state, 'rig.json');
}

/** The folders with helm, kustomize, kubectl and the rest, for PATH; only modules that are built. */
export function programFolders() {
  return ['renderers', 'kubernetes', 'gitea'].map(describeModule).filter(isBuilt).map((module) => module.bin);
}

export function programPaths() {
  const renderers = describeModule('renderers').bin;
  return { helm: join(renderers, 'helm'), kustomize: join(renderers, 'kustomize'), kubectl: join(describeModule('kubernetes').bin, 'kubectl') };
}

export function writeDescription(state) {
  return withLock(state, async () => {
    const clusters = clusterRecords(state).map((record) => clusterDescription(state, record))
      .filter(({ caFile, pids }) => existsSync(caFile) && Object.values(pids).some(Boolean));
    const gitea = giteaRecord(state);
    const giteaNow = gitea?.adminToken ? giteaDescription(state, gitea) : null;
    const rig = {
      version: 1,
      state,
      path: programFolders().join(delimiter),
      programs: programPaths(),
      kubeconfig: join(state, 'kubeconfig'),
      observerKubeconfig: join(state, 'kubeconfig-observer'),
      clusters,
      gitea: giteaNow?.pid ? giteaNow : null,
    };
    writePrivate(rig.kubeconfig, merged(clusters, 'admin', 'adminToken'));
    writePrivate(rig.observerKubeconfig, merged(clusters, 'observer', 'observerToken'));
    writeJson(rigFile(state), rig);
    return rig;
  });
}

function merged(clusters, user, tokenKey) {
  return kubeconfig(clusters.map((cluster) => ({
    name: cluster.name, server: cluster.server, ca: readFileSync(cluster.caFile), user, token: cluster[tokenKey],
  })));
}

/** rig.json as the last start or stop left it. */
export function readDescription(state) {
  const rig = readJson(rigFile(state));
  if (!rig) throw new Error(`there is no rig in ${state}; to do: run "node end2end/rig/rig.mjs up"`);
  return rig;
}
