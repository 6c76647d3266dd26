//! `make bench B=B15`: what a history without end costs, on both databases: rows per second that are written in batches, bytes
//! that a run takes, and how long the store needs for a page of it, first or far back, with any filter.
//!
//! Not run with the suite: it fills ten million rows unless told otherwise. `LOCKSTEP_SCALE_RUNS` and `LOCKSTEP_SCALE_ROWS` say
//! how many, `LOCKSTEP_SCALE_OUT` where the figures go, `LOCKSTEP_SCALE_ON` which database (`sqlite`, `postgres`; both).

mod ask;
mod fill;

use crate::database::Db;
use serde::Serialize;

/// Applications, each on one cluster, in projects of [`OF_PROJECT`].
const APPLICATIONS: usize = 1000;
/// Applications that one team may see.
const OF_PROJECT: usize = 50;
/// Rows a second at least.
const WRITTEN: f64 = 20_000.0;
/// Milliseconds of a page at most, 99 times of 100.
const PAGE: f64 = 5.0;

/// One figure beside what it must be.
#[derive(Debug, Serialize)]
struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    bound: String,
    holds: bool,
}

impl Figure {
    fn most(what: String, value: f64, most: f64) -> Self {
        Self {
            what,
            value,
            unit: "ms",
            bound: format!("≤ {most}"),
            holds: value <= most,
        }
    }

    fn least(what: String, value: f64, least: f64) -> Self {
        Self {
            what,
            value,
            unit: "rows/s",
            bound: format!("≥ {least}"),
            holds: value >= least,
        }
    }

    fn plain(what: String, value: f64, unit: &'static str) -> Self {
        Self {
            what,
            value,
            unit,
            bound: String::new(),
            holds: true,
        }
    }
}

fn size(name: &str, usual: usize) -> usize {
    let Ok(text) = std::env::var(name) else {
        return usual;
    };
    text.parse()
        .unwrap_or_else(|_| panic!("{name} must be a number, not {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn history_without_end() {
    let runs = size("LOCKSTEP_SCALE_RUNS", 1_000_000);
    let rows = size("LOCKSTEP_SCALE_ROWS", 10_000_000);
    let on = std::env::var("LOCKSTEP_SCALE_ON").unwrap_or_default();
    let mut figures = Vec::new();
    for name in ["sqlite", "postgres"] {
        if !on.is_empty() && on != name {
            continue;
        }
        let db = match name {
            "sqlite" => Db::sqlite().await,
            _ => Db::postgres().await,
        };
        let words = |what: &str| format!("{name}: {what}");
        let world = fill::world(&db).await;
        figures.extend(fill::runs(&db, &world, runs, &words).await);
        figures.extend(fill::activity(&db, &world, rows, &words).await);
        figures.extend(ask::pages(&db, &world, &words).await);
        db.end().await;
        keep(&figures);
    }
    let missed: Vec<&str> = figures
        .iter()
        .filter(|figure| !figure.holds)
        .map(|figure| figure.what.as_str())
        .collect();
    assert!(missed.is_empty(), "out of their bounds: {missed:#?}");
}

/// Written after each database: the next may take an hour.
fn keep(figures: &[Figure]) {
    let text = serde_json::to_string_pretty(figures).unwrap();
    let out = std::env::var("LOCKSTEP_SCALE_OUT").expect("LOCKSTEP_SCALE_OUT names a file");
    std::fs::write(out, text).unwrap();
}
