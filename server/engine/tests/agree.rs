//! Whether the local comparison tells what the API server would do: some two thousand pairs of a manifest and a live
//! object, over all common kinds and made by many hands, each held against the server's own dry run. Then each rule of
//! the prediction is switched off in turn, and some pair must come out wrong.
//!
//! The tables of kinds and cases are in `agree/table`. Needs the rig. `LOCKSTEP_TEST_SEED` picks other variations.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test they serve"
)]

#[path = "agree/chance.rs"]
mod chance;
mod cluster;
#[path = "agree/hand.rs"]
mod hand;
#[path = "agree/mutation.rs"]
mod mutation;
#[path = "agree/pair.rs"]
mod pair;
#[path = "agree/plan.rs"]
mod plan;
#[path = "agree/table.rs"]
mod table;
#[path = "agree/webhook.rs"]
mod webhook;
#[path = "agree/world.rs"]
mod world;

use cluster::Cluster;
use engine::prediction::Rule;
use engine::schema::Schema;
use futures::{FutureExt as _, StreamExt as _};
use pair::{Answer, Pair, Truth, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use world::{World, type_of};

/// Objects that are made at once.
const AT_ONCE: usize = 8;
const SEED: u64 = 20_261_127;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_prediction_agrees_with_the_api_server_and_each_rule_counts() {
    let since = Instant::now();
    let cluster = Cluster::new("agree").await;
    let group = format!("{}.example.com", cluster.namespace);
    let (entries, cases) = (table::entries(&group), table::cases(&group));
    let bases = entries
        .iter()
        .map(|entry| &entry.base)
        .chain(cases.iter().map(|case| &case.base));
    let versions: BTreeSet<String> = bases.map(|base| type_of(base).0.to_owned()).collect();
    let versions: Vec<String> = versions.into_iter().collect();
    let seed = std::env::var("LOCKSTEP_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(SEED);
    let plans = plan::all(&entries, &cases, &cluster.namespace, seed);
    let world = World::start(&versions, cluster, &group).await;

    // A pair that fails must not leave a webhook behind.
    let work = AssertUnwindSafe(
        futures::stream::iter(&plans)
            .map(|plan| pair::of(&world, plan))
            .buffered(AT_ONCE)
            .collect::<Vec<Vec<Pair>>>(),
    );
    let pairs = work.catch_unwind().await;
    let (documents, hooked) = (world.documents.clone(), world.hooked());
    world.end().await;
    let pairs = pairs.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let pairs: Vec<Pair> = pairs.into_iter().flatten().collect();
    println!(
        "seed {seed}: {} pairs in {:.1} s, the webhook was asked {hooked} times",
        pairs.len(),
        since.elapsed().as_secs_f64()
    );

    let (schema, nothing) = (Schema::from_openapi_v3(&documents), Schema::default());
    let truths: Vec<Truth> = pairs.iter().map(|pair| pair.truth(&schema)).collect();
    let tally = Tally::of(&pairs, &truths, &schema, &nothing);
    tally.print();
    assert!(
        tally.wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        tally.wrong.len(),
        pairs.len(),
        tally.wrong.join("\n")
    );
    assert!(
        pairs.len() >= 500 && tally.kinds.len() >= 40,
        "{} pairs, {} kinds",
        pairs.len(),
        tally.kinds.len()
    );
    assert!(
        tally.open.is_empty(),
        "the server need not be asked, or has not been: {:#?}",
        tally.open
    );
    assert!(
        tally.asked * 100 <= tally.plain,
        "{} of {} ask the server",
        tally.asked,
        tally.plain
    );

    let lost = mutation::unnoticed(&pairs, &truths, &documents);
    println!(
        "{} rules switched off in turn; all in {:.1} s",
        Rule::ALL.len(),
        since.elapsed().as_secs_f64()
    );
    assert!(lost.is_empty(), "no pair notices the loss of {lost:?}");
}

/// How all of them fared.
#[derive(Default)]
struct Tally {
    kinds: BTreeSet<String>,
    right: usize,
    changing: usize,
    refused: usize,
    /// Pairs without a webhook and with a schema, and how many of them ask the server.
    plain: usize,
    asked: usize,
    elsewhere: usize,
    wrong: Vec<String>,
    /// Cases that should ask and do not.
    open: Vec<String>,
    reasons: BTreeMap<String, usize>,
    refusals: BTreeMap<String, usize>,
}

impl Tally {
    fn of(pairs: &[Pair], truths: &[Truth], schema: &Schema, nothing: &Schema) -> Self {
        let mut tally = Self::default();
        for (pair, truth) in pairs.iter().zip(truths) {
            let key = &pair.manifest.key;
            tally.kinds.insert(format!("{}/{}", key.group, key.kind));
            let plain = !pair.hooked && pair.described;
            tally.plain += usize::from(plain);
            if let Answer::Refused(why) = &pair.answer {
                tally.refused += 1;
                let why = why.rsplit(" is invalid").next().unwrap_or(why);
                *tally
                    .refusals
                    .entry(format!("{} {why}", key.kind))
                    .or_default() += 1;
            }
            tally.changing +=
                usize::from(matches!(truth, Truth::Changes(real) if !real.is_empty()));
            match pair.judge(schema, nothing, truth) {
                Verdict::Right => {
                    tally.right += 1;
                    if pair.asks {
                        tally.open.push(pair.title.clone());
                    }
                }
                Verdict::Wrong(how) => tally.wrong.push(format!("{}\n    {how}", pair.title)),
                Verdict::Asks(why) if plain => {
                    tally.asked += 1;
                    *tally
                        .reasons
                        .entry(format!("{} {why}", key.kind))
                        .or_default() += 1;
                }
                Verdict::Asks(_) => tally.elsewhere += 1,
            }
        }
        tally
    }

    #[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
    fn print(&self) {
        let share = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        println!(
            "{} kinds: {} right, {} wrong; {} change something, {} are refused",
            self.kinds.len(),
            self.right,
            self.wrong.len(),
            self.changing,
            self.refused
        );
        println!(
            "asked the server: {} of {} ({:.2} %); with a webhook or without a schema {} more",
            self.asked,
            self.plain,
            share(self.asked, self.plain),
            self.elsewhere
        );
        for (why, count) in &self.reasons {
            println!("  {count} {why}");
        }
        if std::env::var_os("LOCKSTEP_TEST_REFUSALS").is_some() {
            for (why, count) in &self.refusals {
                println!("  refused {count} {why}");
            }
        }
    }
}
