//! Pod: what its phase and its containers say, with image and reason in words.

use super::detail::short_image;
use super::fields::{condition, count, degraded, healthy, list, number, progressing, text};
use lockstep_types::health::Health;
use serde_json::Value;

/// What keeps a pod from running, so that many pods with the same trouble can be told in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The image, shortened.
    ImagePull(String),
    /// The container and why it ended last.
    Crashing(String),
    /// The container, and what the kubelet says.
    CannotStart(String),
    /// What the scheduler says.
    Unschedulable(String),
}

impl Trouble {
    /// Waiting for a node may end by itself; a wrong image or a crash seldom does.
    pub(super) fn is_fault(&self) -> bool {
        !matches!(self, Self::Unschedulable(_))
    }

    /// The predicate of a sentence about pods: `cannot pull web:2`.
    pub(super) fn words(&self, many: bool) -> String {
        match self {
            Self::ImagePull(image) => format!("cannot pull {image}"),
            Self::Crashing(how) if many => format!("keep crashing: {how}"),
            Self::Crashing(how) => format!("keeps crashing: {how}"),
            Self::CannotStart(why) => format!("cannot start: {why}"),
            Self::Unschedulable(why) => format!("cannot be scheduled: {why}"),
        }
    }
}

pub(super) fn health(body: &Value) -> Health {
    let trouble = trouble(body);
    match text(body, "/status/phase") {
        "Succeeded" => return healthy(),
        "Failed" => return degraded(failure(body)),
        _ => {}
    }
    match &trouble {
        // More nodes may come by themselves.
        Some(Trouble::Unschedulable(_)) => return progressing(sentence(trouble.as_ref())),
        Some(_) => return degraded(sentence(trouble.as_ref())),
        None => {}
    }
    if text(body, "/status/phase") != "Running" {
        return progressing(waiting(body));
    }
    if ends(body) {
        return progressing("running to its end");
    }
    if condition(body, "Ready").is_some_and(|ready| ready.is("True")) {
        return healthy();
    }
    if let Some(container) =
        containers(body).find(|container| container.pointer("/lastState/terminated").is_some())
    {
        return degraded(format!(
            "container {} was restarted: {}",
            text(container, "/name"),
            ended(container, "/lastState/terminated")
        ));
    }
    progressing("not ready yet")
}

/// Argo CD's word about a Pod that runs on although its restart policy says that it will end.
pub const IGNORE_RESTART_POLICY: &str = "argocd.argoproj.io/ignore-restart-policy";

/// Whether the Pod is to run to its end.
fn ends(body: &Value) -> bool {
    let marked = body
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations")?.get(IGNORE_RESTART_POLICY))
        .is_some_and(|value| value == "true");
    !marked && matches!(text(body, "/spec/restartPolicy"), "OnFailure" | "Never")
}

fn sentence(trouble: Option<&Trouble>) -> String {
    trouble
        .map(|trouble| trouble.words(false))
        .unwrap_or_default()
}

/// The trouble of a pod that is not simply starting.
pub(super) fn trouble(body: &Value) -> Option<Trouble> {
    for container in containers(body) {
        let reason = text(container, "/state/waiting/reason");
        let name = text(container, "/name");
        match reason {
            "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull"
            | "ImageInspectError" => {
                return Some(Trouble::ImagePull(short_image(image_of(body, container))));
            }
            "CrashLoopBackOff" => {
                return Some(Trouble::Crashing(format!(
                    "container {name} {}",
                    ended(container, "/lastState/terminated")
                )));
            }
            // CreateContainerConfigError, CreateContainerError, RunContainerError, ErrSomething, AnyBackOff
            other
                if other.starts_with("Err")
                    || other.ends_with("Error")
                    || other.ends_with("BackOff") =>
            {
                let message = text(container, "/state/waiting/message");
                let why = if message.is_empty() {
                    other.to_owned()
                } else {
                    format!("{message} ({other})")
                };
                return Some(Trouble::CannotStart(format!("container {name}: {why}")));
            }
            _ => {}
        }
        if !ends(body) && number(container, "/state/terminated/exitCode") != 0 {
            return Some(Trouble::Crashing(format!(
                "container {name} {}",
                ended(container, "/state/terminated")
            )));
        }
    }
    let scheduled = condition(body, "PodScheduled").filter(|scheduled| scheduled.is("False"))?;
    (scheduled.reason() == "Unschedulable")
        .then(|| Trouble::Unschedulable(scheduled.words("no node fits").to_owned()))
}

fn containers(body: &Value) -> impl Iterator<Item = &Value> {
    list(body, "/status/initContainerStatuses")
        .iter()
        .chain(list(body, "/status/containerStatuses"))
}

/// The image as the spec names it; the status may hold a digest instead.
fn image_of<'a>(body: &'a Value, status: &'a Value) -> &'a str {
    let name = text(status, "/name");
    list(body, "/spec/initContainers")
        .iter()
        .chain(list(body, "/spec/containers"))
        .find(|container| text(container, "/name") == name)
        .map(|container| text(container, "/image"))
        .filter(|image| !image.is_empty())
        .unwrap_or_else(|| text(status, "/image"))
}

fn ended(container: &Value, pointer: &str) -> String {
    let Some(ended) = container.pointer(pointer) else {
        return "ended".to_owned();
    };
    let code = number(ended, "/exitCode");
    match text(ended, "/reason") {
        "" | "Error" | "Completed" => format!("exited with code {code}"),
        "OOMKilled" => "ran out of memory (OOMKilled)".to_owned(),
        reason => format!("exited with code {code} ({reason})"),
    }
}

fn failure(body: &Value) -> String {
    let (message, reason) = (text(body, "/status/message"), text(body, "/status/reason"));
    if !message.is_empty() {
        return if reason.is_empty() {
            message.to_owned()
        } else {
            format!("{reason}: {message}")
        };
    }
    let failed =
        containers(body).find(|container| number(container, "/state/terminated/exitCode") != 0);
    match failed {
        Some(container) => format!(
            "container {} {}",
            text(container, "/name"),
            ended(container, "/state/terminated")
        ),
        None if reason.is_empty() => "it failed".to_owned(),
        None => format!("it failed: {reason}"),
    }
}

fn waiting(body: &Value) -> String {
    let waits = containers(body).find_map(|container| {
        let reason = text(container, "/state/waiting/reason");
        (!reason.is_empty()).then(|| (text(container, "/name"), reason))
    });
    match waits {
        Some((_, "ContainerCreating" | "PodInitializing")) => {
            "its containers are being created".to_owned()
        }
        Some((name, reason)) => format!("container {name} waits: {reason}"),
        None => "waiting to start".to_owned(),
    }
}

/// `Running · 2 restarts`, `ImagePullBackOff`, `Completed`.
pub(super) fn detail(body: &Value) -> String {
    let restarts: i64 = list(body, "/status/containerStatuses")
        .iter()
        .map(|status| number(status, "/restartCount"))
        .sum();
    let state = containers(body)
        .find_map(|container| {
            ["/state/waiting/reason", "/state/terminated/reason"]
                .iter()
                .map(|pointer| text(container, pointer))
                .find(|reason| !reason.is_empty() && *reason != "Completed")
        })
        .unwrap_or(match text(body, "/status/phase") {
            "Succeeded" => "Completed",
            phase => phase,
        });
    match restarts {
        0 => state.to_owned(),
        restarts => format!("{state} · {}", count(restarts, "restart")),
    }
}
