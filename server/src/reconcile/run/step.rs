//! One step on one object: the request that the plan asks for, and nothing else.
//!
//! What may pass by itself (a server that is away, a timeout) is tried again for a while within the run; both applying
//! and deleting are bound to the object that was planned for, so a repetition does no harm.

use crate::reconcile::target::judge::{self, Subject};
use crate::runtime::{ClusterHandle, Runtime, now};
use engine::apply::{Applier, ApplyError, ApplyOptions, Deleted, Deletion, Propagation};
use engine::definition;
use engine::diff;
use engine::live::{Lookup, Resolve, Scope};
use engine::manifest::Manifest;
use engine::plan::{self, LiveFact};
use engine::tracking::TrackingId;
use lockstep_types::diff::DiffClass;
use lockstep_types::plan::{Action, Step};
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync::StepOutcome;
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a step is tried again while the cluster is away.
const PATIENCE: Duration = Duration::from_secs(75);

/// What steps of one run share.
pub(super) struct Work<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) handle: &'a ClusterHandle,
    pub(super) subject: &'a Subject<'a>,
    pub(super) hpa_targets: &'a BTreeSet<ResourceKey>,
    pub(super) facts: &'a BTreeMap<ResourceKey, LiveFact>,
    /// How far the run was when the batch began.
    pub(super) rows: &'a [StepOutcome],
    /// Take declared fields from other managers.
    pub(super) force: bool,
    /// No further step is started.
    pub(super) halt: &'a CancellationToken,
}

/// What became of a step.
pub(super) enum Done {
    Applied {
        uid: String,
        version: String,
        hash: String,
        api_version: String,
        tracked: bool,
    },
    /// The object of a hook is made.
    Begun {
        uid: String,
        version: String,
    },
    /// `going`: what it still waits for.
    Deleted {
        uid: String,
        going: Option<Vec<String>>,
    },
    Failed(String),
    /// Halted before it began.
    NotStarted,
}

/// What is sent for a step, and how.
pub(super) struct Prepared {
    /// As it is declared.
    pub(super) manifest: Manifest,
    pub(super) sent: Manifest,
    pub(super) options: ApplyOptions,
    /// It becomes part of the inventory.
    tracked: bool,
}

/// A step with its times.
pub(super) struct Result<'a> {
    pub(super) step: &'a Step,
    pub(super) started_at: Micros,
    pub(super) done: Done,
}

