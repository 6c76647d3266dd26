//! `lockstep fleet`, `drift`, `alerts` and `audit`: lists over everything.

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use crate::table::{Table, remark};
use clap::{Args, Subcommand};
use lockstep_types::activity::{ActivityEntry, ActivityView};
use lockstep_types::alert::{AlertsView, Incident};
use lockstep_types::application::TargetSummary;
use lockstep_types::drift::DriftRow;
use lockstep_types::fleet::FleetView;
use lockstep_types::past::{Past, StateThen};
use lockstep_types::pull::approval_words;
use lockstep_types::revision::Revision;
use serde_json::Value;
use std::path::PathBuf;

/// Groups of applications over clusters, what needs attention first.
#[derive(Debug, Args)]
pub struct Fleet {
    /// As on the page: `cluster:prod-* health:degraded words`.
    #[arg(num_args = 0..)]
    filter: Vec<String>,
    /// Also where all is well.
    #[arg(long)]
    all: bool,
    /// As it was: how long ago, as `90m`, `2h` or `3d`, or a time, as `2026-03-04T14:02Z`.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The later time that this is held against; without it now.
    #[arg(long, value_name = "TIME", requires = "at")]
    until: Option<String>,
}

/// Fields that differ from what Git says, with who changed them. Exit code 1 when there are any.
#[derive(Debug, Args)]
pub struct Drift {
    /// As on the page.
    #[arg(num_args = 0..)]
    filter: Vec<String>,
    /// Also what is over.
    #[arg(long)]
    all: bool,
    /// What was open then: how long ago, as `2h`, or a time, as `2026-03-04T14:02Z`. Then the exit code is 0.
    #[arg(long, value_name = "TIME", conflicts_with = "all")]
    at: Option<String>,
}

/// What somebody should know of now, the worst first.
#[derive(Debug, Args)]
pub struct Alerts {
    /// Words that subject, condition or cause hold.
    #[arg(num_args = 0..)]
    filter: Vec<String>,
    /// What is over instead, newest first.
    #[arg(long)]
    resolved: bool,
}

/// Who did what, newest first.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    pub(super) command: Option<AuditCommand>,
    /// Person, application, cluster or words.
    #[arg(num_args = 0..)]
    filter: Vec<String>,
    /// `action` for what people did, `sync`, `commit`, `anchor` for where tracked branches were; empty for all but anchors.
    #[arg(long, default_value = "action")]
    kind: String,
    /// `none` for the commits of which no approval is known, `known` for the others.
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        conflicts_with = "kind"
    )]
    approval: String,
    /// How many at most.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Only what is older: the number that the page before gave.
    #[arg(long, value_name = "NEXT")]
    before: Option<i64>,
}

/// What else can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check, at the database, that no entry was changed, removed or put in.
    ///
    /// Exit code 0: all are as they were written; 1: not, and the first that is not is named; 2: it could not be checked.
    Verify(Verify),
}

/// Needs the database, so it runs where the server runs, and is carried out by the whole program.
#[derive(Debug, Args)]
pub struct Verify {
    /// The configuration; without it lockstep.toml here, if there is one.
    #[arg(long, env = "LOCKSTEP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A head that was printed before, or stands in a commit as Lockstep-Log: the log must still hold it.
    #[arg(long, value_name = "NUMBER:DIGEST")]
    pub expect_head: Option<String>,
}

fn word(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

impl Fleet {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let filter = self.filter.join(" ");
        let query = [
            ("filter", filter.as_str()),
            ("all", word(self.all)),
            ("at", self.at.as_deref().unwrap_or_default()),
            ("until", self.until.as_deref().unwrap_or_default()),
        ];
        let view: FleetView = global.open()?.get("/fleet", &query).await?;
        global.list(&view, fleet, |view| {
            let rows = view.sections.iter().flat_map(|section| &section.rows);
            rows.map(|row| format!("{}/{}", row.project, row.group))
                .collect()
        })
    }
}

