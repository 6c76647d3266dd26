//! CronJob: suspended, or its last run did not succeed. A run that is under way is no reason to wait: cron jobs run all
//! the time. Argo CD calls that Progressing; here a target would hardly ever be Healthy then.
//!
//! `lastSuccessfulTime` is written with the end of a run, when it leaves `active`:
//! <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/cron-job-v1/#CronJobStatus>.

use super::fields::{degraded, flag, healthy, list, suspended, text};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if flag(body, "/spec/suspend") {
        return suspended("no new jobs are started");
    }
    let scheduled = text(body, "/status/lastScheduleTime");
    // Both are written in UTC and to the second, so that text sorts as time does.
    let since_success = scheduled > text(body, "/status/lastSuccessfulTime");
    if !scheduled.is_empty() && list(body, "/status/active").is_empty() && since_success {
        return degraded(format!("its run of {scheduled} did not succeed"));
    }
    healthy()
}