impl<'a> Work<'a> {
    /// Carries out one step.
    pub(super) async fn carry_out(&self, step: &'a Step) -> Result<'a> {
        let started_at = now();
        if self.halt.is_cancelled() {
            return Result {
                step,
                started_at,
                done: Done::NotStarted,
            };
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut pause = Duration::from_secs(1);
        loop {
            let answer = match step.action {
                Action::Prune => self.delete(step).await,
                Action::HookCleanup(_) => self.clean_up(step).await,
                _ => self.apply(step).await,
            };
            match answer {
                Ok(done) => {
                    return Result {
                        step,
                        started_at,
                        done,
                    };
                }
                Err(Refusal::Halted) => {
                    return Result {
                        step,
                        started_at,
                        done: Done::NotStarted,
                    };
                }
                Err(Refusal::Final(message)) => {
                    return Result {
                        step,
                        started_at,
                        done: Done::Failed(message),
                    };
                }
                Err(Refusal::Passing(message)) => {
                    if self.halt.is_cancelled() || tokio::time::Instant::now() + pause > deadline {
                        return Result {
                            step,
                            started_at,
                            done: Done::Failed(message),
                        };
                    }
                    tokio::select! {
                        () = self.halt.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(Duration::from_secs(8));
                }
            }
        }
    }

    pub(super) fn applier(&self) -> std::result::Result<Applier, Refusal> {
        let applier = self.handle.applier().ok_or_else(|| {
            Refusal::Passing(format!("the cluster {} does not answer", self.handle.name))
        })?;
        Ok(applier.acting_as(self.subject.account))
    }

    /// What is sent for a step that applies.
    pub(super) fn prepare(&self, step: &Step) -> std::result::Result<Prepared, Refusal> {
        let declared = self
            .subject
            .desired
            .objects
            .iter()
            .find(|manifest| manifest.key == step.key);
        let manifest = match declared {
            Some(manifest) => manifest.clone(),
            None => plan::namespace_manifest(&step.key.name, self.subject.namespace_metadata())
                .filter(|made| made.key == step.key)
                .ok_or_else(|| {
                    Refusal::Final(format!("{} is not declared any more", step.key.short()))
                })?,
        };
        // While its kind was not served, nobody knew where it belongs.
        let place = self
            .handle
            .live
            .resolve(&step.api_version, &step.key.kind)
            .map(|resource| resource.scope);
        if place == Some(Scope::Namespaced) && step.key.namespace.is_empty() {
            return Err(Refusal::Final(format!(
                "{}: its kind is served by now, and lives in namespaces; the next try places it",
                step.key.short()
            )));
        }
        let is_hook = step.action == Action::Hook;
        if is_hook && manifest.hash != step.desired_hash {
            return Err(Refusal::Final(format!(
                "the hook {} is not declared as it was planned any more",
                step.key.short()
            )));
        }
        let found = self.handle.live.get(&step.key);
        // Deleted in order to be made anew, and then cut off: what is left is to make it.
        let left = step.method.may_delete() && matches!(found, Lookup::Absent);
        let live = match found {
            // What stood there before a hook is gone by now.
            Lookup::Present(_) if is_hook && step.uid.is_none() => None,
            Lookup::Present(object) => Some(object.body()),
            Lookup::Absent | Lookup::Unknown(_) => None,
        };
        let context = judge::context(self.subject, &manifest, self.hpa_targets);
        let body = diff::for_apply(&manifest, live.as_ref(), &context);
        let sent = Manifest::new(body, manifest.origin.clone())
            .map_err(|error| Refusal::Final(error.to_string()))?;
        let drifted = step
            .changes
            .iter()
            .any(|change| change.class == DiffClass::Drift);
        let options = ApplyOptions {
            force: self.force || drifted || is_hook || declared.is_none(),
            uid: step.uid.clone().filter(|_| !left),
            lax: self.subject.is_lax(&manifest),
            // The destination namespace is nobody's: every target gives it what its own definition says.
            part: match declared {
                Some(_) => String::new(),
                None => self.subject.target_key.to_owned(),
            },
        };
        let tracked = declared.is_some();
        Ok(Prepared {
            manifest,
            sent,
            options,
            tracked,
        })
    }

    async fn apply(&self, step: &Step) -> std::result::Result<Done, Refusal> {
        let Prepared {
            manifest,
            sent,
            options,
            tracked,
        } = self.prepare(step)?;
        let applied = self.write(step, &sent, &options).await?;
        if step.action == Action::Hook {
            return Ok(Done::Begun {
                uid: applied.uid,
                version: applied.resource_version,
            });
        }
        Ok(Done::Applied {
            uid: applied.uid,
            version: applied.resource_version,
            hash: manifest.hash.clone(),
            api_version: manifest.api_version.clone(),
            tracked,
        })
    }

    async fn delete(&self, step: &Step) -> std::result::Result<Done, Refusal> {
        let uid = step
            .uid
            .clone()
            .ok_or_else(|| Refusal::Final("the plan names no UID to delete".to_owned()))?;
        if !self.let_through().await {
            return Ok(Done::NotStarted);
        }
        let propagation = match self.subject.options.propagation {
            definition::Propagation::Foreground => Propagation::Foreground,
            definition::Propagation::Background => Propagation::Background,
            definition::Propagation::Orphan => Propagation::Orphan,
        };
        self.send(step, uid, true, propagation).await
    }

    /// Waits until the brake lets one more delete through; `false` when the run is halted before.
    pub(super) async fn let_through(&self) -> bool {
        while let Err(seconds) = self.runtime.brake().delete(&self.handle.name, now()) {
            if self.halt.is_cancelled() {
                return false;
            }
            let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(1).clamp(1, 5));
            tokio::select! {
                () = self.halt.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        true
    }

    /// Deletes the object of a hook: that which this run made, else that which the plan names. What belongs to it goes
    /// first, so that no two runs of a hook are at work at once.
    async fn clean_up(&self, step: &Step) -> std::result::Result<Done, Refusal> {
        let made = self
            .rows
            .iter()
            .filter(|row| row.index < step.index && row.key == step.key && row.uid.is_some())
            .max_by_key(|row| row.index)
            .and_then(|row| row.uid.clone());
        let own = made.is_some();
        let Some(uid) = made.or_else(|| step.uid.clone()) else {
            return Ok(Done::Deleted {
                uid: String::new(),
                going: None,
            });
        };
        // Somebody else's object goes only by a yes to the plan, which names its UID.
        let marked = own
            || !matches!(
                self.facts.get(&step.key),
                Some(LiveFact::Present(facts)) if facts.uid == uid && facts.tracking.is_none()
            );
        self.send(step, uid, marked, Propagation::Foreground).await
    }

    async fn send(
        &self,
        step: &Step,
        uid: String,
        marked: bool,
        propagation: Propagation,
    ) -> std::result::Result<Done, Refusal> {
        let deletion = self.deletion(step, uid.clone(), marked, propagation);
        let going = match self
            .applier()?
            .delete(&deletion)
            .await
            .map_err(Refusal::from)?
        {
            Deleted::Gone => None,
            Deleted::Going { finalizers } => Some(finalizers),
        };
        Ok(Done::Deleted { uid, going })
    }

    /// `marked`: it must still carry our tracking id.
    pub(super) fn deletion(
        &self,
        step: &Step,
        uid: String,
        marked: bool,
        propagation: Propagation,
    ) -> Deletion {
        Deletion {
            key: step.key.clone(),
            api_version: step.api_version.clone(),
            uid,
            tracking_id: marked.then(|| self.tracking_id(step)),
            propagation,
        }
    }

    /// What the object of `step` carries once this target has written it.
    pub(super) fn tracking_id(&self, step: &Step) -> String {
        let tracking = TrackingId {
            installation: self.subject.installation,
            target_key: self.subject.target_key.to_owned(),
            key: step.key.clone(),
        };
        tracking.text()
    }
}

/// Why a request did not do what it should.
pub(super) enum Refusal {
    Passing(String),
    Final(String),
    /// The server is stopping: the step is taken up again after its start.
    Halted,
}

impl From<ApplyError> for Refusal {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Timeout { .. } | ApplyError::Unreachable { .. } => {
                Self::Passing(error.to_string())
            }
            _ => Self::Final(error.to_string()),
        }
    }
}
