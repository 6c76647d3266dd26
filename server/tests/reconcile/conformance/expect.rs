//! How things come to be after a step: looked at until all of it is so, then remembered.

use super::act::{PAUSE, maria};
use super::lane::Stage;
use super::table::{Scenario, Step};
use lockstep_types::id::TargetId;
use lockstep_types::plan::Action;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use lockstep_types::sync::{RunSummary, StepOutcome, StepStatus};
use serde_json::Value;
use server::store;
use server::store::target::TargetRow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long anything may take.
const WITHIN: Duration = Duration::from_secs(45);

/// What a scenario knows of the steps before.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The application that is looked at.
    pub of: String,
    pub head: Option<Revision>,
    /// Runs that earlier steps have seen, by application.
    runs: BTreeMap<String, usize>,
    /// Writes that earlier steps have seen.
    writes: usize,
    looked_at_writes: bool,
    uids: BTreeMap<String, String>,
}

impl Memory {
    pub fn of(scenario: &Scenario) -> Self {
        let of = match &scenario.bundle {
            Some(_) => "shop-manifests",
            None => "shop",
        };
        Self {
            of: of.to_owned(),
            ..Self::default()
        }
    }
}

/// What was expected, and what was found instead.
type Said = (String, String);

fn differs<T>(expected: impl Into<String>, found: impl Into<String>) -> Result<T, Said> {
    Err((expected.into(), found.into()))
}

/// What is said at first; a step on an application that is not there yet waits for it.
struct Seen {
    row: TargetRow,
    runs: Vec<RunSummary>,
    writes: Vec<String>,
}

/// Longer than anything that the reconciler puts off in these tests.
const QUIET: Duration = Duration::from_millis(2500);

/// Whether a step says that nothing is done.
fn says_nothing_happens(step: &Step) -> bool {
    let no_runs = step.runs.as_ref().is_some_and(Vec::is_empty);
    no_runs || step.writes.as_ref().is_some_and(Vec::is_empty)
}

