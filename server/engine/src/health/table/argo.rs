//! Argo CD, Rollouts and Workflows. Phases of a rollout: <https://argo-rollouts.readthedocs.io/en/stable/features/specification/>
//! and <https://argo-rollouts.readthedocs.io/en/stable/features/analysis/>; of a workflow:
//! <https://argo-workflows.readthedocs.io/en/latest/fields/#workflowstatus>; health of an application:
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/>; conditions of a set:
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/>.

use super::*;

const RUNS: &[Row] = &[
    row(Field("/status/phase", &["Successful"], ""), Healthy, ""),
    row(
        Field("/status/phase", &["Failed"], "/status/message"),
        Degraded,
        "its measurements failed",
    ),
    row(
        Field("/status/phase", &["Error"], "/status/message"),
        Degraded,
        "it could not measure",
    ),
    // The rollout waits for a person then.
    row(
        Field("/status/phase", &["Inconclusive"], "/status/message"),
        Suspended,
        "its measurements are inconclusive; a person decides",
    ),
    row(
        Field(
            "/status/phase",
            &["", "Pending", "Running"],
            "/status/message",
        ),
        Progressing,
        "it is running",
    ),
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        group: "argoproj.io",
        kinds: &["Rollout"],
        rows: &[
            row(Field("/status/phase", &["Healthy"], ""), Healthy, ""),
            row(
                Field("/status/phase", &["Degraded"], "/status/message"),
                Degraded,
                "the rollout was aborted or exceeded its deadline",
            ),
            row(
                Field("/status/phase", &["Paused"], "/status/message"),
                Suspended,
                "the rollout is paused",
            ),
            row(
                Field("/status/phase", &["Progressing"], "/status/message"),
                Progressing,
                "rolling out",
            ),
            row(Flag("/spec/paused"), Suspended, "the rollout is paused"),
            row(
                Empty("/status/phase"),
                Progressing,
                "the rollout has not begun",
            ),
        ],
    },
    Rule {
        group: "argoproj.io",
        kinds: &["AnalysisRun", "Experiment"],
        rows: RUNS,
    },
    Rule {
        group: "argoproj.io",
        kinds: &["Workflow"],
        rows: &[
            row(Field("/status/phase", &["Succeeded"], ""), Healthy, ""),
            row(
                Field("/status/phase", &["Failed", "Error"], "/status/message"),
                Degraded,
                "the workflow failed",
            ),
            row(
                Field(
                    "/status/phase",
                    &["", "Pending", "Running"],
                    "/status/message",
                ),
                Progressing,
                "the workflow is running",
            ),
        ],
    },
    Rule {
        group: "argoproj.io",
        kinds: &["CronWorkflow"],
        rows: &[
            row(
                Has("SubmissionError", "True", &[]),
                Degraded,
                "its workflow could not be submitted",
            ),
            row(
                Flag("/spec/suspend"),
                Suspended,
                "no new workflows are started",
            ),
        ],
    },
    Rule {
        group: "argoproj.io",
        kinds: &["Application"],
        rows: &[
            row(
                Field("/status/health/status", &["Healthy"], ""),
                Healthy,
                "",
            ),
            row(
                Field(
                    "/status/health/status",
                    &["Degraded", "Missing"],
                    "/status/health/message",
                ),
                Degraded,
                "Argo CD says that its objects are degraded or missing",
            ),
            row(
                Field(
                    "/status/health/status",
                    &["Suspended"],
                    "/status/health/message",
                ),
                Suspended,
                "Argo CD says that its objects are suspended",
            ),
            row(
                Empty("/status/health/status"),
                Progressing,
                "waiting for Argo CD to look at it",
            ),
            row(
                Field(
                    "/status/health/status",
                    &["Progressing", "Unknown"],
                    "/status/health/message",
                ),
                Progressing,
                "Argo CD says that its objects are not ready yet",
            ),
        ],
    },
    Rule {
        group: "argoproj.io",
        kinds: &["ApplicationSet"],
        rows: &[
            row(
                Has("ErrorOccurred", "True", &[]),
                Degraded,
                "its applications could not be generated",
            ),
            row(
                Has("ResourcesUpToDate", "False", &[]),
                Progressing,
                "its applications are not up to date yet",
            ),
            row(Has("ResourcesUpToDate", "True", &[]), Healthy, ""),
        ],
    },
];
