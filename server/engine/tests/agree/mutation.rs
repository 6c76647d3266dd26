//! The prediction without one of its rules: which losses no pair notices.

use crate::pair::{Pair, Truth, Verdict};
use engine::prediction::{Rule, without};
use engine::schema::Schema;
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rules by which schemas are read: without one of them the documents are read anew.
const OF_SCHEMAS: [Rule; 2] = [Rule::IntOrString, Rule::NestedSchemas];
const THREADS: usize = 2;

/// The rules that could be lost without any pair coming out wrong.
pub fn unnoticed(pairs: &[Pair], truths: &[Truth], documents: &[Value]) -> Vec<Rule> {
    let schema = Schema::from_openapi_v3(documents);
    let nothing = Schema::default();
    let (next, lost) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(&rule) = Rule::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let anew = OF_SCHEMAS
                        .contains(&rule)
                        .then(|| without(rule, || Schema::from_openapi_v3(documents)));
                    let schema = anew.as_ref().unwrap_or(&schema);
                    let noticed = without(rule, || {
                        pairs.iter().zip(truths).any(|(pair, truth)| {
                            matches!(pair.judge(schema, &nothing, truth), Verdict::Wrong(_))
                        })
                    });
                    if !noticed {
                        lost.lock().unwrap().push(rule);
                    }
                }
            });
        }
    });
    let mut lost = lost.into_inner().unwrap();
    lost.sort();
    lost
}
