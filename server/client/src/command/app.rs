//! `lockstep app`: looking. What starts something is in the siblings.

use super::Global;
use super::app_accept::Accept;
use super::app_act::Act;
use super::app_blame::Blame;
use super::app_edit::{Create, EditFile};
use super::app_hold::{self, HoldTarget, Release};
use super::app_left::{self, Remove};
use super::app_logs::Logs;
use super::app_mark::Mark;
use super::app_objects::{Manifests, OfTarget};
use super::app_past::Past;
use super::app_rollback::Rollback;
use super::app_sync::{Sync, Wait};
use crate::api::ClientError;
use crate::apps::{Which, full_name, path};
use crate::exit::Exit;
use crate::table::{Table, plain};
use clap::{Args, Subcommand};
use lockstep_types::application::{
    ApplicationView, ChangesView, HistoryEntry, HistoryView, TargetSummary,
};
use lockstep_types::diff::{DiffClass, ResourceDiff, ResourceDiffKind};
use serde_json::Value;

/// Applications and their targets.
#[derive(Debug, Subcommand)]
pub enum App {
    /// All targets, or those that a filter leaves: `cluster:prod-* health:degraded words`.
    List {
        #[arg(default_value = "", num_args = 0.., value_delimiter = None)]
        filter: Vec<String>,
    },
    /// One target with its reason.
    Get(Get),
    /// The objects of a target with their health, and what controllers made of them.
    #[command(alias = "resources")]
    Tree(OfTarget),
    /// What lives in the namespace of a target and is declared by no application.
    Orphans(OfTarget),
    /// The manifests of a target: as Git has them, or as they are.
    Manifests(Manifests),
    /// Who changed what in the cluster, field by field; with an object, who wrote each of its lines in Git.
    Blame(Blame),
    /// Compare a target again.
    Refresh(OfTarget),
    /// End the run of a target after its current step.
    #[command(alias = "terminate-op")]
    Terminate(OfTarget),
    /// What differs between Git and the cluster. Exit code 1 when something does, 2 when it cannot be told.
    Diff(Diff),
    /// Make the cluster match.
    Sync(Sync),
    /// Wait until a target matches Git and is healthy.
    Wait(Wait),
    /// Syncs and the commits between them, newest first.
    History(History),
    /// How a target stood at an earlier time, and when it turned.
    Past(Past),
    /// What its containers wrote; `--follow` goes on with what they write.
    Logs(Logs),
    /// Restart, scale, run now or delete one live object, without a change in Git.
    #[command(alias = "actions")]
    Act(Act),
    /// Make a commit of what the cluster has instead of Git.
    Accept(Accept),
    /// Go back to an earlier commit: as a commit on the tracked branch, or as a pin of this target alone.
    Rollback(Rollback),
    /// Say that a revision is good or bad on a target: it is then offered to go back to, or not.
    Mark(Mark),
    /// Stop writes to a target for some hours; it is still compared.
    Hold(HoldTarget),
    /// End the hold of a target.
    Release(Release),
    /// All holds with owner, reason, end and what waits.
    Holds,
    /// What applications left in clusters when their definitions left Git.
    Leftovers,
    /// Keep or delete what an application left when its definition left Git.
    Remove(Remove),
    /// Add an application: a commit in a root source, previewed first.
    Create(Create),
    /// Change the definition of an application: a commit in its root source, previewed first.
    Edit(EditFile),
}

/// One target with its reason.
#[derive(Debug, Args)]
pub struct Get {
    #[command(flatten)]
    which: Which,
}

/// What differs between Git and the cluster.
#[derive(Debug, Args)]
pub struct Diff {
    #[command(flatten)]
    which: Which,
}

/// Syncs and the commits between them.
#[derive(Debug, Args)]
pub struct History {
    #[command(flatten)]
    which: Which,
}

