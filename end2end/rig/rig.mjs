#!/usr/bin/env node
// The rig's command line, and the one module that tests and the demo import.
import { realpathSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { programFolders, readDescription } from './description.mjs';
import { build, down, up } from './lifecycle.mjs';
import { MODULE_NAMES } from './modules.mjs';
import { Progress, duration } from './progress.mjs';
import { stateFolder } from './state.mjs';
import { statusTable } from './status.mjs';

export { stateFolder } from './state.mjs';
export { readDescription } from './description.mjs';
export { statusRows } from './status.mjs';
export { kubeRequest } from './kube_api.mjs';
export { appendPodLog } from './pod_log.mjs';
export * from './lifecycle.mjs';
export * from './gitea_api.mjs';

const USAGE = `Real clusters and a real Git host on this machine, without containers.

  node end2end/rig/rig.mjs COMMAND [--state DIR]

  build [MODULE…]            build the programs into the cache (${MODULE_NAMES.join(', ')})
  up [--clusters N]          start what does not run yet; two clusters at first, then as many as before
     [--no-gitea] [--durable]  without the Git host; with etcd waiting for the disk (for benchmarks)
  down                       end what up started; data stays
  status                     what runs, where, and how much memory it takes
  kubeconfig [--observer]    print the path of the merged kubeconfig (with read-only users)
  path                       print the folders of the programs, for PATH

The state folder is --state, else LOCKSTEP_RIG_STATE, else .rig in the checkout.`;

const OPTIONS = {
  state: { type: 'string' },
  clusters: { type: 'string' },
  'no-gitea': { type: 'boolean', default: false },
  durable: { type: 'boolean' },
  observer: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

class UsageError extends Error {}

function parsed(argv) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function clusterCount(text) {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text) || Number(text) > 20) throw new UsageError('--clusters takes a number from 0 to 20');
  return Number(text);
}

async function upCommand(state, values, progress) {
  const since = Date.now();
  const rig = await up({ state, clusters: clusterCount(values.clusters), gitea: !values['no-gitea'], durable: values.durable, progress });
  progress.note(`The rig is up after ${duration(Date.now() - since)}.\n`);
  console.log(rig.clusters.map(({ name, server }) => `${name.padEnd(12)}${server}`).join('\n'));
  if (rig.gitea) console.log(`${'Gitea'.padEnd(12)}${rig.gitea.url}   user ${rig.gitea.adminUser}, password ${rig.gitea.adminPassword}`);
  console.log(`\nexport KUBECONFIG=${rig.kubeconfig}\nexport PATH="${rig.path}${delimiter}$PATH"`);
}

async function main(argv) {
  const { values, positionals: [command, ...rest] } = parsed(argv);
  const state = stateFolder(values.state);
  const progress = new Progress();
  if (values.help || !command) return console.log(USAGE);
  if (command !== 'build' && rest.length) throw new UsageError(`"${command}" takes no further words`);
  switch (command) {
    case 'build': return void await build({ names: rest.length ? rest : undefined, progress });
    case 'up': return upCommand(state, values, progress);
    case 'down': return void await down({ state, progress });
    case 'status': return console.log(statusTable(state));
    case 'kubeconfig': return console.log(readDescription(state)[values.observer ? 'observerKubeconfig' : 'kubeconfig']);
    case 'path': return console.log(programFolders().join(delimiter));
    default: throw new UsageError(`there is no command "${command}"`);
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : `\n${error.message}`);
    if (process.env.LOCKSTEP_RIG_DEBUG) console.error(error.stack);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  });
}