fn fleet(view: &FleetView, wide: bool) -> String {
    let mut table = Table::new(if wide {
        &["GROUP", "CLUSTER", "SYNC", "HEALTH", "REASON", "FROM"]
    } else {
        &["GROUP", "CLUSTER", "SYNC", "HEALTH", "REASON"]
    });
    for row in view.sections.iter().flat_map(|section| &section.rows) {
        for target in row.cells.iter().flatten() {
            let mut line = vec![
                format!("{}/{}", row.project, row.group),
                target.target.cluster.clone(),
                super::app::sync_words(target),
                target.health.status.word().to_owned(),
                reason(target),
            ];
            if wide {
                line.push(row.origin.clone());
            }
            table.row(line);
        }
    }
    let folded = match view.folded {
        0 => String::new(),
        some => format!("{some} more where all is well; --all shows them\n"),
    };
    let past = view.past.as_ref().map_or_else(String::new, past);
    format!("{}{folded}{past}", table.text())
}

/// What stands otherwise since.
fn past(past: &Past) -> String {
    let mut table = Table::new(&["APP", "CLUSTER", "THEN", "LATER"]);
    for turned in &past.turned {
        let application = &turned.target.application;
        let state = |state: &Option<StateThen>| {
            state.as_ref().map_or_else(
                || "not there".to_owned(),
                |state| {
                    let revision = state.revision.as_ref().map_or("", Revision::short);
                    format!("{} {} {revision}", state.sync.word(), state.health.word())
                },
            )
        };
        table.row([
            format!("{}/{}", application.project, application.name),
            turned.target.cluster.clone(),
            state(&turned.before),
            state(&turned.after),
        ]);
    }
    let later = past.until.map_or("now".to_owned(), |until| until.rfc3339());
    format!(
        "\nas it was at {}; otherwise {later}: {}\n{}",
        past.at.rfc3339(),
        past.turned.len(),
        if past.turned.is_empty() {
            String::new()
        } else {
            table.text()
        }
    )
}

fn reason(target: &TargetSummary) -> String {
    let reason = target.reason.as_ref();
    reason.map_or_else(String::new, |reason| reason.sentence())
}

impl Drift {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let filter = self.filter.join(" ");
        let query = [
            ("filter", filter.as_str()),
            ("all", word(self.all)),
            ("at", self.at.as_deref().unwrap_or_default()),
        ];
        let rows: Vec<DriftRow> = global.open()?.get("/drift", &query).await?;
        global.list(&rows, |rows, wide| drift(rows, wide), |rows| names(rows))?;
        let open = self.at.is_none() && rows.iter().any(|row| row.closed_at.is_none());
        Ok(if open { Exit::Failed } else { Exit::Done })
    }
}

fn names(rows: &[DriftRow]) -> Vec<String> {
    let mut names: Vec<String> = rows
        .iter()
        .map(|row| {
            let application = &row.target.application;
            format!("{}/{}", application.project, application.name)
        })
        .collect();
    names.dedup();
    names
}

/// The table of `drift` and of `app blame`.
pub(super) fn drift(rows: &[DriftRow], wide: bool) -> String {
    let mut table = Table::new(if wide {
        &[
            "APP", "CLUSTER", "OBJECT", "FIELD", "GIT", "LIVE", "BY", "SINCE", "STATE", "LINE",
        ]
    } else {
        &[
            "APP", "CLUSTER", "OBJECT", "FIELD", "GIT", "LIVE", "BY", "SINCE", "STATE",
        ]
    });
    for row in rows {
        let application = &row.target.application;
        let mut line = vec![
            format!("{}/{}", application.project, application.name),
            row.target.cluster.clone(),
            row.key.to_string(),
            row.path.clone(),
            value(row.declared.as_ref()),
            value(row.live.as_ref()),
            by(row),
            row.opened_at.rfc3339(),
            row.state.word().to_owned(),
        ];
        if wide {
            let origin = row.origin.as_ref();
            line.push(origin.map_or_else(String::new, |origin| origin.path.clone()));
        }
        table.row(line);
    }
    table.text()
}

fn by(row: &DriftRow) -> String {
    match (&row.manager, row.baseline) {
        (_, true) => "before the first comparison".to_owned(),
        (Some(manager), _) => manager.clone(),
        (None, _) => "unknown".to_owned(),
    }
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), Value::to_string)
}