impl App {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        match self {
            Self::List { filter } => list(global, &filter.join(" ")).await,
            Self::Get(get) => get.run(global).await,
            Self::Tree(target) => target.tree(global).await,
            Self::Orphans(target) => target.orphans(global).await,
            Self::Manifests(manifests) => manifests.run(global).await,
            Self::Blame(blame) => blame.run(global).await,
            Self::Refresh(target) => target.refresh(global).await,
            Self::Terminate(target) => target.terminate(global).await,
            Self::Diff(diff) => diff.run(global).await,
            Self::Sync(sync) => sync.run(global).await,
            Self::Wait(wait) => wait.run(global).await,
            Self::History(history) => history.run(global).await,
            Self::Past(past) => past.run(global).await,
            Self::Logs(logs) => logs.run(global).await,
            Self::Act(act) => act.run(global).await,
            Self::Accept(accept) => accept.run(global).await,
            Self::Rollback(rollback) => rollback.run(global).await,
            Self::Mark(mark) => mark.run(global).await,
            Self::Hold(hold) => hold.run(global).await,
            Self::Release(release) => release.run(global).await,
            Self::Holds => app_hold::list(global).await,
            Self::Leftovers => app_left::list(global).await,
            Self::Remove(remove) => remove.run(global).await,
            Self::Create(create) => create.run(global).await,
            Self::Edit(edit) => edit.run(global).await,
        }
    }
}

async fn list(global: &Global, filter: &str) -> Result<Exit, ClientError> {
    let targets: Vec<TargetSummary> = global.open()?.get("/apps", &[("filter", filter)]).await?;
    let names = |targets: &Vec<TargetSummary>| {
        let mut names: Vec<String> = targets.iter().map(full_name).collect();
        names.dedup();
        names
    };
    global.list(&targets, |targets, wide| listed(targets, wide), names)
}

fn listed(targets: &[TargetSummary], wide: bool) -> String {
    let mut headings = vec![
        "APP", "CLUSTER", "SYNC", "HEALTH", "REVISION", "DRIFT", "REASON",
    ];
    if wide {
        headings.extend(["MODE", "OBJECTS", "IMAGES", "COMPARED"]);
    }
    let mut table = Table::new(&headings);
    for target in targets {
        let mut cells = line(target).to_vec();
        if wide {
            cells.extend([
                target.mode.word().to_owned(),
                target.objects.to_string(),
                target.images.join(","),
                target
                    .last_compared
                    .map(|at| at.rfc3339())
                    .unwrap_or_default(),
            ]);
        }
        table.row(cells);
    }
    table.text()
}

fn line(target: &TargetSummary) -> [String; 7] {
    [
        full_name(target),
        target.target.cluster.clone(),
        sync_words(target),
        target.health.status.word().to_owned(),
        target
            .deployed
            .as_ref()
            .map(|r| r.short().to_owned())
            .unwrap_or_default(),
        target.drifted.to_string(),
        target
            .reason
            .as_ref()
            .map(|reason| reason.cause.clone())
            .unwrap_or_default(),
    ]
}

/// A pinned target is never “Synced”.
pub(super) fn sync_words(target: &TargetSummary) -> String {
    match &target.pin {
        Some(pin) => format!("Pinned at {}, {} behind", pin.revision.short(), pin.behind),
        None => target.sync.word().to_owned(),
    }
}

impl Get {
    async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let address = format!("/apps/{}", target.target.application.id);
        let query = [("cluster", target.target.cluster.as_str())];
        let view: ApplicationView = api.get(&address, &query).await?;
        global.show(&view, |view| match &view.rollout {
            Some(rollout) => format!(
                "{}\n\n{}",
                describe(view, &target).trim_end(),
                super::rollout::text(rollout).trim_end()
            ),
            None => describe(view, &target),
        })
    }
}

fn describe(view: &ApplicationView, target: &TargetSummary) -> String {
    let mut lines = vec![
        ("App", full_name(target)),
        ("Cluster", target.target.cluster.clone()),
        ("Namespace", view.destination_namespace.clone()),
        (
            "Source",
            format!("{} · {}", view.spec.repo_url, view.spec.path),
        ),
        ("Tracks", view.spec.target_revision.name().to_owned()),
        ("Mode", target.mode.word().to_owned()),
        ("Sync", sync_words(target)),
        ("Health", target.health.status.word().to_owned()),
        (
            "Objects",
            format!(
                "{}, {} differ, {} drifted",
                target.objects, target.out_of_sync, target.drifted
            ),
        ),
    ];
    if let Some(commit) = &view.commit {
        lines.push((
            "Commit",
            format!(
                "{} {} ({})",
                commit.revision.short(),
                commit.subject,
                commit.author
            ),
        ));
    }
    if let Some(deployed) = &target.deployed {
        lines.push(("Deployed", deployed.short().to_owned()));
    }
    if let Some(reason) = &target.reason {
        lines.push(("Reason", reason.sentence()));
    }
    if let Some(window) = &view.window {
        lines.push(("Window", window.state()));
    }
    if let Some(hold) = &target.hold {
        lines.push((
            "Held",
            format!(
                "by {} until {}: {}",
                hold.owner,
                hold.until.rfc3339(),
                hold.reason
            ),
        ));
    }
    if let Some(at) = target.last_compared {
        lines.push(("Compared", at.rfc3339()));
    }
    lines
        .iter()
        .map(|(name, value)| format!("{name:<10} {}\n", plain(value)))
        .collect()
}

