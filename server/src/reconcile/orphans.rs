//! Objects that nobody declares: which ones count, who made them, and the look that is taken again and again where a
//! project warns of them.
//!
//! The rules are Argo CD's "Orphaned Resources Monitoring". Nothing here is ever deleted: what Lockstep has not made is
//! not Lockstep's.

use crate::runtime::Runtime;
use crate::store::application::ApplicationRow;
use crate::store::target::TargetRow;
use crate::store::{self, StoreError};
use engine::definition::Definition;
use engine::definition::project::{Project, given};
use engine::live::{Survey, Surveyed};
use lockstep_types::id::{ApplicationId, TargetId};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How old a survey may be that a page shows.
pub(crate) const FRESH: Duration = Duration::from_secs(60);

/// The project of an application, if one limits it.
pub(crate) fn project(definition: &Definition) -> Option<&Project> {
    definition.rules.as_ref().map(|rules| &rules.project)
}

/// Objects of a survey that no target declares, no object owns, and no rule leaves out.
pub(crate) fn of<'s>(
    survey: &'s Survey,
    project: Option<&'s Project>,
) -> impl Iterator<Item = &'s Surveyed> {
    survey.objects.iter().filter(move |object| {
        let counts = match project {
            Some(project) => project.counts_orphan(&object.key),
            None => !given(&object.key),
        };
        counts && !object.owned && !object.wanted && !object.deleting
    })
}

/// Labels in which tools say what they made, and the words for it.
const MAKERS: [(&str, Option<&str>, &str); 4] = [
    (
        "kustomize.toolkit.fluxcd.io/name",
        Some("kustomize.toolkit.fluxcd.io/namespace"),
        "Flux Kustomization",
    ),
    (
        "helm.toolkit.fluxcd.io/name",
        Some("helm.toolkit.fluxcd.io/namespace"),
        "Flux HelmRelease",
    ),
    ("argocd.argoproj.io/instance", None, "Argo CD application"),
    ("app.kubernetes.io/managed-by", None, ""),
];

/// Who made an object, as far as it tells.
pub(crate) fn made_by(object: &Surveyed) -> String {
    for (name, within, words) in MAKERS {
        let Some(value) = object.labels.get(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let place = within.and_then(|within| object.labels.get(within));
        let full = place.map_or_else(|| value.clone(), |place| format!("{place}/{value}"));
        return format!("{words} {full}").trim().to_owned();
    }
    let marked = |name: &str| object.annotations.contains(name);
    if marked("argocd.argoproj.io/tracking-id") {
        return "Argo CD".to_owned();
    }
    if marked("objectset.rio.cattle.io/id") {
        return "Fleet".to_owned();
    }
    if object
        .labels
        .get("owner")
        .is_some_and(|owner| owner == "helm")
    {
        return "Helm".to_owned();
    }
    let managers: Vec<&str> = object.managers.iter().map(String::as_str).collect();
    managers.join(", ")
}

/// How soon clusters are looked at again on which not everything was compared.
const SOON: Duration = Duration::from_secs(15);

/// Looks for orphans wherever a project warns, until the runtime ends.
pub(crate) async fn watch(runtime: Runtime) {
    loop {
        let every = runtime.settings().survey;
        let looked = tokio::select! {
            () = runtime.cancelled().cancelled() => return,
            looked = look(&runtime) => looked,
        };
        let wait = match looked {
            Ok(true) => every,
            Ok(false) => every.min(SOON),
            Err(error) => {
                tracing::warn!(event.name = "orphans.failed", error = %error, "the database did not say where to look for objects that nobody declares; it is asked again");
                every
            }
        };
        tokio::select! {
            () = runtime.cancelled().cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Looks once; says whether every place could be looked at.
async fn look(runtime: &Runtime) -> Result<bool, StoreError> {
    let (mut found, mut whole) = (HashMap::new(), true);
    let applications = store::application::list(runtime.store(), false).await?;
    let targets = store::target::list(runtime.store()).await?;
    for (cluster, warned) in warned(&applications, &targets) {
        let unsure = unsure_of(runtime, &cluster, &applications, &targets);
        if unsure.iter().any(|unsure| !unsure.tried) {
            whole = false;
            continue;
        }
        for (target, definition) in warned {
            let place = definition.destination.usual_namespace();
            let survey = runtime
                .survey(&cluster, Some(place), runtime.settings().survey / 2)
                .await;
            match survey {
                Ok(survey) => {
                    let count = of(&survey, project(&definition)).count();
                    found.insert(target, u32::try_from(count).unwrap_or(u32::MAX));
                }
                Err(_) => whole = false,
            }
        }
    }
    runtime.memory().note_orphans(found);
    Ok(whole)
}

type Warned = BTreeMap<String, Vec<(TargetId, Definition)>>;

/// Targets whose project warns, by cluster.
fn warned(applications: &[ApplicationRow], targets: &[TargetRow]) -> Warned {
    let warns = |row: &ApplicationRow| {
        let definition = serde_json::from_str::<Definition>(&row.definition).ok()?;
        let asked = project(&definition)?.orphans.as_ref()?.warn;
        asked.then_some((row.id, definition))
    };
    let definitions: HashMap<_, _> = applications.iter().filter_map(warns).collect();
    let mut warned = Warned::new();
    for target in targets {
        if let Some(definition) = definitions.get(&target.application) {
            warned
                .entry(target.cluster.clone())
                .or_default()
                .push((target.id, definition.clone()));
        }
    }
    warned
}

/// An application on a cluster whose objects are not known: it has not been compared since the start.
#[derive(Debug, Clone)]
pub(crate) struct Unsure {
    pub application: ApplicationId,
    pub name: String,
    /// It was tried and cannot be compared; what it has applied is known from its inventory.
    pub tried: bool,
}

/// All of a cluster.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn unsure(runtime: &Runtime, cluster: &str) -> Result<Vec<Unsure>, StoreError> {
    let applications = store::application::list(runtime.store(), false).await?;
    let targets = store::target::list(runtime.store()).await?;
    Ok(unsure_of(runtime, cluster, &applications, &targets))
}

fn unsure_of(
    runtime: &Runtime,
    cluster: &str,
    applications: &[ApplicationRow],
    targets: &[TargetRow],
) -> Vec<Unsure> {
    let names: HashMap<_, _> = applications.iter().map(|row| (row.id, &row.name)).collect();
    targets
        .iter()
        .filter(|target| target.cluster == cluster)
        .filter(|target| runtime.assessment(target.id).is_none())
        .filter_map(|target| {
            Some(Unsure {
                name: (*names.get(&target.application)?).clone(),
                application: target.application,
                tried: target.state.reason.is_some(),
            })
        })
        .collect()
}
