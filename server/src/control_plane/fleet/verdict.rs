//! The fleet in numbers, the two axes apart. Pure.

use lockstep_types::application::TargetSummary;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::Verdict;
use lockstep_types::health::HealthStatus;
use lockstep_types::source::Mode;

/// Counts targets. The oldest comparison is that of the target that waits longest; one that was never compared does
/// not hide the others', it counts as unknown.
pub fn verdict<'a>(summaries: impl IntoIterator<Item = &'a TargetSummary>) -> Verdict {
    let mut verdict = Verdict::default();
    for summary in summaries {
        verdict.targets += 1;
        match summary.sync {
            SyncStatus::Synced => verdict.synced += 1,
            SyncStatus::OutOfSync => verdict.out_of_sync += 1,
            SyncStatus::Unknown => verdict.sync_unknown += 1,
        }
        match summary.health.status {
            HealthStatus::Healthy => verdict.healthy += 1,
            HealthStatus::Progressing => verdict.progressing += 1,
            HealthStatus::Degraded => verdict.degraded += 1,
            HealthStatus::Missing => verdict.missing += 1,
            HealthStatus::Suspended => verdict.suspended += 1,
            HealthStatus::Unknown => verdict.health_unknown += 1,
        }
        verdict.drifting += u32::from(summary.drifted > 0);
        verdict.observed += u32::from(summary.mode == Mode::Observe);
        verdict.oldest_comparison = match (verdict.oldest_comparison, summary.last_compared) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;
    use lockstep_types::time::Micros;

    #[test]
    fn axes_are_counted_apart() {
        let mut well = example::target("cart", "shop", "prod-eu");
        well.last_compared = Some(Micros(50));
        let mut drifting = example::target("cart", "shop", "prod-us");
        drifting.sync = SyncStatus::OutOfSync;
        drifting.drifted = 3;
        drifting.last_compared = Some(Micros(20));
        let mut unknown = example::target("cart", "shop", "edge");
        unknown.sync = SyncStatus::Unknown;
        unknown.last_compared = None;
        unknown.health.status = HealthStatus::Unknown;
        unknown.mode = Mode::Observe;
        let verdict = verdict([&well, &drifting, &unknown]);
        assert_eq!(
            verdict,
            Verdict {
                targets: 3,
                synced: 1,
                out_of_sync: 1,
                sync_unknown: 1,
                drifting: 1,
                healthy: 2,
                health_unknown: 1,
                observed: 1,
                oldest_comparison: Some(Micros(20)),
                ..Verdict::default()
            }
        );
    }
}