impl Diff {
    async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let view: ChangesView = api.get(&path(&target, "/changes"), &[]).await?;
        global.show(&view, |view| view.diffs.iter().map(change).collect())?;
        Ok(verdict(&view.diffs))
    }
}

/// A difference beats a doubt: it is certain.
fn verdict(diffs: &[ResourceDiff]) -> Exit {
    if diffs.iter().any(ResourceDiff::counts) {
        Exit::Failed
    } else if diffs
        .iter()
        .any(|diff| matches!(diff.kind, ResourceDiffKind::Unsure(_)))
    {
        Exit::Broken
    } else {
        Exit::Done
    }
}

fn change(diff: &ResourceDiff) -> String {
    let mut text = match &diff.kind {
        ResourceDiffKind::Missing => format!("+ {}  declared, not in the cluster\n", diff.key),
        ResourceDiffKind::Extra => format!("- {}  in the cluster, no longer declared\n", diff.key),
        ResourceDiffKind::Unsure(why) => format!("? {}  {why}\n", diff.key),
        ResourceDiffKind::Differs => format!("~ {}\n", diff.key),
    };
    for field in &diff.changes {
        let why = match (field.class, &field.manager) {
            (DiffClass::NotYetSynced, _) => "not yet synced".to_owned(),
            (DiffClass::Drift, Some(manager)) => format!("drift by {manager}"),
            (DiffClass::Drift, None) => "drift".to_owned(),
            (DiffClass::Noise, _) => "a default, not counted".to_owned(),
            (DiffClass::OwnedByOther, _) => "owned by another controller, not counted".to_owned(),
        };
        text.push_str(&format!(
            "    {}: {} → {}  ({why}; {})\n",
            field.path,
            value(field.live.as_ref()),
            value(field.declared.as_ref()),
            field.impact.words()
        ));
    }
    plain(&text)
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), Value::to_string)
}

impl History {
    async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let view: HistoryView = api.get(&path(&target, "/history"), &[]).await?;
        global.show(&view, |view| {
            let mut table = Table::new(&["TIME", "REVISION", "RESULT", "STARTED BY", "SUBJECT"]);
            for entry in &view.entries {
                table.row(entry_line(entry));
            }
            table.text()
        })
    }
}

fn entry_line(entry: &HistoryEntry) -> [String; 5] {
    match entry {
        HistoryEntry::Run(run) => [
            run.started_at.rfc3339(),
            run.revision.short().to_owned(),
            run.phase.word().to_owned(),
            run.started_by.words(),
            run.commit
                .as_ref()
                .map(|commit| commit.subject.clone())
                .unwrap_or_default(),
        ],
        HistoryEntry::Commit(commit) => [
            commit.committed_at.rfc3339(),
            commit.revision.short().to_owned(),
            "commit".to_owned(),
            commit.author.clone(),
            commit.subject.clone(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::resource::ResourceKey;

    fn diff(kind: ResourceDiffKind) -> ResourceDiff {
        ResourceDiff {
            key: ResourceKey::new("apps", "Deployment", "shop", "cart"),
            kind,
            changes: Vec::new(),
            origin: None,
            live_yaml: None,
            predicted_yaml: None,
        }
    }

    #[test]
    fn exit_codes_are_those_of_argo_cd() {
        let unsure = || diff(ResourceDiffKind::Unsure("no schema".to_owned()));
        assert_eq!(verdict(&[]), Exit::Done);
        // Only noise: nothing to sync.
        assert_eq!(verdict(&[diff(ResourceDiffKind::Differs)]), Exit::Done);
        assert_eq!(verdict(&[diff(ResourceDiffKind::Missing)]), Exit::Failed);
        assert_eq!(verdict(&[unsure()]), Exit::Broken);
        assert_eq!(
            verdict(&[unsure(), diff(ResourceDiffKind::Extra)]),
            Exit::Failed
        );
    }

    #[test]
    fn a_missing_object_is_named() {
        assert_eq!(
            change(&diff(ResourceDiffKind::Missing)),
            "+ apps/Deployment:shop/cart  declared, not in the cluster\n"
        );
    }
}
