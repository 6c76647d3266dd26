//! The checks that a definition gives its objects. Pure.

use super::{UserCheck, What};
use crate::definition::{Definition, HealthCheck};

/// The expressions of a definition, in their order.
pub fn of_definition(definition: &Definition) -> Vec<UserCheck> {
    let expressions = definition
        .health_checks
        .iter()
        .filter(|check| matches!(check, HealthCheck::Expressions { .. }));
    expressions
        .enumerate()
        .filter_map(|(place, check)| match check {
            HealthCheck::Object(_) => None,
            HealthCheck::Expressions {
                api_version,
                kind,
                current,
                failed,
                in_progress,
                line,
            } => {
                let line = if *line == 0 { definition.line } else { *line };
                Some(UserCheck {
                    group: crate::manifest::group_of(api_version).to_owned(),
                    kind: kind.clone(),
                    what: What::Expressions {
                        current: current.clone(),
                        in_progress: in_progress.clone(),
                        failed: failed.clone(),
                    },
                    origin: format!("healthCheckExprs[{place}] ({}:{line})", definition.path),
                })
            }
        })
        .collect()
}
