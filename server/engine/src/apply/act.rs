//! What a person does to a live object without a change in Git. Each request is bound to the UID that was looked at, so
//! that another object of the same name is never touched.

use super::{Applier, ApplyError, JSON, Request};
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use serde_json::{Map, Value, json};

/// Field manager of what people do here: apart from ours, so that a sync neither owns nor takes back what it wrote.
const MANAGER: &str = "lockstep-action";
/// The annotation by which `kubectl rollout restart` begins a new rollout; everybody who watches one knows it.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
/// How a Job says that a person, not its schedule, began it: as `kubectl create job --from` writes it.
const INSTANTIATE: &str = "cronjob.kubernetes.io/instantiate";
/// Longest name of a Job, so that the names of its Pods fit.
const LONGEST_JOB: usize = 63;

/// The object that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActOn {
    pub key: ResourceKey,
    pub api_version: String,
    pub uid: String,
}

impl Applier {
    /// Begins a new rollout of a workload, as `kubectl rollout restart` does.
    ///
    /// # Errors
    /// As the cluster answers; a conflict when another object has the name by now.
    pub async fn restart(&self, on: &ActOn, at: Micros) -> Result<(), ApplyError> {
        let template = json!({"metadata": {"annotations": {RESTARTED: at.rfc3339()}}});
        self.merge(on, json!({"template": template})).await
    }

    /// Sets the number of Pods of a workload.
    ///
    /// # Errors
    /// As [`Applier::restart`].
    pub async fn scale(&self, on: &ActOn, replicas: u32) -> Result<(), ApplyError> {
        self.merge(on, json!({"replicas": replicas})).await
    }

    async fn merge(&self, on: &ActOn, spec: Value) -> Result<(), ApplyError> {
        let path = self
            .resource(&on.key, &on.api_version)?
            .object(&on.key.namespace, &on.key.name);
        let patch = Request {
            method: http::Method::PATCH,
            path: format!("{path}?fieldManager={MANAGER}"),
            accept: super::METADATA,
            content: "application/merge-patch+json",
            body: json!({"metadata": {"uid": on.uid}, "spec": spec})
                .to_string()
                .into_bytes(),
        };
        self.send(&on.key, &patch).await.map(|_| ())
    }

    /// Creates a Job from a CronJob now and answers with its name. `mark` makes the name one of its own: the same mark
    /// never makes two Jobs.
    ///
    /// # Errors
    /// As the cluster answers; [`ApplyError::PreconditionFailed`] when another CronJob has the name by now.
    pub async fn run_now(&self, on: &ActOn, mark: &str) -> Result<String, ApplyError> {
        let read = Request {
            method: http::Method::GET,
            path: self
                .resource(&on.key, &on.api_version)?
                .object(&on.key.namespace, &on.key.name),
            accept: JSON,
            content: JSON,
            body: Vec::new(),
        };
        let live = self.send(&on.key, &read).await?;
        if live.pointer("/metadata/uid").and_then(Value::as_str) != Some(on.uid.as_str()) {
            return Err(ApplyError::PreconditionFailed {
                object: Box::new(on.key.clone()),
                message: "another object has its name".to_owned(),
            });
        }
        let name = job_name(&on.key.name, mark);
        let key = ResourceKey::new("batch", "Job", &on.key.namespace, &name);
        let create = Request {
            method: http::Method::POST,
            path: format!(
                "{}?fieldManager={MANAGER}",
                self.resource(&key, "batch/v1")?.collection(&key.namespace)
            ),
            accept: super::METADATA,
            content: JSON,
            body: job(on, &live, &name).to_string().into_bytes(),
        };
        self.send(&key, &create).await?;
        Ok(name)
    }
}

/// `report-` and the mark; what is too long loses the end of the CronJob's name.
fn job_name(cron: &str, mark: &str) -> String {
    let room = LONGEST_JOB.saturating_sub(mark.len() + 1);
    let kept: String = cron.chars().take(room).collect();
    format!("{}-{mark}", kept.trim_end_matches(['-', '.']))
}

fn job(on: &ActOn, live: &Value, name: &str) -> Value {
    let template = &live["spec"]["jobTemplate"];
    let mut annotations: Map<String, Value> = template["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    annotations.insert(INSTANTIATE.to_owned(), json!("manual"));
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": on.key.namespace,
            "labels": template["metadata"]["labels"],
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": on.api_version,
                "kind": on.key.kind,
                "name": on.key.name,
                "uid": on.uid,
                "controller": true,
            }],
        },
        "spec": template["spec"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_long_names_keep_their_mark() {
        assert_eq!(job_name("report", "a1b2"), "report-a1b2");
        let long = "x".repeat(80);
        let name = job_name(&long, "a1b2");
        assert_eq!(name.len(), 63);
        assert!(name.ends_with("x-a1b2"));
        // A name may not have "--" where it was cut, nor begin its last part with a dot.
        let cut = format!("{}-{}", "y".repeat(57), "z".repeat(20));
        assert_eq!(job_name(&cut, "a1b2"), format!("{}-a1b2", "y".repeat(57)));
    }

    #[test]
    fn a_job_is_made_of_the_template_and_owned_by_its_cron_job() {
        let on = ActOn {
            key: ResourceKey::new("batch", "CronJob", "shop", "report"),
            api_version: "batch/v1".to_owned(),
            uid: "u-1".to_owned(),
        };
        let live = json!({"spec": {"schedule": "@daily", "suspend": true, "jobTemplate": {
            "metadata": {"labels": {"app": "report"}, "annotations": {"team": "sales"}},
            "spec": {"template": {"spec": {"restartPolicy": "Never"}}},
        }}});
        assert_eq!(
            job(&on, &live, "report-a1b2"),
            json!({
                "apiVersion": "batch/v1", "kind": "Job",
                "metadata": {
                    "name": "report-a1b2", "namespace": "shop", "labels": {"app": "report"},
                    "annotations": {"team": "sales", INSTANTIATE: "manual"},
                    "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "report", "uid": "u-1", "controller": true}],
                },
                "spec": {"template": {"spec": {"restartPolicy": "Never"}}},
            })
        );
    }
}