impl Alerts {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let filter = self.filter.join(" ");
        let mut view = AlertsView {
            open: 0,
            incidents: Vec::new(),
            next: None,
        };
        loop {
            let after = view.next.map(|next| next.to_string());
            let mut query = vec![
                ("filter", filter.as_str()),
                ("resolved", word(self.resolved)),
            ];
            if let Some(after) = &after {
                query.push(("after", after));
            }
            let page: AlertsView = api.get("/alerts", &query).await?;
            view.open = page.open;
            view.incidents.extend(page.incidents);
            view.next = page.next;
            // What is over reaches back a month: one page is enough for people.
            if view.next.is_none() || self.resolved {
                break;
            }
        }
        global.list(&view, alerts, |view| {
            let ids = view.incidents.iter().map(|incident| incident.id);
            ids.map(|id| id.to_string()).collect()
        })
    }
}

fn alerts(view: &AlertsView, wide: bool) -> String {
    let mut table = Table::new(if wide {
        &["SEVERITY", "WHAT", "WHERE", "SINCE", "OVER", "WHY", "ID"]
    } else {
        &["SEVERITY", "WHAT", "WHERE", "SINCE", "OVER", "WHY"]
    });
    for incident in &view.incidents {
        table.row(alert(incident, wide));
    }
    table.text()
}

fn alert(incident: &Incident, wide: bool) -> Vec<String> {
    let over = incident.resolved_at.map(|at| at.rfc3339());
    let mut line = vec![
        incident.severity.word().to_owned(),
        incident.condition.title().to_owned(),
        incident.subject.words(),
        incident.since.rfc3339(),
        over.unwrap_or_default(),
        incident.cause.clone(),
    ];
    if wide {
        line.push(incident.id.to_string());
    }
    line
}

impl Audit {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        if self.command.is_some() {
            return Err(ClientError::Usage(
                "the database itself is read for this; run it where the server runs, with the program that holds the server"
                    .to_owned(),
            ));
        }
        let filter = self.filter.join(" ");
        let limit = self.limit.to_string();
        let before = self.before.map(|next| next.to_string());
        let before = before.unwrap_or_default();
        let kind = if self.approval.is_empty() {
            self.kind.as_str()
        } else {
            "commit"
        };
        let query = [
            ("filter", filter.as_str()),
            ("kind", kind),
            ("approval", self.approval.as_str()),
            ("limit", limit.as_str()),
            ("before", before.as_str()),
        ];
        let view: ActivityView = global.open()?.get("/activity", &query).await?;
        if let Some(next) = view.next {
            remark(&match view.entries.is_empty() {
                true => format!(
                    "nothing that fits back to {}; to search further back: --before {}",
                    next.rfc3339(),
                    next.0
                ),
                false => format!("older ones: --before {}", next.0),
            });
        }
        global.show(&view, |view| {
            let mut table = Table::new(&["TIME", "WHO", "WHAT", "ON", "WHY"]);
            for entry in &view.entries {
                table.row(entry_line(entry));
            }
            table.text()
        })
    }
}

fn entry_line(entry: &ActivityEntry) -> [String; 5] {
    let at = entry.at().rfc3339();
    match entry {
        ActivityEntry::Action {
            actor,
            action,
            subject,
            reason,
            ..
        } => [
            at,
            actor.clone(),
            action.clone(),
            subject.clone(),
            reason.clone(),
        ],
        ActivityEntry::Run(run) => [
            at,
            run.started_by.words(),
            format!("sync {}", run.phase.word()),
            format!(
                "{}/{} on {}",
                run.target.application.project, run.target.application.name, run.target.cluster
            ),
            run.message.clone(),
        ],
        ActivityEntry::Commit {
            repo, commit, pull, ..
        } => [
            at,
            commit.author.clone(),
            format!(
                "commit {} ({})",
                commit.revision.short(),
                approval_words(pull.as_ref())
            ),
            repo.clone(),
            commit.subject.clone(),
        ],
    }
}
