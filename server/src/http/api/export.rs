//! The timeline as a file: JSON Lines or CSV, page after page as it is read, so that memory does not grow with its length.

use crate::http::Web;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::header;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::activity::{ActivityEntry, ActivityQuery};

/// Entries that one page reads.
const PAGE: u32 = 200;
/// Entries of a file unless asked otherwise, and at most.
pub(super) const USUAL: u32 = 10_000;
pub(super) const MOST: u32 = 1_000_000;

/// In the column of a commit that nobody is known to have approved.
const NO_APPROVAL: &str = "no approval known";

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    JsonLines,
    Csv,
}

impl Form {
    fn kind(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn disposition(self) -> &'static str {
        match self {
            Self::JsonLines => "attachment; filename=\"activity.jsonl\"",
            Self::Csv => "attachment; filename=\"activity.csv\"",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::JsonLines => "",
            Self::Csv => {
                "time,kind,who,what,on,cluster,revision,why,pull,approved by,log entry,log digest,token\r\n"
            }
        }
    }

    fn line(self, entry: &ActivityEntry) -> Result<String, PortError> {
        match self {
            Self::JsonLines => serde_json::to_string(entry)
                .map(|text| text + "\n")
                .map_err(|_| {
                    PortError::Unavailable("an entry cannot be written as JSON".to_owned())
                }),
            Self::Csv => Ok(csv(entry)),
        }
    }
}

/// How far a file is written.
struct Rest {
    web: Web,
    actor: Actor,
    query: ActivityQuery,
    form: Form,
    left: u32,
    more: bool,
}

impl Rest {
    /// The next page as text.
    async fn page(&mut self) -> Result<String, PortError> {
        self.query.limit = PAGE.min(self.left);
        let view = self
            .web
            .plane
            .fleet
            .activity(&self.actor, &self.query)
            .await?;
        // A page never tears a moment apart, so it may be a little longer than asked.
        let read = u32::try_from(view.entries.len()).unwrap_or(u32::MAX);
        self.left = self.left.saturating_sub(read);
        self.query.before = view.next;
        self.more = view.next.is_some() && self.left > 0;
        view.entries
            .iter()
            .map(|entry| self.form.line(entry))
            .collect()
    }
}

/// Writes at most `most` entries. What goes wrong before the first line is an answer of its own; later it ends the file,
/// which the client sees as an answer that is not whole.
///
/// # Errors
/// As the timeline itself.
pub(super) async fn file(
    web: Web,
    actor: Actor,
    query: ActivityQuery,
    form: Form,
    most: u32,
) -> Result<Response, PortError> {
    let mut rest = Rest {
        web,
        actor,
        query,
        form,
        left: most,
        more: true,
    };
    let first = form.head().to_owned() + &rest.page().await?;
    let pages = stream::unfold((Some(first), rest), |(first, mut rest)| async move {
        if let Some(first) = first {
            return Some((Ok(first), (None, rest)));
        }
        if !rest.more {
            return None;
        }
        let page = rest.page().await.map_err(|error| {
            rest.more = false;
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an export ends before its end"
            );
            std::io::Error::other("the rest cannot be read")
        });
        Some((page, (None, rest)))
    });
    let headers = [
        (header::CONTENT_TYPE, form.kind()),
        (header::CONTENT_DISPOSITION, form.disposition()),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

fn csv(entry: &ActivityEntry) -> String {
    let at = entry.at().rfc3339();
    let fields: [String; 13] = match entry {
        ActivityEntry::Commit {
            repo, commit, pull, ..
        } => [
            at,
            "commit".to_owned(),
            commit.author.clone(),
            commit.subject.clone(),
            repo.clone(),
            String::new(),
            commit.revision.0.clone(),
            String::new(),
            pull.as_ref()
                .map(|pull| pull.address.clone())
                .unwrap_or_default(),
            match pull {
                Some(pull) if pull.is_approved() => Vec::from_iter(pull.approvers()).join(" "),
                _ => NO_APPROVAL.to_owned(),
            },
            String::new(),
            String::new(),
            String::new(),
        ],
        ActivityEntry::Run(run) => [
            at,
            "sync".to_owned(),
            run.started_by.words(),
            match run.once.words() {
                once if once.is_empty() => run.phase.word().to_owned(),
                once => format!("{} ({once})", run.phase.word()),
            },
            format!(
                "{}/{}",
                run.target.application.project, run.target.application.name
            ),
            run.target.cluster.clone(),
            run.revision.0.clone(),
            run.message.clone(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ],
        ActivityEntry::Action {
            actor,
            action,
            subject,
            target,
            reason,
            log,
            ..
        } => [
            at,
            "action".to_owned(),
            actor.clone(),
            action.clone(),
            subject.clone(),
            target
                .as_ref()
                .map(|target| target.cluster.clone())
                .unwrap_or_default(),
            String::new(),
            reason.clone(),
            String::new(),
            String::new(),
            log.number.to_string(),
            log.digest.clone(),
            log.token.map(|token| token.to_string()).unwrap_or_default(),
        ],
    };
    fields.map(|field| cell(&field)).join(",") + "\r\n"
}

/// One field, as RFC 4180 quotes it. A spreadsheet would run what begins like a formula, so such a text gets an
/// apostrophe before it (OWASP, CSV injection).
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::Micros;
    use lockstep_types::activity::LogPlace;

    #[test]
    fn attack_31_texts_of_people_are_no_formulas_and_no_further_fields() {
        let entry = ActivityEntry::Action {
            at: Micros::from_seconds(0),
            actor: "=cmd|' /C calc'!A0".to_owned(),
            action: "sync".to_owned(),
            subject: "shop, \"cart\"\nnext".to_owned(),
            target: None,
            reason: "+1".to_owned(),
            log: LogPlace {
                number: 7,
                digest: "ab12".to_owned(),
                ..LogPlace::default()
            },
        };
        assert_eq!(
            csv(&entry),
            "\"1970-01-01T00:00:00Z\",\"action\",\"'=cmd|' /C calc'!A0\",\"sync\",\"shop, \"\"cart\"\"\nnext\",\"\",\"\",\"'+1\",\"\",\"\",\"7\",\"ab12\",\"\"\r\n"
        );
    }
}
