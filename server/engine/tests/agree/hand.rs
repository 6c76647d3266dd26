//! How live objects come to be: by us, by the tools that we adopt from, by autoscalers, by people.

use crate::plan::Plan;
use crate::table::{By, edited};
use crate::world::{MERGE, World, type_of};
use engine::apply::ApplyOptions;
use engine::manifest::Manifest;
use lockstep_types::resource::ResourceKey;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is remembered of making an object.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The manifest that we applied last, and the version that it came to.
    pub applied: Option<Manifest>,
    pub version: Option<String>,
    pub hpa: BTreeSet<ResourceKey>,
    /// What a watch that lags behind still shows.
    pub stale: Option<Value>,
}

/// As every apply of ours that heals or takes over.
pub const FORCE: ApplyOptions = ApplyOptions {
    force: true,
    uid: None,
    lax: false,
    part: String::new(),
};

/// Makes the live object of a plan.
pub async fn make(world: &World, plan: &Plan) -> Result<Made, String> {
    let start = world.placed(&plan.start, plan.place);
    let (path, _) = world.path(&start, type_of(&start).0);
    let mut made = Made::default();
    match plan.by {
        By::Ours | By::Scaled | By::Twice => ours(world, &start, &mut made).await?,
        by => by_others(world, by, &start).await?,
    }
    world.made(&start);
    if let Some(then) = &plan.then {
        ours(world, &world.placed(then, plan.place), &mut made).await?;
    }
    if plan.by == By::Scaled {
        let more = start
            .pointer("/spec/replicas")
            .and_then(Value::as_u64)
            .unwrap_or(0)
            + 3;
        let scale = format!("{path}/scale?fieldManager=kube-controller-manager");
        let body = json!({"spec": {"replicas": more}});
        world.send("PATCH", &scale, MERGE, &body).await?;
        let key = Manifest::new(start.clone(), None)
            .map_err(|error| error.to_string())?
            .key;
        made.hpa.insert(key);
    }
    if plan.by == By::Twice {
        made.stale = Some(world.get(&path).await?);
        let again = world.placed(&plan.git[0].body, plan.place);
        ours(world, &again, &mut made).await?;
    }
    if let Some(drift) = &plan.drift {
        // What the server refuses to people is no drift; the object stays as it was.
        let _ = world.edit(&path, |live| edited(live, drift)).await;
    }
    Ok(made)
}

async fn ours(world: &World, body: &Value, made: &mut Made) -> Result<(), String> {
    let manifest = Manifest::new(body.clone(), None).map_err(|error| error.to_string())?;
    let applied = world.applier.apply(&manifest, &FORCE).await;
    let applied = applied.map_err(|error| error.to_string())?;
    made.version = Some(applied.resource_version);
    made.applied = Some(manifest);
    Ok(())
}

async fn by_others(world: &World, by: By, body: &Value) -> Result<(), String> {
    let mut body = body.clone();
    match by {
        By::Kubectl => {
            keep_copy(&mut body);
            world.create(&body, "kubectl-client-side-apply").await?;
        }
        By::KubectlServer => {
            world.apply_as(&body, "kubectl").await?;
        }
        By::Helm3 => {
            helm(&mut body);
            world.create(&body, "helm").await?;
        }
        By::Helm4 => {
            helm(&mut body);
            world.apply_as(&body, "helm").await?;
        }
        By::Argo => {
            mark(
                &mut body,
                "annotations",
                "argocd.argoproj.io/tracking-id",
                "shop:apps/Deployment:shop/web",
            );
            keep_copy(&mut body);
            world.create(&body, "argocd-controller").await?;
        }
        By::ArgoServer => {
            mark(&mut body, "labels", "app.kubernetes.io/instance", "shop");
            world.apply_as(&body, "argocd-controller").await?;
        }
        By::Flux => {
            mark(
                &mut body,
                "labels",
                "kustomize.toolkit.fluxcd.io/name",
                "shop",
            );
            mark(
                &mut body,
                "labels",
                "kustomize.toolkit.fluxcd.io/namespace",
                "flux-system",
            );
            world.apply_as(&body, "kustomize-controller").await?;
        }
        By::Ours | By::Scaled | By::Twice => unreachable!("those are our own"),
    }
    Ok(())
}

fn helm(body: &mut Value) {
    mark(body, "labels", "app.kubernetes.io/managed-by", "Helm");
    mark(body, "annotations", "meta.helm.sh/release-name", "shop");
    mark(
        body,
        "annotations",
        "meta.helm.sh/release-namespace",
        "shop",
    );
}

/// The copy of itself that client-side apply leaves in every object.
fn keep_copy(body: &mut Value) {
    let copy = body.to_string();
    mark(
        body,
        "annotations",
        "kubectl.kubernetes.io/last-applied-configuration",
        &copy,
    );
}

fn mark(body: &mut Value, part: &str, key: &str, text: &str) {
    if !body["metadata"][part].is_object() {
        body["metadata"][part] = json!({});
    }
    body["metadata"][part][key] = json!(text);
}
