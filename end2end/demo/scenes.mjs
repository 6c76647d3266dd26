// What makes the demo worth looking at: everything is live first, then one application drifts, one fails, and one
// stays a commit behind. All of it happens by the means that people have: git push, kubectl, the API.
import { kubeRequest } from '../rig/rig.mjs';
import { until } from '../harness/server.mjs';
import { REPOSITORIES, tell } from './repositories.mjs';

const APPLICATIONS = 27;

/** Every target of the fleet page, folded rows included. */
export async function targets(api) {
  const fleet = await api.request('GET', 'fleet?all=true');
  return fleet.sections.flatMap((section) => section.rows).flatMap((row) => row.cells.flat());
}

const nameOf = (target) => target.target.application.name;
const named = (all, name) => all.find((target) => nameOf(target) === name);
const settled = (target) => target.sync === 'Synced' && target.health.status === 'Healthy';

function describe(all) {
  return all.map((target) => `${nameOf(target)}: ${target.sync}, ${target.health.status}${target.reason ? ` (${target.reason.cause})` : ''}`).join('\n  ');
}

/** Waits until the targets chosen by `choose` are as `check` says, and shows how many are still missing. */
async function wait(api, what, check, seconds = 240) {
  let last = [];
  try {
    await until(what, async () => {
      last = await targets(api);
      return check(last);
    }, { seconds, everyMs: 1000 });
  } catch (error) {
    throw new Error(`${error.message}\n  ${describe(last)}`);
  }
  console.log(what);
}

async function scaleAndRelabel(rig) {
  const cluster = rig.clusters.find(({ name }) => name === 'prod-eu');
  const path = '/apis/apps/v1/namespaces/search/deployments/search';
  const merge = { contentType: 'application/merge-patch+json' };
  await kubeRequest(cluster, 'PATCH', `${path}/scale?fieldManager=kubectl-scale`, { spec: { replicas: 5 } }, merge);
  await kubeRequest(cluster, 'PATCH', `${path}?fieldManager=kubectl-label`, { metadata: { labels: { 'on-call': 'deepak' } } }, merge);
  await kubeRequest(cluster, 'PATCH', `${path}?fieldManager=kubectl-label`, { metadata: { labels: { environment: 'prod-hotfix' } } }, merge);
}

/** Plays all scenes once. */
export async function playScenes({ rig, work, facts, api, gitBase }) {
  await wait(api, 'All applications are read from Git', (all) => all.length >= APPLICATIONS);
  const payments = named(await targets(api), 'payments-production');
  await wait(api, 'payments-production waits for a person', (all) => named(all, 'payments-production').sync === 'OutOfSync');
  await api.request('POST', `apps/${payments.target.application.id}/targets/${payments.target.id}/sync`, { prune: true });
  await wait(api, 'Everything is live', (all) => all.every(settled));
  for (const name of REPOSITORIES) tell(work, name, { late: true, start: new Date(facts.start), gitBase });
  await scaleAndRelabel(rig);
  for (const source of await api.request('GET', 'sources')) await api.request('POST', `sources/${source.id}/refresh`);
  await wait(api, 'search-production drifts', (all) => named(all, 'search-production').drifted > 0);
  await wait(api, 'payments-production is a commit behind', (all) => named(all, 'payments-production').sync === 'OutOfSync');
  await wait(api, 'recommendations-production fails', (all) => named(all, 'recommendations-production').health.status === 'Degraded');
}
