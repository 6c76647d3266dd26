//! Tenants by service account: what an application may write is what Kubernetes lets its account write, and where the
//! account is missing or may not, nothing is written with other rights.

use crate::AUTOMATED;
use crate::sets::write_project;
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;

const ACCOUNTS: &str = "  destinationServiceAccounts: [{server: '*', namespace: '*', defaultServiceAccount: deployer}]\n";

async fn until_said(world: &World, code: ReasonCode, part: &str) {
    world
        .until(part, |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == code && reason.cause.contains(part))
        })
        .await;
}

impl World {
    fn allow(&self, name: &str, resource: &str) {
        let account = format!("--serviceaccount={}:deployer", self.namespace());
        self.kubectl(&[
            "create",
            "role",
            name,
            "--verb=get,create,patch,update,delete",
            &format!("--resource={resource}"),
        ]);
        let role = format!("--role={name}");
        self.kubectl(&["create", "rolebinding", name, &role, &account]);
    }

    /// Who wrote objects of a kind in the namespace, as the API server logged it, without the rig's own kubectl.
    fn writers(&self, resource: &str) -> Vec<String> {
        let mut writers: Vec<String> = self
            .audit()
            .iter()
            .filter(|entry| {
                let text = |pointer: &str| {
                    let found = entry.pointer(pointer).and_then(|found| found.as_str());
                    found.unwrap_or_default()
                };
                let writes = matches!(text("/verb"), "create" | "patch" | "update" | "delete");
                // Neither the rig's own program nor the cluster's controllers.
                writes
                    && text("/objectRef/resource") == resource
                    && !text("/userAgent").starts_with("kube")
            })
            .map(|entry| {
                let user = entry.pointer("/impersonatedUser/username");
                user.and_then(|user| user.as_str())
                    .unwrap_or("the server itself")
                    .to_owned()
            })
            .collect();
        writers.sort();
        writers.dedup();
        writers
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_59_a_project_writes_as_its_service_account_and_never_with_more_rights() {
    let world = World::start("account", Mode::Managed, AUTOMATED).await;
    write_project(&world, ACCOUNTS);
    world.commit_shop("hello", 0);
    let missing = format!(
        "the service account {}/deployer does not exist",
        world.namespace()
    );
    until_said(&world, ReasonCode::ApplyFailed, &missing).await;
    let names = ["get", "configmaps,deployments", "-l", "app", "-o", "name"];
    assert_eq!(world.kubectl(&names), "");

    // It exists, and may do nothing.
    world.kubectl(&["create", "serviceaccount", "deployer"]);
    world.commit_shop("again", 0);
    until_said(
        &world,
        ReasonCode::ApplyFailed,
        "bind a role to that account",
    )
    .await;
    assert_eq!(world.kubectl(&names), "");

    // It may write what it is bound to, and no kind beside that.
    world.allow("settings", "configmaps");
    world.commit_shop("half", 0);
    world
        .until_kubectl(
            "what it may",
            &[
                "get",
                "configmap",
                "settings",
                "--ignore-not-found",
                "-o",
                "jsonpath={.data.greeting}",
            ],
            "half",
        )
        .await;
    until_said(
        &world,
        ReasonCode::ApplyFailed,
        "Deployment web: the cluster forbids it",
    )
    .await;

    world.allow("programs", "deployments.apps");
    let whole = world.commit_shop("whole", 0);
    world.until_deployed(&whole).await;

    // A delete is written as the account, too.
    world.repository.remove("manifests/extra.yaml");
    let less = world.push("without the extra");
    world.until_deployed(&less).await;
    let account = format!("system:serviceaccount:{}:deployer", world.namespace());
    for resource in ["configmaps", "deployments"] {
        assert_eq!(world.writers(resource), [account.as_str()], "{resource}");
    }

    // Where the project names none, nothing is written.
    write_project(
        &world,
        "  destinationServiceAccounts: [{server: '*', namespace: elsewhere, defaultServiceAccount: deployer}]\n",
    );
    let nobody = world.commit_shop("nobody", 0);
    until_said(
        &world,
        ReasonCode::DefinitionInvalid,
        "names no service account for the namespace",
    )
    .await;
    let row = world
        .until_row("still as before", |row| row.deployed.is_some())
        .await;
    assert_ne!(row.deployed, Some(nobody));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kustomization_is_written_as_the_account_that_it_names() {
    let world = World::start("fluxaccount", Mode::Managed, AUTOMATED).await;
    world.repository.remove("apps/shop.yaml");
    world.repository.write(
        "apps/shop.yaml",
        &format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: shop, namespace: {namespace}}}\nspec: {{interval: 1m, url: '{url}', ref: {{branch: main}}}}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: shop, namespace: {namespace}}}\nspec: {{interval: 1m, prune: true, path: ./manifests, targetNamespace: {namespace}, serviceAccountName: deployer, sourceRef: {{kind: GitRepository, name: shop}}}}\n",
            namespace = world.namespace(),
            url = world.repository.url(),
        ),
    );
    world.commit_shop("hello", 0);
    let rows = crate::sets::until_applications(&world, "the Kustomization", &["shop"]).await;
    let target = server::store::target::id_of(rows[0].id, world.cluster());
    let missing = format!(
        "the service account {}/deployer does not exist",
        world.namespace()
    );
    let deadline = std::time::Instant::now() + crate::world::WITHIN;
    loop {
        let row = server::store::target::get(world.store(), target).await;
        let reason = row.ok().and_then(|row| row.state.reason);
        if reason
            .as_ref()
            .is_some_and(|reason| reason.cause.contains(&missing))
        {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{reason:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    world.kubectl(&["create", "serviceaccount", "deployer"]);
    world.allow("all", "configmaps,deployments.apps");
    world
        .ask_of(
            target,
            lockstep_types::sync::OperationKind::Sync,
            serde_json::json!({}),
        )
        .await;
    world
        .until_kubectl(
            "written as the account",
            &[
                "get",
                "configmap",
                "settings",
                "--ignore-not-found",
                "-o",
                "jsonpath={.data.greeting}",
            ],
            "hello",
        )
        .await;
    let account = format!("system:serviceaccount:{}:deployer", world.namespace());
    assert_eq!(world.writers("configmaps"), [account]);
    let row = server::store::target::get(world.store(), target)
        .await
        .expect("the target");
    assert_ne!(row.state.sync, SyncStatus::Unknown);
    world.end().await;
}
