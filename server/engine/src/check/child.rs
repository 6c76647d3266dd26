//! Starts the child and makes sure that every evaluation has an answer.

use super::cage::{Question, SUBCOMMAND, TOO_LONG, stopped_answer};
use super::{Answer, Job, UserCheck};
use crate::child::{self, ChildError, Limits};
use crate::render::SandboxSettings;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What children one after the other may take, before no further one is started: what ends its child is otherwise tried
/// by the next one.
const ALTOGETHER: Duration = Duration::from_secs(20);
/// Evaluations that one child is given.
const AT_ONCE: usize = 200;
const LIMITS: Limits = Limits {
    // Longer than the child's own limits, which say more.
    deadline: Duration::from_secs(60),
    stdout: 4 * 1024 * 1024,
    stderr: 16 * 1024,
    // As the cage has it; inside it no file can be opened.
    file: crate::render::sandbox::MAX_FILE_BYTES,
};

/// Evaluates in caged children; an answer for every job, in their order.
///
/// A check that ends its child is not tried again here, and the others are, so that each has its own answer.
pub async fn evaluate(
    settings: &SandboxSettings,
    checks: &[UserCheck],
    jobs: &[Job],
) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = vec![None; jobs.len()];
    let began = Instant::now();
    loop {
        if began.elapsed() > ALTOGETHER {
            for (slot, job) in answers.iter_mut().zip(jobs) {
                slot.get_or_insert_with(|| stopped_answer(checks, job.check, TOO_LONG));
            }
        }
        let open: Vec<usize> = answers
            .iter()
            .enumerate()
            .filter(|(_, answer)| answer.is_none())
            .map(|(place, _)| place)
            .take(AT_ONCE)
            .collect();
        let Some(first) = open.first() else {
            break;
        };
        let asked = open.iter().filter_map(|place| jobs.get(*place));
        let (given, why) = attempt(settings, checks, asked.cloned().collect()).await;
        let answered = given.len();
        for (place, answer) in open.iter().zip(given) {
            if let Some(slot) = answers.get_mut(*place) {
                *slot = Some(answer);
            }
        }
        let Some(at_fault) = open.get(answered) else {
            continue;
        };
        // Whatever ended the child, this one it did not come past.
        let check = jobs
            .get(*at_fault)
            .or_else(|| jobs.get(*first))
            .map(|job| job.check);
        for (slot, job) in answers.iter_mut().zip(jobs) {
            if slot.is_none() && Some(job.check) == check {
                *slot = Some(stopped_answer(checks, job.check, &why));
            }
        }
    }
    answers
        .into_iter()
        .zip(jobs)
        .map(|(answer, job)| answer.unwrap_or_else(|| stopped_answer(checks, job.check, "")))
        .collect()
}

/// The answers until the child ended, and why it ended.
async fn attempt(
    settings: &SandboxSettings,
    checks: &[UserCheck],
    jobs: Vec<Job>,
) -> (Vec<Answer>, String) {
    let needed: BTreeSet<usize> = jobs.iter().map(|job| job.check).collect();
    let question = Question {
        // The places stay; what is not asked for need not be sent.
        checks: checks
            .iter()
            .enumerate()
            .map(|(place, check)| {
                let mut check = check.clone();
                if !needed.contains(&place) {
                    check.what = super::What::Script(String::new());
                }
                check
            })
            .collect(),
        jobs,
    };
    let input = match serde_json::to_vec(&question) {
        Ok(input) => input,
        Err(error) => return (Vec::new(), error.to_string()),
    };
    let mut command = tokio::process::Command::new(&settings.executable);
    command
        .env_clear()
        .arg(SUBCOMMAND)
        .arg(if settings.allow_uncaged {
            "uncaged"
        } else {
            "caged"
        });
    match child::run(command, input, LIMITS).await {
        Ok(finished) => {
            let given = finished
                .stdout
                .split(|byte| *byte == b'\n')
                .map_while(|line| serde_json::from_slice(line).ok())
                .collect();
            let said = String::from_utf8_lossy(&finished.stderr);
            let why = match (finished.status.code(), said.trim()) {
                (Some(_), said) if !said.is_empty() && !said.contains("memory") => said.to_owned(),
                _ => "it uses more memory or processor time than a check may".to_owned(),
            };
            (given, super::expression::line(&why))
        }
        Err(ChildError::Deadline) => (Vec::new(), "it did not come to an end".to_owned()),
        Err(error) => (Vec::new(), error.to_string()),
    }
}