impl Stage<'_> {
    /// Waits until everything is as a step says.
    pub async fn expect(&mut self, step: &Step) -> Result<(), Said> {
        let deadline = Instant::now() + patience(step);
        let before = self.memory.clone();
        let mut waited = !says_nothing_happens(step);
        loop {
            let last = match self.look(step).await {
                Ok(()) if waited => return Ok(()),
                // What would happen wrongly has its time, too: a prune waits for a second render.
                Ok(()) => {
                    waited = true;
                    self.memory = before.clone();
                    tokio::time::sleep(QUIET).await;
                    continue;
                }
                Err(last) => last,
            };
            if Instant::now() > deadline {
                return Err(last);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// After the last step: nothing was written that no step expected, by the audit log.
    pub async fn nothing_more(&self) -> Result<(), Said> {
        let all = self.place.audit.writes(&self.namespace);
        let more = all.get(self.memory.writes..).unwrap_or_default();
        if self.memory.looked_at_writes && !more.is_empty() {
            return differs("no writes after the last step", format!("{more:?}"));
        }
        Ok(())
    }

    async fn look(&mut self, step: &Step) -> Result<(), Said> {
        let seen = self.see().await?;
        self.state(step, &seen)?;
        self.runs(step, &seen)?;
        self.writes(step, &seen).await?;
        self.gate(step, &seen).await?;
        self.warnings(step, seen.row.id).await?;
        self.objects(step)?;
        let uids = self.identities(step)?;
        self.memory.uids.extend(uids);
        self.memory
            .runs
            .insert(self.memory.of.clone(), seen.runs.len());
        if step.writes.is_some() {
            self.memory.writes = seen.writes.len();
            self.memory.looked_at_writes = true;
        }
        Ok(())
    }

    async fn see(&self) -> Result<Seen, Said> {
        let name = &self.memory.of;
        let Some(target) = self.target(name).await else {
            let problems = store::source::get(self.store, self.source).await;
            return differs(format!("the application {name}"), format!("{problems:?}"));
        };
        let row = store::target::get(self.store, target).await;
        let mut runs = store::run::of_target(self.store, target, None, 100)
            .await
            .map_err(|error| ("the runs".to_owned(), error.to_string()))?;
        runs.reverse();
        Ok(Seen {
            row: row.map_err(|error| ("a target".to_owned(), error.to_string()))?,
            runs,
            writes: self.place.audit.writes(&self.namespace),
        })
    }

    fn state(&self, step: &Step, seen: &Seen) -> Result<(), Said> {
        let state = &seen.row.state;
        if !step.blind && state.revision != self.memory.head {
            return differs(
                format!("compared with {:?}", self.memory.head),
                format!("{:?}, because of {:?}", state.revision, state.reason),
            );
        }
        let why = || {
            let reason = state.reason.as_ref();
            reason.map_or_else(
                || "no reason".to_owned(),
                |why| format!("{}: {}", why.code.word(), why.sentence()),
            )
        };
        if let Some(wanted) = &step.sync {
            let found = format!("{:?}", state.sync);
            if found != *wanted {
                return differs(wanted, format!("{found}, {}", why()));
            }
        }
        if let Some(wanted) = &step.health {
            let found = format!("{}: {}", state.health.status.word(), state.health.message);
            says("health", wanted, &found)?;
        }
        match step.reason.as_deref() {
            Some("none") if state.reason.is_some() => return differs("no reason", why()),
            Some("none") | None => {}
            Some(wanted) => says("the reason", wanted, &why())?,
        }
        for (what, wanted, found) in [
            ("objects differ", step.differ, state.out_of_sync),
            ("objects drifted", step.drifted, state.drifted),
        ] {
            if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
                return differs(format!("{wanted} {what}"), format!("{found}; {}", why()));
            }
        }
        Ok(())
    }

    /// The runs since the step before.
    fn new_runs<'s>(&self, seen: &'s Seen) -> &'s [RunSummary] {
        let before = self.memory.runs.get(&self.memory.of).copied().unwrap_or(0);
        seen.runs.get(before..).unwrap_or_default()
    }

    fn runs(&self, step: &Step, seen: &Seen) -> Result<(), Said> {
        let runs = self.new_runs(seen);
        let words = |runs: &[RunSummary]| {
            let all: Vec<String> = runs
                .iter()
                .map(|run| {
                    format!("{} {}", run.phase.word(), run.message)
                        .trim()
                        .to_owned()
                })
                .collect();
            format!(
                "runs {all:?}, {:?}",
                seen.row.state.reason.as_ref().map(|why| why.sentence())
            )
        };
        let wanted = match (&step.run, &step.runs) {
            (Some(one), _) => Some(vec![one.clone()]),
            (None, all) => all.clone(),
        };
        if let Some(wanted) = wanted {
            let found: Vec<&str> = runs.iter().map(|run| run.phase.word()).collect();
            if found != wanted {
                return differs(format!("runs {wanted:?}"), words(runs));
            }
        }
        let newest = seen.runs.last();
        if let Some(wanted) = &step.last {
            let found = newest.map(|run| run.phase.word()).unwrap_or_default();
            if found != wanted {
                return differs(format!("the last run {wanted}"), words(&seen.runs));
            }
        }
        if let Some(part) = &step.message {
            let found = newest.map(|run| run.message.as_str()).unwrap_or_default();
            if !found.contains(part.as_str()) {
                return differs(format!("the run says “{part}”"), found);
            }
        }
        if let Some(by) = &step.by {
            let found = newest.map(|run| run.started_by.words()).unwrap_or_default();
            if found != *by {
                return differs(format!("begun by {by}"), found);
            }
        }
        Ok(())
    }

    /// What was written since a step last looked, by the audit log; and that the step log of a run that alone did it
    /// tells the same order: nothing began before what stands before it had ended.
    async fn writes(&self, step: &Step, seen: &Seen) -> Result<(), Said> {
        let Some(wanted) = &step.writes else {
            return Ok(());
        };
        let groups: Vec<BTreeSet<String>> = wanted.iter().map(group).collect();
        let found = seen.writes.get(self.memory.writes..).unwrap_or_default();
        let mut rest = found;
        for group in &groups {
            let (head, tail) = rest.split_at(group.len().min(rest.len()));
            if head.iter().cloned().collect::<BTreeSet<_>>() != *group {
                return differs(
                    format!("writes {}", Value::Array(wanted.clone())),
                    format!("{found:?}"),
                );
            }
            rest = tail;
        }
        if !rest.is_empty() {
            return differs(
                format!("writes {}", Value::Array(wanted.clone())),
                format!("{found:?}"),
            );
        }
        let runs = self.new_runs(seen);
        let ([run], Some("Succeeded")) = (runs, step.run.as_deref()) else {
            return Ok(());
        };
        let steps = store::run::steps(self.store, run.id)
            .await
            .map_err(|error| ("a step log".to_owned(), error.to_string()))?;
        in_order(&groups, &steps)
    }

    async fn gate(&self, step: &Step, seen: &Seen) -> Result<(), Said> {
        let Some(wanted) = &step.gate else {
            return Ok(());
        };
        let plan = match seen.runs.last() {
            Some(run) => store::run::plan(self.store, run.id)
                .await
                .map_err(|error| ("a plan".to_owned(), error.to_string()))?,
            None => None,
        };
        let gate = plan.map(|plan| plan.gate).unwrap_or_default();
        let found: Vec<&str> = gate.iter().map(|finding| finding.rule.as_str()).collect();
        if found != *wanted {
            return differs(format!("the gate says {wanted:?}"), format!("{found:?}"));
        }
        Ok(())
    }

    async fn warnings(&self, step: &Step, target: TargetId) -> Result<(), Said> {
        let Some(wanted) = &step.warns else {
            return Ok(());
        };
        let changes = self.ports.applications.changes(&maria(), target).await;
        let found = changes
            .map_err(|error| ("the changes".to_owned(), error.to_string()))?
            .warnings;
        let fits = found.len() == wanted.len()
            && found
                .iter()
                .zip(wanted)
                .all(|(found, part)| found.contains(part.as_str()));
        if !fits {
            return differs(format!("warnings {wanted:?}"), format!("{found:?}"));
        }
        Ok(())
    }

    /// The live object, or nothing.
    fn live(&self, object: &str) -> Result<Option<Value>, Said> {
        let arguments = [
            "--namespace",
            &self.namespace,
            "get",
            object,
            "--ignore-not-found",
            "-o",
            "json",
        ];
        let text = self
            .place
            .kubectl(&arguments)
            .map_err(|said| (format!("kubectl get {object}"), said))?;
        if text.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| (format!("kubectl get {object}"), error.to_string()))
    }

    fn objects(&self, step: &Step) -> Result<(), Said> {
        for object in &step.there {
            if self.live(object)?.is_none() {
                return differs(format!("{object} is there"), "it is not");
            }
        }
        for object in &step.gone {
            if self.live(object)?.is_some() {
                return differs(format!("{object} is gone"), "it is there");
            }
        }
        for (kind, wanted) in &step.count {
            let found = self
                .place
                .kubectl(&["--namespace", &self.namespace, "get", kind, "-o", "name"])
                .map_err(|said| (format!("kubectl get {kind}"), said))?;
            if found.lines().count() != *wanted {
                return differs(format!("{wanted} {kind}"), found);
            }
        }
        for (object, fields) in &step.fields {
            let Some(live) = self.live(object)? else {
                return differs(format!("{object} with {fields:?}"), "it is not there");
            };
            for (pointer, wanted) in fields {
                let found = live.pointer(pointer).unwrap_or(&Value::Null);
                if found != wanted {
                    return differs(format!("{object} {pointer}: {wanted}"), found.to_string());
                }
            }
        }
        Ok(())
    }

    fn identities(&self, step: &Step) -> Result<BTreeMap<String, String>, Said> {
        let mut uids = BTreeMap::new();
        for (objects, same) in [(&step.same, true), (&step.anew, false)] {
            for object in objects {
                let live = self.live(object)?;
                let uid = live
                    .as_ref()
                    .and_then(|live| live.pointer("/metadata/uid")?.as_str());
                let Some(uid) = uid else {
                    return differs(format!("{object} is there"), "it is not");
                };
                let before = self.memory.uids.get(object);
                if before.is_some_and(|before| (before == uid) != same) {
                    let expected = if same { "the same" } else { "another" };
                    return differs(
                        format!("{expected} {object}"),
                        format!("{uid} after {before:?}"),
                    );
                }
                assert!(
                    same || before.is_some(),
                    "{object}: no step before said it is the same"
                );
                uids.insert(object.clone(), uid.to_owned());
            }
        }
        Ok(uids)
    }
}

