//! Inside the child: reads checks and objects, evaluates one after the other, prints one answer a line.
//!
//! The process has no files, no network and little memory, and ends soon: what does not come to an end is left behind
//! in a thread of its own, and the next one is evaluated in a new one.

use super::expression::{self, Failure};
use super::{Answer, Job, UserCheck, What, script};
use crate::health;
use crate::render::sandbox;
use lockstep_types::health::{Health, HealthStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// The hidden subcommand. `main` must hand over to [`child_main`] when it is the first argument.
pub const SUBCOMMAND: &str = "check-child";

/// What one evaluation may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// What all evaluations of one child may take: many checks without an end must not hold up other targets.
const ALTOGETHER: Duration = Duration::from_secs(15);
/// What is said of those that were not begun.
pub(super) const TOO_LONG: &str = "the checks of this application take too long altogether";
const MEMORY_BYTES: u64 = 256 * 1024 * 1024;
const CPU_SECONDS: u64 = 20;
/// Enough for the deepest expression that the parser lets through.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// What the child is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    pub checks: Vec<UserCheck>,
    pub jobs: Vec<Job>,
}

/// The hidden subcommand: `caged|uncaged`, a [`Question`] on its input.
pub fn child_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let required = arguments
        .into_iter()
        .next()
        .is_none_or(|word| word != "uncaged");
    match answer(required) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // The parent reads it from there.
            let _ = std::io::stderr().write_all(message.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn answer(required: bool) -> Result<(), String> {
    sandbox::close(MEMORY_BYTES, CPU_SECONDS, required)?;
    let mut text = Vec::new();
    std::io::stdin()
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    let question: Question = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    drop(text);
    let checks = Arc::new(question.checks);
    let mut out = std::io::stdout();
    let mut stopped: BTreeMap<usize, Answer> = BTreeMap::new();
    let mut worker = Worker::start(&checks)?;
    let began = Instant::now();
    for job in question.jobs {
        let place = job.check;
        let answer = match stopped.get(&place) {
            Some(known) => known.clone(),
            None if began.elapsed() > ALTOGETHER => stopped_answer(&checks, place, TOO_LONG),
            None => match worker.ask(job) {
                Some(answer) => answer,
                None => {
                    worker = Worker::start(&checks)?;
                    let seconds = PATIENCE.as_secs();
                    let why = format!("it did not come to an end within {seconds} s");
                    stopped_answer(&checks, place, &why)
                }
            },
        };
        if answer.stopped {
            stopped.insert(place, answer.clone());
        }
        let mut line = serde_json::to_vec(&answer).map_err(|error| error.to_string())?;
        line.push(b'\n');
        out.write_all(&line)
            .and_then(|()| out.flush())
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// What is said of a check that went beyond a limit.
pub(super) fn stopped_answer(checks: &[UserCheck], place: usize, why: &str) -> Answer {
    let origin = checks
        .get(place)
        .map(|check| check.origin.as_str())
        .unwrap_or_default();
    Answer {
        health: Health::new(
            HealthStatus::Unknown,
            format!("{origin} was stopped: {why}"),
        ),
        stopped: true,
    }
}

/// A thread that evaluates.
struct Worker {
    jobs: Sender<Job>,
    answers: Receiver<Answer>,
}

impl Worker {
    fn start(checks: &Arc<Vec<UserCheck>>) -> Result<Self, String> {
        let (jobs, wanted) = channel::<Job>();
        let (given, answers) = channel();
        let checks = Arc::clone(checks);
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || {
                for job in wanted {
                    if given.send(evaluated(&checks, &job)).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        Ok(Self { jobs, answers })
    }

    /// `None`: it came to no end.
    fn ask(&self, job: Job) -> Option<Answer> {
        if self.jobs.send(job).is_err() {
            return None;
        }
        self.answers.recv_timeout(PATIENCE).ok()
    }
}

/// Evaluates one check on one object.
pub(super) fn evaluated(checks: &[UserCheck], job: &Job) -> Answer {
    let Some(check) = checks.get(job.check) else {
        return Answer {
            health: Health::new(HealthStatus::Unknown, "there is no such check"),
            stopped: false,
        };
    };
    let found = match &check.what {
        What::Expressions {
            current,
            in_progress,
            failed,
        } => by_expressions(current, in_progress, failed, &job.object),
        What::Script(script) => script::health(script, &job.object),
        What::Ready(expression) => ready(expression, &job.object, &job.other),
    };
    match found {
        Ok(health) => Answer {
            health,
            stopped: false,
        },
        Err(predicate) => Answer {
            health: Health::new(
                HealthStatus::Unknown,
                format!("{} {predicate}", check.origin),
            ),
            stopped: script::is_stopped(&predicate),
        },
    }
}

/// In the order of Flux: not seen yet, in progress, failed, current, else still in progress.
fn by_expressions(
    current: &str,
    in_progress: &str,
    failed: &str,
    object: &Value,
) -> Result<Health, String> {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let (observed, generation) = (
        number("/status/observedGeneration"),
        number("/metadata/generation"),
    );
    if observed.is_some() && generation.is_some() && observed != generation {
        let message = "its controller has not looked at it yet";
        return Ok(Health::new(HealthStatus::Progressing, message));
    }
    let fields: Vec<(&str, &Value)> = object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    for (name, expression, status) in [
        ("inProgress", in_progress, HealthStatus::Progressing),
        ("failed", failed, HealthStatus::Degraded),
        ("current", current, HealthStatus::Healthy),
    ] {
        // Only `current` must be given.
        if expression.is_empty() && name != "current" {
            continue;
        }
        match expression::holds(expression, &fields) {
            Ok(true) if status == HealthStatus::Healthy => return Ok(Health::healthy()),
            Ok(true) => return Ok(Health::new(status, words(object, name))),
            Ok(false) => {}
            // As Flux: it is waited for.
            Err(Failure::Lacks(field)) => {
                return Ok(Health::new(
                    HealthStatus::Progressing,
                    format!("“{field}”, which its expression “{name}” reads, is not there yet"),
                ));
            }
            Err(Failure::Wrong(why)) => return Err(format!("“{name}” {why}")),
        }
    }
    Ok(Health::new(
        HealthStatus::Progressing,
        words(object, "current"),
    ))
}

/// What the object itself says, else which expression decided.
fn words(object: &Value, expression: &str) -> String {
    let said = health::unhealthy_condition(object);
    match (said.is_empty(), expression) {
        (false, _) => said,
        (true, "current") => "its expression “current” is not true yet".to_owned(),
        (true, expression) => format!("its expression “{expression}” is true"),
    }
}

/// Healthy: the dependency is ready.
fn ready(expression: &str, own: &Value, dependency: &Value) -> Result<Health, String> {
    match expression::holds(expression, &[("self", own), ("dep", dependency)]) {
        Ok(true) => Ok(Health::healthy()),
        Ok(false) => Ok(Health::new(
            HealthStatus::Progressing,
            "its readyExpr is not true yet",
        )),
        Err(Failure::Lacks(field)) => Ok(Health::new(
            HealthStatus::Progressing,
            format!("“{field}”, which its readyExpr reads, is not there yet"),
        )),
        Err(Failure::Wrong(why)) => Err(why),
    }
}
