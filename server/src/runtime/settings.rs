//! Intervals and limits of the reconcilers. Plain data.

use std::time::Duration;

/// How often, how long, how many.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Between two fetches of a repository, before jitter.
    pub poll: Duration,
    /// Between two comparisons of a target when nothing happens.
    pub compare: Duration,
    /// Between two looks for objects that nobody declares, where a project warns of them.
    pub survey: Duration,
    /// Longest fetch.
    pub fetch_within: Duration,
    /// Longest render, inputs included.
    pub render_within: Duration,
    /// How long a run waits until everything is ready.
    pub verify_within: Duration,
    /// Longest run, from its first write on; hooks and waves may take long.
    pub run_within: Duration,
    /// How long an object may be in a bad state until the wave that waits for it fails.
    pub degraded_within: Duration,
    /// Between the two renders that must agree before automation deletes.
    pub confirm_prune_after: Duration,
    /// Repositories fetched at once.
    pub fetches: usize,
    /// Renders at once, over all repositories.
    pub renders: usize,
    /// Targets compared or synced at once on one cluster.
    pub targets_per_cluster: usize,
    /// `scheme://host[:port]` of the pages, for links in Kubernetes Events.
    pub public_url: String,
    /// Timing of cluster connections.
    pub live: engine::live::Timing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(30),
            compare: Duration::from_secs(180),
            survey: Duration::from_secs(300),
            fetch_within: Duration::from_secs(130),
            render_within: Duration::from_secs(90),
            verify_within: Duration::from_secs(300),
            run_within: Duration::from_secs(3600),
            degraded_within: Duration::from_secs(30),
            confirm_prune_after: Duration::from_secs(30),
            fetches: 8,
            renders: 4,
            targets_per_cluster: 8,
            public_url: String::new(),
            live: engine::live::Timing::default(),
        }
    }
}