fn patience(step: &Step) -> Duration {
    match step.within {
        0 => WITHIN,
        seconds => Duration::from_secs(seconds),
    }
}

/// `Word`, or `Word: part of what follows`.
fn says(what: &str, wanted: &str, found: &str) -> Result<(), Said> {
    let (word, part) = wanted.split_once(": ").unwrap_or((wanted, ""));
    let (found_word, rest) = found.split_once(": ").unwrap_or((found, ""));
    if word == found_word && rest.contains(part) {
        return Ok(());
    }
    differs(format!("{what} is {wanted}"), found)
}

fn group(value: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().expect("writes are texts").to_owned();
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => BTreeSet::from([text(one)]),
    }
}

/// Whether no step of a group began before those of the groups before had ended.
fn in_order(groups: &[BTreeSet<String>], steps: &[StepOutcome]) -> Result<(), Said> {
    let of = |write: &String| {
        let mut found = steps.iter().filter(|step| {
            step.status == StepStatus::Done && step.action.writes() && written(step) == *write
        });
        let first = found.next()?;
        // A hook that runs twice cannot be told apart here.
        found.next().is_none().then_some((write.clone(), first))
    };
    let mut before: Vec<(String, &StepOutcome)> = Vec::new();
    for group in groups {
        let now: Vec<_> = group.iter().filter_map(of).collect();
        for (write, step) in &now {
            for (earlier, ended) in &before {
                if ended.ended_at > step.started_at {
                    return differs(
                        format!(
                            "the step log has the end of {earlier} before the beginning of {write}"
                        ),
                        format!("{:?} and {:?}", ended.ended_at, step.started_at),
                    );
                }
            }
        }
        before.extend(now);
    }
    Ok(())
}

/// What a step of the log is in the words of the audit log.
fn written(step: &StepOutcome) -> String {
    let sign = match step.action {
        Action::Prune | Action::HookCleanup(_) => "-",
        _ => "",
    };
    format!("{sign}{}/{}", plural(&step.key), step.key.name)
}

fn plural(key: &ResourceKey) -> String {
    let kind = key.kind.to_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}
