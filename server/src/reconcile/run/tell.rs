//! Word for whoever sits at the keyboard: a Kubernetes Event on what was put back, with the file that declares it and
//! the page where a hold can be set.

use crate::reconcile::target::{Compared, Loaded};
use crate::runtime::Runtime;
use engine::apply::EventNote;
use lockstep_types::plan::Step;

/// Leaves an Event on each healed object. That one cannot be left is no reason to fail a run.
pub(super) async fn healed(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
    healed: &[(&Step, String)],
) {
    let Some(applier) = compared.handle.applier() else {
        return;
    };
    for (step, uid) in healed {
        let fields: Vec<&str> = step
            .changes
            .iter()
            .map(|change| change.path.as_str())
            .take(3)
            .collect();
        let fields = if fields.is_empty() {
            "the object".to_owned()
        } else {
            fields.join(", ")
        };
        let file = compared
            .desired
            .objects
            .iter()
            .find(|manifest| manifest.key == step.key)
            .and_then(|manifest| manifest.origin.as_ref())
            .map_or_else(String::new, |origin| match origin.line {
                Some(line) => format!(" ({}:{line})", origin.path),
                None => format!(" ({})", origin.path),
            });
        let application = &loaded.application;
        let note = EventNote {
            object: step.key.clone(),
            api_version: step.api_version.clone(),
            uid: uid.clone(),
            reason: "DriftUndone".to_owned(),
            message: format!(
                "Lockstep put back {fields} as Git declares it{file}. To keep a change for a while, hold the application: {}/apps/{}/{}?cluster={}",
                runtime.settings().public_url,
                application.id,
                application.name,
                loaded.row.cluster
            ),
            warning: false,
        };
        if let Err(error) = applier.record_event(&note).await {
            tracing::debug!(event.name = "run.event_failed", object = %step.key, error = %error, "no Event could be left on a healed object");
        }
    }
}
