//! Times and memory, as medians of several runs.

use serde::Serialize;
use std::time::{Duration, Instant};

/// One figure beside what it must be.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    /// Empty: for information.
    pub bound: String,
    pub holds: bool,
}

impl Figure {
    pub fn most(what: &str, value: f64, unit: &'static str, most: f64) -> Self {
        Self {
            what: what.to_owned(),
            value,
            unit,
            bound: format!("≤ {most}"),
            holds: value <= most,
        }
    }

    pub fn least(what: &str, value: f64, unit: &'static str, least: f64) -> Self {
        Self {
            what: what.to_owned(),
            value,
            unit,
            bound: format!("≥ {least}"),
            holds: value >= least,
        }
    }

    pub fn plain(what: &str, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.to_owned(),
            value,
            unit,
            bound: String::new(),
            holds: true,
        }
    }
}

pub fn millis(since: Instant) -> f64 {
    Duration::as_secs_f64(&since.elapsed()) * 1000.0
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Resident memory of this process, in MB.
pub fn resident() -> f64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .trim()
                .strip_suffix(" kB")?
                .trim()
                .parse::<f64>()
                .ok()
        })
        .map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}
