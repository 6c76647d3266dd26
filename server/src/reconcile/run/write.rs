//! Writes one declared object by the method that the plan names: applied, replaced, or deleted and made anew.
//!
//! Nothing is deleted that the plan does not name by its UID, and a refusal that a delete would lift says so in words.

use super::step::{Refusal, Work};
use engine::apply::{Applied, ApplyError, ApplyOptions, Deleted, Deletion, Propagation};
use engine::manifest::Manifest;
use engine::plan::LiveFact;
use lockstep_types::plan::{Method, Step};
use std::time::Duration;
use tokio::time::Instant;

/// How long an object that is deleted may take to go before the step is given up.
const GONE_WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Work<'_> {
    /// Writes `sent`, which is what `step` declares.
    pub(super) async fn write(
        &self,
        step: &Step,
        sent: &Manifest,
        options: &ApplyOptions,
    ) -> Result<Applied, Refusal> {
        let applier = self.applier()?;
        let answer = match step.method {
            Method::Recreate => return self.make_anew(step, sent, options).await,
            Method::Replace => applier.replace(sent, options).await,
            Method::Apply | Method::ApplyOrRecreate => applier.apply(sent, options).await,
        };
        match answer {
            Err(ApplyError::Immutable { .. }) if step.method == Method::ApplyOrRecreate => {
                self.make_anew(step, sent, options).await
            }
            Err(error @ ApplyError::Immutable { .. }) => {
                Err(Refusal::Final(unchangeable(step, &error)))
            }
            Err(error @ ApplyError::PreconditionFailed { .. })
                if step.method == Method::ApplyOrRecreate =>
            {
                self.made_before(step, sent, options, error).await
            }
            answer => answer.map_err(Refusal::from),
        }
    }

    /// Deletes the object that was planned for, waits until it and what it owns are gone, and makes it anew: no two
    /// generations of it are at work at once.
    async fn make_anew(
        &self,
        step: &Step,
        sent: &Manifest,
        options: &ApplyOptions,
    ) -> Result<Applied, Refusal> {
        let name = step.key.short();
        let uid = step
            .uid
            .clone()
            .ok_or_else(|| Refusal::Final(format!("{name}: the plan names no UID to delete")))?;
        if !self.let_through().await {
            if self.runtime.draining().is_cancelled() {
                return Err(Refusal::Halted);
            }
            return Err(Refusal::Final(format!(
                "{name}: the run ended before it was deleted and made anew"
            )));
        }
        let deletion = self.to_make_anew(step, uid);
        let deadline = Instant::now() + GONE_WITHIN;
        loop {
            let finalizers = match self.applier()?.delete(&deletion).await {
                Ok(Deleted::Gone) => break,
                Ok(Deleted::Going { finalizers }) => finalizers,
                Err(error @ ApplyError::PreconditionFailed { .. }) => {
                    return self.made_before(step, sent, options, error).await;
                }
                Err(error) => return Err(Refusal::from(error)),
            };
            let ended = self.halt.is_cancelled();
            if ended && self.runtime.draining().is_cancelled() {
                return Err(Refusal::Halted);
            }
            if ended || Instant::now() > deadline {
                let why = match finalizers.as_slice() {
                    [] => String::new(),
                    all => format!(", blocked by {}", all.join(", ")),
                };
                let what = "the next sync makes it anew once it is gone";
                return Err(Refusal::Final(format!(
                    "{name}: it is being deleted{why}; {what}"
                )));
            }
            tokio::select! {
                () = self.halt.cancelled() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
        self.applier()?
            .apply(sent, &anew(options))
            .await
            .map_err(Refusal::from)
    }

    /// The deletion before an object is made anew.
    pub(super) fn to_make_anew(&self, step: &Step, uid: String) -> Deletion {
        // What nobody of ours made goes only by a yes to the plan, which names its UID.
        let marked = !matches!(
            self.facts.get(&step.key),
            Some(LiveFact::Present(facts)) if facts.uid == uid && facts.tracking.is_none()
        );
        self.deletion(step, uid, marked, Propagation::Foreground)
    }

    /// Another object than the planned one stands there. One that carries our tracking id was made by an earlier try of
    /// this step whose answer came too late or was never read: what is declared is applied to it, and nothing is deleted.
    /// Any other is somebody else's, and `error` stands.
    async fn made_before(
        &self,
        step: &Step,
        sent: &Manifest,
        options: &ApplyOptions,
        error: ApplyError,
    ) -> Result<Applied, Refusal> {
        self.applier()?
            .apply_to_tracked(sent, &self.tracking_id(step), &anew(options))
            .await
            .map_err(Refusal::from)?
            .ok_or_else(|| Refusal::from(error))
    }
}

/// How an object is made anew: nobody else's fields are in it.
fn anew(options: &ApplyOptions) -> ApplyOptions {
    ApplyOptions {
        force: true,
        uid: None,
        ..options.clone()
    }
}

/// The refusal, with the fields that the change is about where the server names only what they are part of.
pub(super) fn unchangeable(step: &Step, error: &ApplyError) -> String {
    const NAMED: usize = 3;
    let ApplyError::Immutable { fields, .. } = error else {
        return error.to_string();
    };
    let changed: Vec<&str> = step
        .changes
        .iter()
        .map(|change| change.path.as_str())
        .filter(|path| {
            fields
                .iter()
                .any(|field| path.len() > field.len() && path.starts_with(field.as_str()))
        })
        .take(NAMED)
        .collect();
    let changed = match changed.as_slice() {
        [] => String::new(),
        all => format!(" (what changes is {})", all.join(", ")),
    };
    format!(
        "{error}{changed}; with Force=true among its sync options it would be deleted and made anew"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::diff::{DiffClass, FieldChange, Impact};
    use lockstep_types::plan::{Action, PlanPhase};
    use lockstep_types::resource::ResourceKey;

    fn said(fields: &[&str], changed: &[&str]) -> String {
        let key = ResourceKey::new("apps", "StatefulSet", "shop", "db");
        let change = |path: &&str| FieldChange {
            path: (*path).to_owned(),
            declared: None,
            live: None,
            class: DiffClass::NotYetSynced,
            manager: None,
            operation: None,
            at: None,
            impact: Impact::Configures,
        };
        let step = Step {
            index: 0,
            key: key.clone(),
            api_version: "apps/v1".to_owned(),
            action: Action::Configure,
            method: Method::Apply,
            prune_last: false,
            phase: PlanPhase::Sync,
            wave: 0,
            hook: None,
            uid: None,
            desired_hash: String::new(),
            changes: changed.iter().map(change).collect(),
            impact: None,
            why: String::new(),
        };
        let error = ApplyError::Immutable {
            object: Box::new(key),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        };
        unchangeable(&step, &error)
    }

    #[test]
    fn a_refused_change_names_its_field() {
        let first = "StatefulSet db: the cluster does not let this be changed in place: ";
        let last = "; with Force=true among its sync options it would be deleted and made anew";
        for (fields, changed, expected) in [
            (
                &["spec"][..],
                &["metadata.labels.a", "spec.serviceName"][..],
                "spec (what changes is spec.serviceName)",
            ),
            (&["spec.selector"], &["spec.selector"], "spec.selector"),
            (
                &["spec.selector", "spec.template"],
                &[],
                "spec.selector, spec.template",
            ),
            (
                &["spec"],
                &["spec.a", "spec.b", "spec.c", "spec.d"],
                "spec (what changes is spec.a, spec.b, spec.c)",
            ),
        ] {
            assert_eq!(said(fields, changed), format!("{first}{expected}{last}"));
        }
    }
}
