//! Health that definitions decide, and the order of applications by their health, against a real API server: expressions
//! as Flux has them, scripts as Argo CD has them, objects of others, and `dependsOn`.

use crate::AUTOMATED;
use crate::world::{WITHIN, World};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy, SyncPhase};
use server::store;
use server::store::target::TargetRow;
use std::time::Instant;

impl World {
    /// A group of custom resources that no other test knows.
    fn group(&self) -> String {
        format!("{}.example.org", self.namespace())
    }

    /// The kind of the group, and one object of it.
    fn widget(&self, folder: &str) {
        let group = self.group();
        self.repository.write(
            &format!("{folder}/kind.yaml"),
            &format!("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Widget, plural: widgets, singular: widget}}\n  versions:\n  - {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}\n"),
        );
        self.repository.write(
            &format!("{folder}/widget.yaml"),
            &format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: mill}}\nspec: {{blades: 4}}\n"),
        );
    }

    /// What a controller would write.
    fn widget_is(&self, status: &str) {
        let patch = format!("{{\"status\": {status}}}");
        let kind = format!("widgets.{}", self.group());
        self.kubectl(&["patch", &kind, "mill", "--type", "merge", "--patch", &patch]);
    }

    pub(crate) fn flux(&self, name: &str, spec: &str) {
        self.flux_labelled(name, "", spec);
    }

    /// A Kustomization of the folder with its name.
    fn flux_labelled(&self, name: &str, labels: &str, spec: &str) {
        self.repository.write(
            &format!("apps/{name}.yaml"),
            &format!("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system, labels: {{{labels}}}}}\nspec:\n  interval: 1m\n  path: ./{name}\n  prune: true\n  targetNamespace: {}\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n{spec}", self.namespace()),
        );
    }

    pub(crate) fn config_in(&self, folder: &str, text: &str) {
        self.repository.write(
            &format!("{folder}/config.yaml"),
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {folder}}}\ndata: {{text: {text}}}\n"),
        );
    }

    async fn row_of(&self, name: &str) -> Option<TargetRow> {
        let applications = store::application::list(self.store(), false)
            .await
            .expect("the applications");
        let application = applications.iter().find(|row| row.name == name)?.id;
        store::target::of_application(self.store(), application)
            .await
            .expect("the targets")
            .pop()
    }

    /// Waits for a state of the application with this name.
    pub(crate) async fn until_of(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&TargetRow) -> bool,
    ) -> TargetRow {
        let deadline = Instant::now() + WITHIN;
        loop {
            let row = self.row_of(name).await;
            if let Some(row) = row.as_ref().filter(|row| holds(row)) {
                return row.clone();
            }
            assert!(
                Instant::now() < deadline,
                "{name} is not {what} within {WITHIN:?}: {:#?}",
                row.map(|row| row.state)
            );
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    async fn until_health(&self, name: &str, status: HealthStatus, said: &str) -> TargetRow {
        let what = format!("{} “{said}”", status.word());
        self.until_of(name, &what, |row| {
            row.state.health.status == status && row.state.health.message.contains(said)
        })
        .await
    }

    async fn until_waiting(&self, name: &str, said: &str) -> TargetRow {
        self.until_of(name, &format!("waiting “{said}”"), |row| {
            row.state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::WaitingForDependency && reason.cause.contains(said)
            })
        })
        .await
    }

    pub(crate) async fn until_good(&self, name: &str) -> TargetRow {
        self.until_of(name, "synced and healthy", |row| {
            row.state.sync == SyncStatus::Synced
                && row.state.health.status == HealthStatus::Healthy
                && row.state.reason.is_none()
        })
        .await
    }

    fn is_there(&self, config: &str) -> bool {
        let found = self.kubectl(&[
            "get",
            "configmap",
            config,
            "--ignore-not-found",
            "-o",
            "name",
        ]);
        !found.is_empty()
    }

    async fn end_with_kind(self) {
        let kind = format!("widgets.{}", self.group());
        self.kubectl_bare(&["delete", "crd", &kind, "--wait=false"]);
        self.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_of_a_definition_decide_on_its_custom_resources() {
    let world = World::start("expressions", Mode::Managed, AUTOMATED).await;
    world.repository.remove("apps/shop.yaml");
    world.widget("mills");
    world.config_in("plain", "one");
    let exprs = |current: &str| {
        format!(
            "  healthCheckExprs:\n  - apiVersion: {}/v1\n    kind: Widget\n    current: {current}\n    failed: status.phase == 'Stuck'\n",
            world.group()
        )
    };
    world.flux(
        "mills",
        &exprs("status.phase == 'Turning' && status.blades == spec.blades"),
    );
    world.flux("plain", "");
    world.push("one");
    let waiting = world
        .until_health(
            "mills",
            HealthStatus::Progressing,
            "“status”, which its expression “failed” reads, is not there yet",
        )
        .await;
    assert!(
        waiting.state.health.message.starts_with("Widget mill: "),
        "{:?}",
        waiting.state.health
    );
    world.widget_is("{\"phase\": \"Stuck\", \"conditions\": [{\"type\": \"Wind\", \"status\": \"False\", \"message\": \"no wind\"}]}");
    let stuck = world
        .until_health("mills", HealthStatus::Degraded, "Widget mill: no wind")
        .await;
    assert_eq!(stuck.state.sync, SyncStatus::Synced);
    let reason = stuck.state.reason.expect("a reason");
    assert_eq!(reason.code, ReasonCode::Degraded);
    world.widget_is("{\"phase\": \"Turning\", \"blades\": 3}");
    world
        .until_health("mills", HealthStatus::Progressing, "no wind")
        .await;
    world.widget_is("{\"phase\": \"Turning\", \"blades\": 4}");
    let good = world.until_good("mills").await;
    assert!(good.deployed.is_some());

    // What cannot be evaluated is Unknown, with its place; what stands beside it is not concerned.
    world.flux("mills", &exprs("status.phase + 1"));
    world.push("two");
    let wrong = world
        .until_health(
            "mills",
            HealthStatus::Unknown,
            "healthCheckExprs[0] (apps/mills.yaml:",
        )
        .await;
    assert!(
        wrong
            .state
            .health
            .message
            .contains("“current” cannot be evaluated"),
        "{:?}",
        wrong.state.health
    );
    // The good one goes on.
    world.config_in("plain", "two");
    world.push("three");
    let text = ["get", "configmap", "plain", "-o", "jsonpath={.data.text}"];
    world
        .until_kubectl("the next commit beside it", &text, "two")
        .await;
    world.until_good("plain").await;
    world.end_with_kind().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_22_an_endless_expression_or_script_is_named_and_stops_nobody() {
    let world = World::start("endless-check", Mode::Managed, AUTOMATED).await;
    let group = world.group();
    world.widget("mills");
    world.widget("manifests");
    world.repository.write(
        "manifests/widget.yaml",
        &format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: other}}\n"),
    );
    world.repository.remove("manifests/kind.yaml");
    let list = (0..400)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    world.repository.write(
        "mills/widget.yaml",
        &format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: mill}}\nspec: {{list: [{list}]}}\n"),
    );
    world.flux("mills", &format!(
        "  healthCheckExprs:\n  - apiVersion: {group}/v1\n    kind: Widget\n    current: spec.list.all(a, spec.list.all(b, spec.list.all(c, spec.list.all(d, a + b + c + d >= 0))))\n"
    ));
    world.repository.write(
        "apps/argocd-cm.yaml",
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-cm, namespace: argocd}}\ndata:\n  resource.customizations.health.{group}_Widget: |\n    while true do pcall(function() while true do end end) end\n"),
    );
    world.config_in("plain", "one");
    world.flux(
        "plain",
        "  healthCheckExprs:\n  - {apiVersion: v1, kind: ConfigMap, current: 'data.text in [\"one\", \"two\"]'}\n",
    );
    world.push("one");
    world
        .until_health(
            "mills",
            HealthStatus::Unknown,
            "healthCheckExprs[0] (apps/mills.yaml:",
        )
        .await;
    let script = world
        .until_health(
            "shop",
            HealthStatus::Unknown,
            "was stopped: it did not come to an end within 2 s",
        )
        .await;
    assert!(
        script
            .state
            .health
            .message
            .contains("the health script of Widget (apps/argocd-cm.yaml:"),
        "{:?}",
        script.state.health
    );
    world.until_good("plain").await;
    world.config_in("plain", "two");
    world.push("two");
    world
        .until_of("plain", "at the second commit", |row| {
            row.deployed == row.state.revision && row.state.sync == SyncStatus::Synced
        })
        .await;
    world.end_with_kind().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_of_argo_cd_are_read_from_git_and_decide() {
    let world = World::start("scripts", Mode::Managed, AUTOMATED).await;
    world.widget("manifests");
    let customize = |body: &str| {
        let body = body.replace('\n', "\n    ");
        world.repository.write(
            "apps/argocd-cm.yaml",
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-cm, namespace: argocd}}\ndata:\n  resource.customizations.health.{}_Widget: |\n    {body}\n", world.group()),
        );
    };
    customize(
        "local found = {}
if obj.status == nil or obj.status.parts == nil then
  found.status = 'Progressing'
  found.message = 'no parts yet'
  return found
end
for _, part in ipairs(obj.status.parts) do
  for _, word in ipairs({'broken', 'lost'}) do
    if string.find(part.state, word) then
      return {status = 'Degraded', message = part.name .. ' is ' .. word}
    end
  end
end
return {status = 'Healthy'}",
    );
    world.repository.write(
        "manifests/after.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, annotations: {argocd.argoproj.io/sync-wave: '1'}}\n",
    );
    world.push("one");
    world
        .until("waiting for the wave", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::WaitingForWave && reason.cause.contains("no parts yet")
            })
        })
        .await;
    assert!(!world.is_there("after"));
    world.widget_is("{\"parts\": [{\"name\": \"stone\", \"state\": \"ok\"}]}");
    world.until_good("shop").await;
    assert!(world.is_there("after"));
    world.widget_is("{\"parts\": [{\"name\": \"stone\", \"state\": \"ok\"}, {\"name\": \"wheel\", \"state\": \"it is broken\"}]}");
    world
        .until_health(
            "shop",
            HealthStatus::Degraded,
            "Widget mill: wheel is broken",
        )
        .await;
    world.widget_is("{\"parts\": []}");
    world.until_good("shop").await;
    // Another script is taken over with its commit, a broken one too.
    customize("return {status = obj.status.nothing.at.all}");
    world.push("two");
    world
        .until_health(
            "shop",
            HealthStatus::Unknown,
            "the health script of Widget (apps/argocd-cm.yaml:",
        )
        .await;
    world.repository.remove("apps/argocd-cm.yaml");
    // One that goes elsewhere than to where Argo CD is has no say.
    world.repository.write(
        "manifests/cm.yaml",
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-cm}}\ndata:\n  resource.customizations.health.{}_Widget: return {{status = 'Degraded'}}\n", world.group()),
    );
    world.push("three");
    world.until_good("shop").await;
    assert!(world.is_there("argocd-cm"));
    world.repository.remove("manifests/cm.yaml");
    // Argo CD's own settings often come out of a kustomization that another application deploys.
    world.repository.write(
        "apps/argocd.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: argocd, namespace: {2}}}\nspec:\n  project: default\n  source: {{repoURL: '{0}', path: settings, targetRevision: main}}\n  destination: {{name: {1}, namespace: {2}}}\n  syncPolicy: {{automated: {{}}}}\n",
            world.repository.url(), world.cluster(), world.namespace()
        ),
    );
    world.repository.write(
        "settings/kustomization.yaml",
        &format!("configMapGenerator:\n- name: argocd-cm\n  options: {{disableNameSuffixHash: true}}\n  files: ['resource.customizations.health.{}_Widget=widget.lua']\n", world.group()),
    );
    world.repository.write(
        "settings/widget.lua",
        "return {status = 'Suspended', message = 'by the rendered script'}\n",
    );
    world.push("four");
    world
        .until_health(
            "shop",
            HealthStatus::Suspended,
            "Widget mill: by the rendered script",
        )
        .await;
    world.end_with_kind().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_definition_waits_for_may_belong_to_others() {
    let world = World::start("checks", Mode::Managed, AUTOMATED).await;
    world.repository.remove("apps/shop.yaml");
    world.config_in("plain", "one");
    world.flux("plain", &format!(
        "  healthChecks:\n  - {{apiVersion: v1, kind: PersistentVolumeClaim, name: disk, namespace: {}}}\n",
        world.namespace()
    ));
    world.push("one");
    world
        .until_health(
            "plain",
            HealthStatus::Missing,
            "PersistentVolumeClaim disk is not in the cluster",
        )
        .await;
    let claim = format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: disk, namespace: {}}}\nspec: {{accessModes: [ReadWriteOnce], storageClassName: none, resources: {{requests: {{storage: 1Gi}}}}}}\n",
        world.namespace()
    );
    let file = world.repository.path().join("claim.yaml");
    std::fs::write(&file, claim).expect("a file");
    world.kubectl(&["apply", "--filename", &file.display().to_string()]);
    std::fs::remove_file(&file).expect("the file");
    let row = world
        .until_health(
            "plain",
            HealthStatus::Progressing,
            "PersistentVolumeClaim disk: waiting for a volume",
        )
        .await;
    // It is waited for, and it is no part of the application.
    assert_eq!((row.state.sync, row.state.objects), (SyncStatus::Synced, 1));
    world.end().await;
}

