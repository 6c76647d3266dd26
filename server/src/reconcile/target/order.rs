//! `dependsOn`: whether a target may go on, or waits for others of its cluster, and for what.
//!
//! Only automation waits. What a person asks for is done at once.

use super::checking::REST_SECONDS;
use super::others::{self, Other};
use super::{Loaded, TargetMemory};
use crate::reconcile::cause::Cause;
use crate::runtime::{Runtime, now};
use crate::store::StoreError;
use engine::check::{self, Answer, Job, UserCheck, What};
use engine::definition::{Definition, Dependency};
use lockstep_types::application::Dialect;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::TargetId;
use lockstep_types::reason::ReasonCode;
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet};

/// Definitions that are looked at for a circle; more is a mistake.
const LONGEST: usize = 200;

/// What each `readyExpr` said last.
pub(crate) type Ready = BTreeMap<String, Said>;

/// What a `readyExpr` said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// Digest of all that it read.
    read: String,
    answer: Answer,
    /// It did not keep to its limits, and is left alone until then.
    pub(super) rests: Option<Micros>,
}

/// What the target waits for; `None`: nothing.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn waits(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
) -> Result<Option<Cause>, StoreError> {
    let definition = &loaded.definition;
    let mut waits: Option<Cause> = None;
    let mut others: Vec<TargetId> = Vec::new();
    for dependency in &definition.depends_on {
        let name = shown(definition, dependency);
        let named = (dependency.namespace.as_str(), dependency.name.as_str());
        let Some(other) = others::find(runtime, loaded, definition.dialect, named).await? else {
            // A bundle that is chosen by its labels may be for other clusters only: here it has no order to keep.
            if definition.dialect == Dialect::FleetBundle
                && runtime.memory().is_placed(&dependency.name)
            {
                continue;
            }
            waits.get_or_insert(Cause::stalled(
                ReasonCode::WaitingForDependency,
                format!(
                    "Waits for {name}, and nothing on {} is called so",
                    loaded.row.cluster
                ),
                "Define it in Git, or remove it from dependsOn",
            ));
            continue;
        };
        others.push(other.row.id);
        let ready = others::readiness(runtime, &other).await?;
        let found = if dependency.ready_expr.is_empty() {
            ready
                .err()
                .map(|why| Health::new(HealthStatus::Progressing, why))
        } else {
            by_expression(runtime, loaded, memory, dependency, &other, ready).await
        };
        let Some(why) = found else {
            continue;
        };
        let broken = why.status == HealthStatus::Unknown;
        let cause = format!("Waits for {name}: {}", why.message);
        waits.get_or_insert(if broken {
            Cause::stalled(
                ReasonCode::WaitingForDependency,
                cause,
                "Correct the expression in Git, or press Sync to go on without",
            )
        } else {
            Cause::passing(
                ReasonCode::WaitingForDependency,
                cause,
                "It goes on by itself as soon as that is ready; Sync does not wait",
            )
        });
    }
    if waits.is_some() {
        runtime.memory().waits_for(loaded.row.id, &others);
        if let Some(circle) = circle(runtime, loaded).await? {
            waits = Some(Cause::stalled(
                ReasonCode::WaitingForDependency,
                format!("dependsOn goes in a circle: {}", circle.join(" → ")),
                "Remove one of these from dependsOn in Git; meanwhile none of them is synced by itself",
            ));
        }
    }
    Ok(waits)
}

/// As short as it is clear.
fn shown(definition: &Definition, dependency: &Dependency) -> String {
    if dependency.namespace == definition.namespace {
        dependency.name.clone()
    } else {
        format!("{}/{}", dependency.namespace, dependency.name)
    }
}

/// A `readyExpr` takes the place of the question whether the dependency is synced and healthy, as it does for Flux.
/// Gives why it is not ready.
async fn by_expression(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    dependency: &Dependency,
    other: &Other,
    ready: Result<(), String>,
) -> Option<Health> {
    let definition = &loaded.definition;
    let name = shown(definition, dependency);
    let health = match &ready {
        Ok(()) => Health::healthy(),
        Err(why) => Health::new(
            match other.row.state.health.status {
                HealthStatus::Degraded => HealthStatus::Degraded,
                _ => HealthStatus::Progressing,
            },
            why.clone(),
        ),
    };
    let own = &loaded.row;
    let check = UserCheck {
        group: String::new(),
        kind: String::new(),
        what: What::Ready(dependency.ready_expr.clone()),
        origin: format!(
            "the readyExpr for {name} ({}:{})",
            definition.path, definition.line
        ),
    };
    let job = Job {
        check: 0,
        object: check::as_flux(
            definition,
            own.state.revision.as_ref(),
            own.deployed.as_ref(),
            &own.state.health,
        ),
        other: check::as_flux(
            &other.definition,
            other.row.state.revision.as_ref(),
            other.row.deployed.as_ref(),
            &health,
        ),
    };
    let digest = format!("{} {} {}", check.digest(), job.object, job.other);
    let answer = match memory.ready.get(&name) {
        Some(said) if said.read == digest && said.rests.is_none_or(|until| until > now()) => {
            said.answer.clone()
        }
        _ => {
            let Ok(_permit) = runtime.limits().checks.acquire().await else {
                return None;
            };
            let sandbox = runtime.renderer().sandbox();
            let answers = check::evaluate(sandbox, &[check], &[job]).await;
            let answer = answers.into_iter().next()?;
            let rests = answer.stopped.then(|| now().plus_seconds(REST_SECONDS));
            let said = Said {
                read: digest,
                answer: answer.clone(),
                rests,
            };
            memory.ready.insert(name, said);
            answer
        }
    };
    match (answer.health.status, ready) {
        (HealthStatus::Healthy, _) => None,
        (HealthStatus::Unknown, _) | (_, Ok(())) => Some(answer.health),
        // What the dependency says of itself says more than that an expression is not true.
        (status, Err(why)) => Some(Health::new(
            status,
            format!("{}; {why}", answer.health.message),
        )),
    }
}

/// The circle that the target's definition is in, from it to itself.
async fn circle(runtime: &Runtime, loaded: &Loaded) -> Result<Option<Vec<String>>, StoreError> {
    let own = &loaded.definition;
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut open: Vec<(Vec<String>, Vec<Dependency>)> =
        vec![(vec![own.name.clone()], own.depends_on.clone())];
    while let Some((path, dependencies)) = open.pop() {
        for dependency in dependencies {
            let named = (dependency.namespace.as_str(), dependency.name.as_str());
            let mut path = path.clone();
            path.push(shown(own, &dependency));
            if named == (own.namespace.as_str(), own.name.as_str()) {
                return Ok(Some(path));
            }
            let new = seen.insert((dependency.namespace.clone(), dependency.name.clone()));
            if !new || seen.len() > LONGEST {
                continue;
            }
            if let Some(other) = others::find(runtime, loaded, own.dialect, named).await? {
                open.push((path, other.definition.depends_on));
            }
        }
    }
    Ok(None)
}
