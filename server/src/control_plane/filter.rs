//! The filter language of the fleet page: `cluster:prod-* health:degraded is:drifting label:team=a since:1h words`.
//!
//! Pure: text in, terms out, and whether a target matches them. All terms must match; values set apart by commas are
//! alternatives. It knows no store and no clock.

mod glob;
mod read;

pub use read::read;

pub(super) use glob::Glob;
use lockstep_types::application::TargetSummary;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;
use std::collections::BTreeMap;

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    terms: Vec<Term>,
    /// A commit that is asked about, apart from the terms: only Git knows whether it exists.
    pub commit: Option<CommitTerm>,
}

/// A commit in a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitTerm {
    /// The digits as written.
    pub text: String,
    /// In characters from the beginning of the filter.
    pub offset: u32,
    /// Written as `commit:`, so it can be nothing else; otherwise it may also be a word.
    pub certain: bool,
}

/// Where a filter is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// In characters from the beginning.
    pub offset: u32,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Cluster(Vec<Glob>),
    Project(Vec<Glob>),
    App(Vec<Glob>),
    Image(Vec<Glob>),
    Health(Vec<HealthStatus>),
    Sync(Vec<SyncStatus>),
    Is(Vec<Is>),
    /// The value absent: the label exists.
    Label(String, Option<Vec<Glob>>),
    /// Changed within so many seconds.
    Since(i64),
    /// Lower-cased.
    Word(String),
}

/// States that are neither sync nor health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Drifting,
    Observed,
    Held,
    Pinned,
    Pending,
    Stalled,
}

/// A target with what filters look at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub summary: &'a TargetSummary,
    pub group: &'a str,
    /// `shop.git · overlays/production`.
    pub origin: &'a str,
    /// Of the definition.
    pub labels: &'a BTreeMap<String, String>,
    /// Of the cluster.
    pub cluster_labels: &'a BTreeMap<String, String>,
    /// When its state last became another.
    pub changed_at: Micros,
    pub now: Micros,
}

impl Filter {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.commit.is_none()
    }

    /// The first key that asks for what is not recorded over time.
    pub fn not_over_time(&self) -> Option<&'static str> {
        let certain = self.commit.as_ref().is_some_and(|commit| commit.certain);
        let term = self.terms.iter().find_map(|term| match term {
            Term::Image(_) => Some("image"),
            Term::Since(_) => Some("since"),
            Term::Is(states) if states.iter().any(|is| !is.is_kept()) => Some("is"),
            _ => None,
        });
        term.or_else(|| certain.then_some("commit"))
    }

    /// Takes the commit as an ordinary word: no repository has it.
    pub fn commit_is_a_word(&mut self) {
        if let Some(commit) = self.commit.take() {
            self.terms.push(Term::Word(commit.text.to_lowercase()));
        }
    }

    /// Whether every term fits.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.terms.iter().all(|term| term.matches(subject))
    }
}

impl Term {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        let summary = subject.summary;
        match self {
            Self::Cluster(globs) => globs.iter().any(|glob| glob.whole(&summary.target.cluster)),
            Self::Project(globs) => globs
                .iter()
                .any(|glob| glob.whole(&summary.target.application.project)),
            Self::App(globs) => globs.iter().any(|glob| {
                let application = &summary.target.application;
                let full = format!("{}/{}", application.project, application.name);
                glob.part(&application.name) || glob.part(subject.group) || glob.part(&full)
            }),
            Self::Image(globs) => globs
                .iter()
                .any(|glob| summary.images.iter().any(|image| glob.part(image))),
            Self::Health(words) => words.contains(&summary.health.status),
            Self::Sync(words) => words.contains(&summary.sync),
            Self::Is(states) => states.iter().any(|is| is.of(summary)),
            Self::Label(key, wanted) => {
                [subject.labels, subject.cluster_labels]
                    .iter()
                    .any(|labels| {
                        labels.get(key).is_some_and(|value| match wanted {
                            None => true,
                            Some(globs) => globs.iter().any(|glob| glob.whole(value)),
                        })
                    })
            }
            Self::Since(seconds) => subject.now.seconds_since(subject.changed_at) <= *seconds,
            Self::Word(word) => said(subject)
                .iter()
                .any(|text| text.to_lowercase().contains(word)),
        }
    }
}

/// What free words are looked for in.
fn said<'a>(subject: &Subject<'a>) -> Vec<&'a str> {
    let summary = subject.summary;
    let mut texts: Vec<&str> = vec![
        &summary.target.application.name,
        &summary.target.application.project,
        &summary.target.cluster,
        subject.group,
        subject.origin,
    ];
    texts.extend(summary.images.iter().map(String::as_str));
    if let Some(reason) = &summary.reason {
        texts.push(&reason.cause);
    }
    texts
}

impl Is {
    /// Whether it is known of earlier times.
    fn is_kept(self) -> bool {
        matches!(self, Self::Drifting | Self::Stalled)
    }

    fn of(self, summary: &TargetSummary) -> bool {
        match self {
            Self::Drifting => summary.drifted > 0,
            Self::Observed => summary.mode == Mode::Observe,
            Self::Held => summary.hold.is_some(),
            Self::Pinned => summary.pin.is_some(),
            Self::Pending => pending(summary),
            Self::Stalled => summary.reason.as_ref().is_some_and(|reason| reason.stalled),
        }
    }
}

/// Something newer waits or is on its way: a run, an approval, an ended hold or pin, or an undeployed revision.
fn pending(summary: &TargetSummary) -> bool {
    summary
        .phase
        .is_some_and(|phase: SyncPhase| !phase.is_final())
        || summary.hold.as_ref().is_some_and(|hold| hold.ended_waiting)
        || summary.pin.as_ref().is_some_and(|pin| pin.ended_waiting)
        || summary.reason.as_ref().is_some_and(|reason| {
            matches!(
                reason.code,
                ReasonCode::Behind | ReasonCode::AwaitingApproval
            )
        })
}

#[cfg(test)]
mod tests;
