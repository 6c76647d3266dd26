//! Definitions that an application renders: registered as children of it, never applied (app-of-apps without CRDs).

use super::{Compared, Loaded, TargetMemory};
use crate::reconcile::sources::as_seen;
use crate::reconcile::sources::sets::{self, Owner};
use crate::reconcile::{definitions, permit};
use crate::runtime::{Runtime, now};
use crate::store::application::SeenApplication;
use crate::store::{self, StoreError};
use engine::definition::Definition;
use engine::definition::project::{Project, Rules};
use lockstep_types::application::Dialect;
use lockstep_types::source::Problem;
use std::collections::BTreeSet;

/// Brings the children of an application up to date with its render, when that changed.
pub(super) async fn register(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
) -> Result<(), StoreError> {
    offer(runtime, loaded, memory, compared);
    scripts(runtime, loaded, memory, compared).await?;
    if compared.desired.definitions.is_empty()
        && memory.children.is_none()
        && !had_children(runtime, loaded).await?
    {
        memory.children = Some(String::new());
        return Ok(());
    }
    let owner = Owner {
        source: loaded.source.id,
        parent: Some(loaded.application.id),
    };
    // Without the projects of the source nobody knows yet what the children may do.
    let Some((projects, limits)) = runtime.memory().projects(loaded.source.id) else {
        return Ok(());
    };
    let (around, offered) = runtime.memory().around(loaded.source.id);
    // What is hidden in the objects of the children is given to them here.
    let masking = &loaded.definition.masking;
    let of = |standing: &str| {
        format!(
            "{} {} {} {offered} {limits} {standing}",
            compared.render.digest,
            masking.digest(),
            runtime.memory().clusters_changed()
        )
    };
    let state = of(&sets::standing(
        runtime,
        &runtime.memory().sets(&owner).listed,
    ));
    if memory.children.as_deref() == Some(state.as_str())
        || compared.desired.definitions.is_empty() && memory.children.as_deref() == Some("")
    {
        return Ok(());
    }
    let engine::definition::Definitions {
        applications: mut defined,
        sets: defined_sets,
        projects: own_projects,
        problems: mut broken,
        ..
    } = definitions::children(
        &loaded.definition,
        &compared.desired.definitions,
        &around,
        &loaded.source,
    );
    let clusters = store::cluster::list(runtime.store()).await?;
    let mut expanded = sets::expand(
        runtime,
        &loaded.source,
        Some(&loaded.definition),
        &defined_sets,
        &clusters,
    )
    .await;
    defined.append(&mut expanded.members);
    broken.append(&mut expanded.problems);
    sets::remember(runtime, owner, &mut expanded);
    // Those of the root source come first: what an application renders does not loosen their limits.
    let projects: Vec<Project> = projects.iter().cloned().chain(own_projects).collect();
    for definition in &mut defined {
        Rules::give(definition, &projects);
        definition.masking.clone_from(masking);
    }
    let _alone = runtime.limits().definitions.lock().await;
    let known = store::application::by_source(runtime.store(), loaded.source.id).await?;
    let parent = loaded.application.id;
    let mut seen: Vec<SeenApplication> = known
        .iter()
        .filter(|row| row.parent != Some(parent))
        .map(as_seen)
        .collect();
    let roots: BTreeSet<(String, String)> = known
        .iter()
        .filter(|row| row.parent.is_none())
        .filter_map(|row| serde_json::from_str::<Definition>(&row.definition).ok())
        .map(|definition| (definition.namespace, definition.name))
        .collect();
    let broken_names: BTreeSet<(String, String)> = broken
        .iter()
        .filter_map(|problem| problem.key.as_ref())
        .map(|key| (key.namespace.clone(), key.name.clone()))
        .collect();
    // A child that is broken now is not gone: it stays as it was last read.
    seen.extend(
        known
            .iter()
            .filter(|row| row.parent == Some(parent))
            .filter(|row| {
                expanded.unfinished.holds(row)
                    || serde_json::from_str::<Definition>(&row.definition).is_ok_and(|definition| {
                        broken_names.contains(&(definition.namespace, definition.name))
                    })
            })
            .filter(|row| {
                !defined
                    .iter()
                    .any(|definition| definition.key.application_id(loaded.source.id) == row.id)
            })
            .map(|row| as_seen(row).hiding(masking)),
    );
    for definition in &defined {
        // Found in the files of the root source as well: that one counts.
        if roots.contains(&(definition.namespace.clone(), definition.name.clone())) {
            continue;
        }
        let cluster = match definitions::place(
            &definition.destination,
            &loaded.source.home_cluster,
            &clusters,
        ) {
            Ok(cluster) => {
                let home = &loaded.source.home_cluster;
                broken.extend(permit::problem(definition, home, &cluster, &clusters));
                Some(cluster)
            }
            Err((message, next)) => {
                broken.push(engine::definition::DefinitionProblem {
                    key: None,
                    path: definition.path.clone(),
                    line: definition.line,
                    field: "spec.destination".to_owned(),
                    message,
                    next,
                });
                None
            }
        };
        if let Ok(row) =
            definitions::seen(&loaded.source, definition, cluster.as_deref(), Some(parent))
        {
            seen.push(row);
        }
    }
    let revision = loaded
        .source
        .revision
        .clone()
        .unwrap_or_else(|| compared.revision.clone());
    let now = now();
    let application = loaded.application.as_ref();
    let mut problems: Vec<Problem> = loaded
        .source
        .problems
        .iter()
        .filter(|problem| problem.application.as_ref().map(|known| known.id) != Some(parent))
        .cloned()
        .collect();
    problems.extend(
        broken.into_iter().map(|found| {
            definitions::problem(&loaded.source, found, Some(application.clone()), now)
        }),
    );
    let mut tx = runtime.store().begin().await?;
    let reconciled =
        store::application::reconcile(&mut tx, loaded.source.id, &revision, &seen).await?;
    if problems != loaded.source.problems {
        store::source::set_read(&mut tx, loaded.source.id, &revision, &problems).await?;
    }
    tx.commit().await?;
    memory.children = Some(of(&runtime.memory().sets(&owner).standing));
    if reconciled != store::application::Reconciled::default() {
        runtime.activator().activate_all();
    }
    Ok(())
}

