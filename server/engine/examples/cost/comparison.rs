//! What it costs to compare one object: with both sides at hand, and from the bytes in which the live one is kept.

use crate::measure::{Figure, median};
use engine::diff::{CompareContext, Compared, compare};
use engine::manifest::Manifest;
use engine::schema::Schema;
use serde_json::Value;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

/// Recorded pairs of a manifest and a live object, with the documents that describe their kinds.
const PAIRS: &str = include_str!("../../src/diff/fixtures/agreement.jsonl");
const DOCUMENTS: &str = include_str!("../../src/schema/fixtures/kubernetes.json");
const ROUNDS: usize = 301;

struct Pair {
    manifest: Manifest,
    live: Value,
    bytes: Vec<u8>,
}

/// Microseconds for each object, for those that are equal and those that differ.
pub fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    let documents: Vec<Value> = serde_json::from_str(DOCUMENTS)?;
    let schema = Schema::from_openapi_v3(&documents);
    let (mut equal, mut differing) = (Vec::new(), Vec::new());
    for line in PAIRS.lines() {
        let mut recorded: Value = serde_json::from_str(line)?;
        let live = recorded["live"].take();
        let pair = Pair {
            manifest: Manifest::new(recorded["desired"].take(), None)?,
            bytes: engine::manifest::canonical(&live),
            live,
        };
        match compare(
            Some(&pair.manifest),
            Some(&pair.live),
            &schema,
            &CompareContext::default(),
        ) {
            Compared::Exact(None) => equal.push(pair),
            Compared::Exact(Some(_)) => differing.push(pair),
            Compared::Unsure(_) => {}
        }
    }
    let hot = |pair: &Pair| {
        let context = CompareContext::default();
        black_box(compare(
            Some(&pair.manifest),
            Some(&pair.live),
            &schema,
            &context,
        ));
    };
    let cold = |pair: &Pair| {
        if let Ok(live) = serde_json::from_slice::<Value>(&pair.bytes) {
            let context = CompareContext::default();
            black_box(compare(
                Some(&pair.manifest),
                Some(&live),
                &schema,
                &context,
            ));
        }
    };
    Ok(vec![
        Figure::most(
            "comparing an object that is as declared",
            each(&equal, hot),
            "µs",
            5.0,
        ),
        Figure::most(
            "the same, with the live one from its bytes",
            each(&equal, cold),
            "µs",
            40.0,
        ),
        Figure::plain(
            "comparing one that differs, texts for the page included",
            each(&differing, hot),
            "µs",
        ),
    ])
}

/// Median over many rounds of the mean of all pairs.
fn each(pairs: &[Pair], work: impl Fn(&Pair)) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let since = Instant::now();
        pairs.iter().for_each(&work);
        since.elapsed().as_secs_f64() * 1e6 / pairs.len().max(1) as f64
    });
    median(rounds.collect())
}
