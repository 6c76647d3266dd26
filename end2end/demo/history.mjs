// The demo repositories as a story: who changed what, when, and why. Every commit adds files from `content/`
// or changes text in files that earlier commits added; the dates lie in the weeks before the demo starts.

const ana = { name: 'Ana Oliveira', email: 'ana@example.com' };
const jon = { name: 'Jon Lindqvist', email: 'jon@example.com' };
const maria = { name: 'Maria Keller', email: 'maria@example.com' };
const deepak = { name: 'Deepak Rao', email: 'deepak@example.com' };
const sofie = { name: 'Sofie Brandt', email: 'sofie@example.com' };
const bot = { name: 'release-bot', email: 'release-bot@example.com' };

/** Replaces `from` by `to` once in `file`. */
const swap = (file, from, to) => ({ file, from, to });
/** Bumps the image tag of a service of the shop's base. */
const bump = (service, from, to) => swap(`base/${service}/deployment.yaml`, `/${service}:${from}`, `/${service}:${to}`);

/**
 * Hours before the start of the demo, author, subject, and either folders to add or texts to swap.
 * `late: true` marks commits that are pushed only after everything before them is live.
 */
export const history = {
  platform: [
    { hours: 980, by: ana, subject: 'Start the platform repository', add: ['README.md'] },
    { hours: 976, by: ana, subject: 'Namespaces, quotas and network policies of both clusters', add: ['clusters/'] },
    { hours: 930, by: jon, subject: 'Add the gateway chart', add: ['charts/'] },
    { hours: 926, by: jon, subject: 'Give the gateway 192Mi: it was killed under load', swap: [swap('charts/gateway/values.yaml', 'memory: 128Mi', 'memory: 192Mi')] },
    { hours: 800, by: ana, subject: 'Back up volumes by plan', body: 'A small kind of our own, so that teams can say what to keep and for how long.', add: ['crds/'] },
    { hours: 700, by: deepak, subject: 'Default limits and the support role', add: ['policies/'] },
    { hours: 610, by: jon, subject: 'Gateway 1.31.5', swap: [swap('charts/gateway/Chart.yaml', 'appVersion: 1.31.4', 'appVersion: 1.31.5')] },
    { hours: 480, by: deepak, subject: 'Let support see the events of the shop', swap: [swap('policies/viewers.yaml', '[pods, services, configmaps]', '[pods, services, configmaps, events]')] },
    { hours: 300, by: ana, subject: 'Keep backups of orders for 60 days', swap: [swap('crds/plans.yaml', 'keep: 30', 'keep: 60')] },
    { hours: 190, by: jon, subject: 'Gateway chart 0.6.1 with a third replica in production', swap: [swap('charts/gateway/Chart.yaml', 'version: 0.6.0', 'version: 0.6.1'), swap('charts/gateway/values-production.yaml', 'replicas: 2', 'replicas: 3')] },
    { hours: 70, by: ana, subject: 'Raise the quota of search in production', swap: [swap('clusters/production/quotas.yaml', 'requests.cpu: "4"', 'requests.cpu: "6"')] },
  ],
  shop: [
    { hours: 960, by: maria, subject: 'Start the shop repository', add: ['README.md'] },
    { hours: 955, by: maria, subject: 'The ten services of the shop', add: ['base/'] },
    { hours: 954, by: maria, subject: 'Overlays for staging and production', add: ['overlays/'] },
    { hours: 900, by: sofie, subject: 'Search, recommendations and payments are released by their teams', add: ['services/'] },
    { hours: 870, by: sofie, subject: 'Loyalty points: migrated before, checked after', body: 'The database is migrated by a hook, the workers follow the service in a wave of their own.', add: ['loyalty/'] },
    { hours: 852, by: bot, subject: 'catalog 2.4.2', swap: [bump('catalog', '2.4.1', '2.4.2')] },
    { hours: 820, by: deepak, subject: 'Three frontends in the base', swap: [swap('base/frontend/deployment.yaml', 'replicas: 2', 'replicas: 3')] },
    { hours: 760, by: bot, subject: 'cart 1.8.1', swap: [bump('cart', '1.8.0', '1.8.1')] },
    { hours: 690, by: sofie, subject: 'Longer sessions for carts', swap: [swap('base/cart/deployment.yaml', 'value: "30m"', 'value: "2h"')] },
    { hours: 640, by: bot, subject: 'checkout 2.9.1', swap: [bump('checkout', '2.9.0', '2.9.1')] },
    { hours: 560, by: maria, subject: 'Four checkouts in production before the sale', swap: [swap('overlays/production/kustomization.yaml', '  - name: checkout\n    count: 3', '  - name: checkout\n    count: 4')] },
    { hours: 420, by: maria, subject: 'Back to three checkouts after the sale', swap: [swap('overlays/production/kustomization.yaml', '  - name: checkout\n    count: 4', '  - name: checkout\n    count: 3')] },
    { hours: 380, by: bot, subject: 'frontend 3.2.0', swap: [bump('frontend', '3.1.0', '3.2.0')] },
    { hours: 340, by: deepak, subject: 'Reviews wait for a moderator', swap: [swap('base/reviews/deployment.yaml', 'value: "on"', 'value: "strict"')] },
    { hours: 260, by: sofie, subject: 'search 4.1.0', swap: [swap('services/search/staging/search.yaml', '/search:4.0.2', '/search:4.1.0'), swap('services/search/production/search.yaml', '/search:4.0.2', '/search:4.1.0')] },
    { hours: 210, by: bot, subject: 'orders 1.6.0', swap: [bump('orders', '1.5.2', '1.6.0')] },
    { hours: 150, by: maria, subject: 'Keep orders for two years', body: 'Asked for by the auditors.', swap: [swap('base/orders/deployment.yaml', 'value: "400"', 'value: "730"')] },
    { hours: 96, by: deepak, subject: 'Larger pages in the catalog', swap: [swap('base/catalog/deployment.yaml', 'value: "48"', 'value: "60"')] },
    { hours: 48, by: sofie, subject: 'payments 5.2.1', swap: [swap('services/payments/staging/payments.yaml', '/payments:5.2.0', '/payments:5.2.1'), swap('services/payments/production/payments.yaml', '/payments:5.2.0', '/payments:5.2.1')] },
    { hours: 20, by: maria, subject: 'Raise the connection pool of checkout to 40', swap: [swap('base/checkout/deployment.yaml', 'value: "20"', 'value: "40"')] },
    { hours: 3, by: sofie, late: true, subject: 'Wait longer for the bank in production', body: 'Their new gateway answers slowly in the evening.', swap: [swap('services/payments/production/payments.yaml', 'value: "10"', 'value: "25"')] },
    {
      hours: 1,
      by: deepak,
      late: true,
      subject: 'Try the new ranking model in production',
      swap: [
        swap('services/recommendations/production/recommendations.yaml', '/recommendations:0.9.3', '/recommendations:1.0.0'),
        swap(
          'services/recommendations/production/recommendations.yaml',
          '        app.kubernetes.io/name: recommendations\n    spec:',
          '        app.kubernetes.io/name: recommendations\n        rig.lockstep.dev/pod: crash-loop\n    spec:',
        ),
      ],
    },
  ],
  fleet: [
    { hours: 975, by: ana, subject: 'Start the fleet: the platform on both clusters', add: ['README.md', 'apps/projects.yaml', 'apps/platform-staging.yaml', 'apps/platform-production.yaml'] },
    { hours: 950, by: maria, subject: 'The shop on staging and production', add: ['apps/shop-staging.yaml', 'apps/shop-production.yaml'] },
    { hours: 928, by: jon, subject: 'The gateway on both clusters', add: ['apps/gateway-staging.yaml', 'apps/gateway-production.yaml'] },
    { hours: 898, by: sofie, subject: 'Search, recommendations and payments', add: ['apps/search-staging.yaml', 'apps/search-production.yaml', 'apps/recommendations-staging.yaml', 'apps/recommendations-production.yaml', 'apps/payments-staging.yaml', 'apps/payments-production.yaml'] },
    { hours: 868, by: sofie, subject: 'Loyalty points on staging', add: ['apps/loyalty-staging.yaml'] },
    { hours: 798, by: ana, subject: 'Backup plans in production', add: ['apps/backup-plans.yaml'] },
    { hours: 698, by: deepak, subject: 'Policies stay with Flux', add: ['flux/'] },
  ],
  observability: [
    { hours: 720, by: deepak, subject: 'Collectors on both clusters, by Flux', add: ['README.md', 'agents/', 'clusters/'] },
    { hours: 719, by: deepak, subject: 'Dashboards as a chart', add: ['charts/'] },
    { hours: 400, by: jon, subject: 'Sample a fifth of all traces', swap: [swap('agents/settings.yaml', 'sampling: "0.1"', 'sampling: "0.2"')] },
    { hours: 240, by: deepak, subject: 'Collector and gateway 0.9.1', swap: [swap('agents/collector.yaml', 'collector:0.9.0', 'collector:0.9.1'), swap('agents/gateway.yaml', 'gateway:0.9.0', 'gateway:0.9.1')] },
  ],
  edge: [
    { hours: 640, by: jon, subject: 'The cache and the purge service, by Fleet', add: ['README.md', 'gitrepo.yaml', 'cache/', 'cdn/'] },
    { hours: 330, by: jon, subject: 'Twice the cache', swap: [swap('cache/cache.yaml', 'size: 256Mi', 'size: 512Mi')] },
    { hours: 120, by: sofie, subject: 'Four caches in production', swap: [swap('cache/overlays/production/cache_patch.yaml', 'replicas: 3', 'replicas: 4')] },
  ],
  tools: [
    { hours: 500, by: maria, subject: 'The wiki on both clusters', add: ['README.md', 'apps/project.yaml', 'apps/wiki-staging.yaml', 'apps/wiki-production.yaml', 'charts/wiki/', 'values/'] },
    { hours: 310, by: jon, subject: 'Build runners on every cluster, by a set', add: ['apps/runners.yaml', 'charts/runners/'] },
    { hours: 60, by: maria, subject: 'Wiki 4.0.2', swap: [swap('charts/wiki/Chart.yaml', 'appVersion: 4.0.1', 'appVersion: 4.0.2')] },
  ],
};