/// Sources and values that this render brings to the cluster, for definitions of other renders that refer to them.
fn offer(runtime: &Runtime, loaded: &Loaded, memory: &mut TargetMemory, compared: &Compared) {
    let render = (
        compared.render.digest.clone(),
        loaded.definition.destination.namespace.clone(),
    );
    if memory.offered.as_ref() == Some(&render) {
        return;
    }
    memory.offered = Some(render);
    let manifests: Vec<_> =
        compared
            .desired
            .definitions
            .iter()
            .chain(compared.desired.objects.iter().filter(|manifest| {
                manifest.key.group.is_empty() && manifest.key.kind == "ConfigMap"
            }))
            .cloned()
            .collect();
    let files =
        engine::definition::referred_to(&definitions::as_files(&loaded.definition, &manifests));
    // By target: what an application brings may differ from cluster to cluster.
    let by = Some(loaded.row.id);
    if runtime.memory().offer(loaded.source.id, by, files) {
        runtime.activator().activate_all();
    }
}

async fn had_children(runtime: &Runtime, loaded: &Loaded) -> Result<bool, StoreError> {
    let known = store::application::by_source(runtime.store(), loaded.source.id).await?;
    Ok(known
        .iter()
        .any(|row| row.parent == Some(loaded.application.id)))
}

/// Takes over Flux's alerts and rules for images that the application renders. Only what goes to where Flux and its definitions are counts.
fn notices(runtime: &Runtime, loaded: &Loaded, compared: &Compared) {
    let home = &loaded.source.home_cluster;
    let at_home = home.is_empty() || *home == loaded.row.cluster;
    // Flux knows no projects; whoever may deploy within one of Argo CD has no say in what is told of the others.
    let of_all = loaded.definition.project == engine::definition::project::DEFAULT;
    let objects: Vec<_> = compared
        .desired
        .objects
        .iter()
        .filter(|object| {
            at_home
                && of_all
                && (engine::definition::may_hold_notices(&object.key.group, &object.key.kind)
                    || engine::definition::may_hold_image_rules(
                        &object.key.group,
                        &object.key.kind,
                    ))
        })
        .cloned()
        .collect();
    let files = definitions::as_files(&loaded.definition, &objects);
    // What is wrong with one is told where it is written.
    let (found, _) = engine::definition::notices(&files);
    let (source, by) = (loaded.source.id, Some(loaded.row.id));
    runtime.memory().set_notices(source, by, found);
    let (rules, _) = engine::definition::image_rules(&files);
    runtime.memory().set_image_rules(source, by, rules);
}

/// Takes over the health scripts of an `argocd-cm` that the application renders: they are for all applications of Argo
/// CD that the source defines. Only the one that goes to where Argo CD and its applications are counts: whoever may
/// deploy elsewhere has no say in the health of others.
async fn scripts(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
) -> Result<(), StoreError> {
    let digest = &compared.render.digest;
    if memory.scripts.as_ref() == Some(digest) {
        return Ok(());
    }
    memory.scripts = Some(digest.clone());
    let home = &loaded.source.home_cluster;
    let of_argo = loaded.definition.dialect == Dialect::ArgoApplication
        && (home.is_empty() || *home == loaded.row.cluster);
    let objects: Vec<_> = compared
        .desired
        .objects
        .iter()
        .filter(|object| {
            of_argo
                && engine::definition::may_hold_scripts(&object.key)
                && object.key.namespace == loaded.definition.namespace
        })
        .cloned()
        .collect();
    let files = definitions::as_files(&loaded.definition, &objects);
    notices(runtime, loaded, compared);
    // What is wrong with one is told where it is written, if it is written in the source.
    let (found, _) = engine::definition::health_scripts(&files, Some(&loaded.definition.name));
    let source = loaded.source.id;
    if !runtime
        .memory()
        .set_health_scripts(source, Some(loaded.row.id), found)
    {
        return Ok(());
    }
    for row in store::application::by_source(runtime.store(), source).await? {
        for target in store::target::of_application(runtime.store(), row.id).await? {
            runtime.activator().activate_target(target.id);
        }
    }
    Ok(())
}
