//! Flux's `Alert`s as far as they map to conditions and receivers here. Pure.
//!
//! A `Provider` stands for the receiver of its name and kind: no address and no secret is taken from Git, so that nobody
//! who can write there sends alerts elsewhere. Whatever does not map says why.

use engine::definition::{Definition, EventSource, NoticeAlert, Notices};
use lockstep_types::alert::{Condition, Incident};
use lockstep_types::application::Dialect;
use lockstep_types::id::ReceiverId;
use lockstep_types::notify::{Channel, ReceiverView};
use regex::{RegexSet, RegexSetBuilder};

/// Bytes that the patterns of one alert may take once they are compiled.
const PATTERNS: usize = 1024 * 1024;
/// Patterns of one alert.
const MOST_PATTERNS: usize = 100;

/// What one alert asks for one of its event sources.
#[derive(Debug, Clone)]
pub(crate) struct Heeded {
    /// `clusters/prod/alerts.yaml:12`.
    pub place: String,
    /// `Alert flux-system/on-call: errors of Kustomization flux-system/* → slack`.
    pub asks: String,
    pub receiver: Option<ReceiverId>,
    /// Why it comes to nothing here; empty when it is in force.
    pub problem: String,
    about: EventSource,
    only_errors: bool,
    include: RegexSet,
    exclude: RegexSet,
}

/// What one alert may be about, by itself.
const MOST_SOURCES: usize = 200;
/// Alerts of one source that are heeded: each is held against every incident.
const MOST_ALERTS: usize = 500;

/// Reads the alerts of one source.
pub(crate) fn heeded(notices: &Notices, receivers: &[ReceiverView]) -> Vec<Heeded> {
    let of = |alert: &NoticeAlert| -> Vec<Heeded> {
        let (receiver, problem) = match receiver(alert, notices, receivers) {
            Ok(id) => (Some(id), String::new()),
            Err(why) => (None, why),
        };
        let patterns = patterns(&alert.include)
            .and_then(|include| patterns(&alert.exclude).map(|exclude| (include, exclude)));
        alert
            .sources
            .iter()
            .take(MOST_SOURCES)
            .map(|about| {
                let problem = match (&problem, &patterns, dialect(&about.kind)) {
                    (why, _, _) if !why.is_empty() => why.clone(),
                    (_, Err(why), _) => why.clone(),
                    (_, _, None) => format!(
                        "nothing is told of a {} by itself: what it breaks is told with the applications that read it",
                        about.kind
                    ),
                    _ => String::new(),
                };
                let (include, exclude) = patterns.clone().unwrap_or_default();
                Heeded {
                    place: format!("{}:{}", alert.path, about.line),
                    asks: asks(alert, about),
                    receiver: receiver.filter(|_| problem.is_empty()),
                    problem,
                    about: about.clone(),
                    only_errors: alert.only_errors,
                    include,
                    exclude,
                }
            })
            .collect()
    };
    notices
        .alerts
        .iter()
        .take(MOST_ALERTS)
        .flat_map(of)
        .collect()
}

impl Heeded {
    /// Whether it wants its receiver to know of an incident of an application.
    pub(crate) fn wants(&self, definition: &Definition, incident: &Incident) -> bool {
        let about = &self.about;
        Some(definition.dialect) == dialect(&about.kind)
            && definition.namespace == about.namespace
            && (about.name == "*" || about.name == definition.name)
            && about
                .labels
                .iter()
                .all(|(key, value)| definition.labels.get(key) == Some(value))
            && (!self.only_errors || is_error(incident.condition))
            && (self.include.is_empty() || self.include.is_match(&incident.cause))
            && !self.exclude.is_match(&incident.cause)
    }
}

fn asks(alert: &NoticeAlert, about: &EventSource) -> String {
    let what = if alert.only_errors {
        "errors"
    } else {
        "every alert"
    };
    let labels: Vec<String> = about
        .labels
        .iter()
        .map(|(key, value)| format!(" {key}={value}"))
        .collect();
    format!(
        "Alert {}/{}: {what} of {} {}/{}{} → {}",
        alert.namespace,
        alert.name,
        about.kind,
        about.namespace,
        about.name,
        labels.concat(),
        alert.provider
    )
}

/// Where an alert goes.
fn receiver(
    alert: &NoticeAlert,
    notices: &Notices,
    receivers: &[ReceiverView],
) -> Result<ReceiverId, String> {
    if alert.suspend {
        return Err("it is suspended".to_owned());
    }
    let provider = notices
        .providers
        .iter()
        .find(|known| known.namespace == alert.namespace && known.name == alert.provider)
        .ok_or_else(|| {
            format!(
                "there is no Provider {}/{} in this source, or it cannot be read",
                alert.namespace, alert.provider
            )
        })?;
    if provider.suspend {
        return Err(format!("the Provider {} is suspended", provider.name));
    }
    let channel = channel(&provider.kind)?;
    receivers
        .iter()
        .find(|receiver| receiver.name == provider.name && receiver.channel == channel)
        .map(|receiver| receiver.id)
        .ok_or_else(|| {
            format!(
                "there is no receiver “{}” of the kind {}; add one of this name: address and secret are not taken from Git",
                provider.name,
                channel.title()
            )
        })
}

fn channel(kind: &str) -> Result<Channel, String> {
    match kind {
        "slack" | "rocket" => Ok(Channel::Slack),
        "generic" | "generic-hmac" => Ok(Channel::Webhook),
        "msteams" => Ok(Channel::Teams),
        "pagerduty" => Ok(Channel::PagerDuty),
        "github" | "gitlab" | "gitea" | "bitbucket" | "bitbucketserver" | "azuredevops" => {
            Err(format!(
                "a Provider of the type {kind} sets commit statuses: add the Git host below Git hosts instead"
            ))
        }
        other => Err(format!(
            "a Provider of the type {other} has no receiver here"
        )),
    }
}

fn dialect(kind: &str) -> Option<Dialect> {
    match kind {
        "Kustomization" => Some(Dialect::FluxKustomization),
        "HelmRelease" => Some(Dialect::FluxHelmRelease),
        _ => None,
    }
}

/// What Flux would call an error: something failed. A difference alone, and an end that comes near, are none.
fn is_error(condition: Condition) -> bool {
    match condition {
        Condition::Degraded
        | Condition::SyncFailed
        | Condition::RenderBroken
        | Condition::ClusterUnreachable
        | Condition::Stale
        | Condition::Fight
        | Condition::PruneHeld => true,
        Condition::Drift | Condition::OutOfSync | Condition::HoldEnding => false,
    }
}

/// Flux's patterns are Go's, which are written as those of this library.
fn patterns(texts: &[String]) -> Result<RegexSet, String> {
    if texts.len() > MOST_PATTERNS {
        return Err(format!("it has more than {MOST_PATTERNS} patterns"));
    }
    let mut builder = RegexSetBuilder::new(texts);
    builder.size_limit(PATTERNS).dfa_size_limit(PATTERNS);
    builder
        .build()
        .map_err(|_| "one of its patterns cannot be read, or is too large".to_owned())
}

#[cfg(test)]
mod tests;
