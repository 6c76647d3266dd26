//! What the sync windows of a project say about one target now: for the decision, for requests and for pages.

use super::cause::Cause;
use crate::store::{self, Read, StoreError};
use engine::definition::Definition;
use engine::definition::project::{Asked, Subject, Verdict};
use lockstep_types::reason::ReasonCode;
use lockstep_types::sync::StartedBy;
use lockstep_types::time::Micros;
use lockstep_types::window::WindowView;

/// How Argo CD names the cluster it runs in.
const HOME: [&str; 2] = ["in-cluster", "https://kubernetes.default.svc"];

/// The windows of an application on a cluster; `None` when none is for it.
///
/// # Errors
/// When the database cannot be read.
pub async fn of(
    db: &impl Read,
    definition: &Definition,
    cluster: &str,
    home: &str,
    now: Micros,
) -> Result<Option<WindowView>, StoreError> {
    with(db, definition, cluster, home, now, |project, verdict| {
        WindowView {
            project: project.to_owned(),
            open: verdict.permits(Asked::ByItself),
            people: verdict.permits(Asked::ByPerson),
            closed_by: verdict
                .closed_by()
                .map(|window| window.words())
                .unwrap_or_default(),
            changes: verdict.opens().or(verdict.closes()).map(Micros::from),
            windows: verdict.words(),
            keeps_out: verdict
                .keeps_out()
                .into_iter()
                .map(|window| window.words())
                .collect(),
        }
    })
    .await
}

/// May a run that began earlier go on now?
///
/// # Errors
/// When the database cannot be read.
pub async fn let_finish(
    db: &impl Read,
    definition: &Definition,
    (cluster, home): (&str, &str),
    (began, by): (Micros, &StartedBy),
    now: Micros,
) -> Result<bool, StoreError> {
    let asked = match by {
        StartedBy::Person(_) | StartedBy::Rollback(_) => Asked::ByPerson,
        StartedBy::AutoSync | StartedBy::SelfHeal => Asked::ByItself,
    };
    let Some(began) = began.timestamp() else {
        return Ok(true);
    };
    let lets = with(db, definition, cluster, home, now, |_, verdict| {
        verdict.lets_finish(began, asked)
    })
    .await?;
    Ok(lets.unwrap_or(true))
}

/// Asks only when there are windows at all, which few projects have.
async fn with<T>(
    db: &impl Read,
    definition: &Definition,
    cluster: &str,
    home: &str,
    now: Micros,
    ask: impl FnOnce(&str, &Verdict<'_>) -> T,
) -> Result<Option<T>, StoreError> {
    let Some(rules) = &definition.rules else {
        return Ok(None);
    };
    let windows = &rules.project.sync_windows;
    let (false, Some(at)) = (windows.is_empty(), now.timestamp()) else {
        return Ok(None);
    };
    let row = store::cluster::by_name(db, cluster).await?;
    let server = row.map(|row| row.server).unwrap_or_default();
    let mut clusters = vec![cluster, server.as_str()];
    if cluster == home {
        clusters.extend(HOME);
    }
    clusters.retain(|name| !name.is_empty());
    let subject = Subject {
        application: &definition.name,
        namespace: &definition.destination.namespace,
        clusters: &clusters,
    };
    let verdict = Verdict::of(windows, &subject, at);
    Ok(verdict
        .has_windows()
        .then(|| ask(&rules.project.name, &verdict)))
}

/// The reason to show while a closed window keeps a sync away.
pub fn closed(window: &WindowView) -> Cause {
    let at = window.changes.map(Micros::rfc3339);
    let mut words = window.waits(at.as_deref());
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let next = if window.people {
        "It syncs by itself then; Sync does it now, the window lets people pass"
    } else {
        "It syncs by itself then; nobody can sync before, unless the window is changed in Git"
    };
    Cause::passing(ReasonCode::WaitingForWindow, words, next)
}