fn web(namespace_label: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web{namespace_label}}}}}\n    spec: {{containers: [{{name: web, image: registry.example.org/team/web:1.0}}]}}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_waits_for_what_it_depends_on() {
    let world = World::start("depends", Mode::Managed, AUTOMATED).await;
    world.repository.remove("apps/shop.yaml");
    world
        .repository
        .write("infra/web.yaml", &web(", rig.lockstep.dev/pod: image-pull"));
    world.config_in("later", "one");
    world.config_in("labelled", "one");
    world.config_in("orphan", "one");
    world.flux_labelled("infra", "version: '1'", "");
    world.flux("later", "  dependsOn: [{name: infra}]\n");
    world.flux_labelled(
        "labelled",
        "version: '2'",
        "  dependsOn:\n  - name: infra\n    readyExpr: >-\n      dep.metadata.labels['version'] == self.metadata.labels['version'] &&\n      dep.status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')\n",
    );
    world.flux("orphan", "  dependsOn: [{name: nobody}]\n");
    world.push("one");
    let later = world.until_waiting("later", "Waits for infra: ").await;
    let later = match later.state.reason.as_ref() {
        Some(reason) if reason.cause.contains("cannot pull web:1.0") => later,
        // The pod takes a moment to fail.
        _ => world.until_waiting("later", "cannot pull web:1.0").await,
    };
    assert!(!later.state.reason.expect("a reason").stalled);
    world
        .until_waiting("labelled", "Waits for infra: its readyExpr is not true yet")
        .await;
    let orphan = world.until_waiting("orphan", "nothing on").await;
    assert!(orphan.state.reason.expect("a reason").stalled);
    assert!(!world.is_there("later") && !world.is_there("labelled") && !world.is_there("orphan"));

    world.repository.write("infra/web.yaml", &web(""));
    world.push("two");
    world.until_good("infra").await;
    world.until_good("later").await;
    assert!(world.is_there("later"));
    // Healthy, and not what the expression asks for.
    assert!(!world.is_there("labelled"));
    world
        .until_waiting("labelled", "Waits for infra: its readyExpr is not true yet")
        .await;
    world.flux_labelled("infra", "version: '2'", "");
    world.push("three");
    world.until_good("labelled").await;
    let order = world.writes_in_order();
    let at = |name: &str| order.iter().position(|write| write == name).expect(name);
    assert!(at("deployments/web") < at("configmaps/later"), "{order:?}");

    // A new commit goes through in the same order: who depends does not begin before the other is done with it.
    world
        .repository
        .write("infra/web.yaml", &web(", rig.lockstep.dev/pod: image-pull"));
    world.config_in("later", "two");
    let four = world.push("four");
    world.until_waiting("later", "Waits for infra: ").await;
    assert_eq!(
        world.kubectl(&["get", "configmap", "later", "-o", "jsonpath={.data.text}"]),
        "one"
    );
    // A person does not wait.
    let row = world.row_of("later").await.expect("the target");
    world
        .ask_of(row.id, OperationKind::Sync, serde_json::Value::Null)
        .await;
    let row = world
        .until_of("later", "deployed by hand", |row| {
            row.deployed.as_ref() == Some(&four)
        })
        .await;
    // What is applied is deployed; whether it is healthy, the run finds out behind that.
    let runs = world
        .until_runs_of(row.id, "its run is over", |runs| {
            runs.iter().all(|run| run.phase.is_final())
        })
        .await;
    assert_eq!(runs[0].phase, SyncPhase::Succeeded);
    assert!(
        matches!(runs[0].started_by, StartedBy::Person(_)),
        "{runs:?}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_of_dependencies_is_named() {
    let world = World::start("circle", Mode::Managed, AUTOMATED).await;
    world.repository.remove("apps/shop.yaml");
    for (name, other) in [("one", "two"), ("two", "three"), ("three", "one")] {
        world.config_in(name, "a");
        world.flux(name, &format!("  dependsOn: [{{name: {other}}}]\n"));
    }
    world.push("one");
    for (name, circle) in [
        ("one", "one → two → three → one"),
        ("two", "two → three → one → two"),
    ] {
        let row = world
            .until_waiting(name, &format!("dependsOn goes in a circle: {circle}"))
            .await;
        assert!(row.state.reason.expect("a reason").stalled);
    }
    world.flux("three", "");
    world.push("two");
    for name in ["one", "two", "three"] {
        world.until_good(name).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_event_of_the_culprit_is_told() {
    let world = World::start("event", Mode::Managed, AUTOMATED).await;
    world.repository.write(
        "manifests/web.yaml",
        &web(", rig.lockstep.dev/pod: image-pull"),
    );
    world.push("one");
    let row = world
        .until_health("shop", HealthStatus::Degraded, "cannot pull web:1.0")
        .await;
    let reason = row.state.reason.expect("a reason");
    let pod = reason.object.expect("a culprit");
    assert_eq!(pod.kind, "Pod");
    let uid = world.kubectl(&["get", "pod", &pod.name, "-o", "jsonpath={.metadata.uid}"]);
    let event = format!(
        "apiVersion: v1\nkind: Event\nmetadata: {{name: told, namespace: {0}}}\ntype: Warning\nreason: Failed\nmessage: 'manifest for web:1.0 unknown'\ncount: 1\nlastTimestamp: '2026-11-20T10:00:00Z'\ninvolvedObject: {{kind: Pod, apiVersion: v1, namespace: {0}, name: {1}, uid: {uid}}}\n",
        world.namespace(),
        pod.name
    );
    let file = world.repository.path().join("event.yaml");
    std::fs::write(&file, event).expect("a file");
    world.kubectl(&["apply", "--filename", &file.display().to_string()]);
    std::fs::remove_file(&file).expect("the file");
    world
        .until_of("shop", "explained by the event", |row| {
            row.state.reason.as_ref().is_some_and(|reason| {
                reason
                    .cause
                    .ends_with("(Failed: manifest for web:1.0 unknown)")
            })
        })
        .await;
    world.end().await;
}
