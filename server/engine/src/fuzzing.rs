//! Fuzz targets on a stable compiler: good input, changed by chance that is the same every time. Only for tests.
//!
//! A target fails when it panics or takes too long. `LOCKSTEP_FUZZ_RUNS` and `LOCKSTEP_FUZZ_SEED` make it longer and
//! different (`make fuzz RUNS=1000000 SEED=7`).

use std::time::{Duration, Instant};

const RUNS: u64 = 2_000;
/// For one input; without optimisation and beside other tests.
const LONGEST: Duration = Duration::from_secs(30);
/// Inputs do not grow beyond this.
const MAX_LENGTH: usize = 64 * 1024;

/// Pieces that parsers trip over.
const PIECES: [&str; 40] = [
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\u{202e}",
    "\t",
    "\r\n",
    "\n---\n",
    "\n...\n",
    "--- ",
    "%YAML 9\n",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "!!",
    "? ",
    ": ",
    "- ",
    "[",
    "{",
    "]",
    "}",
    "|+\n",
    ">9\n",
    "\"",
    "'",
    "\\u",
    "#",
    "../",
    "%2e",
    "@",
    "://",
    "-",
    "18446744073709551616",
    "-9223372036854775809",
    "1e999",
    "0x",
    "{{",
    "}}",
    "\u{1F600}",
];

struct Chance(u64);

impl Chance {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(usize::MAX) % end.max(1)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Feeds changed seeds to the target.
///
/// # Panics
/// The target panicked or took too long; the message holds the input.
pub fn run(name: &str, seeds: &[&[u8]], target: impl Fn(&[u8])) {
    let start = setting("LOCKSTEP_FUZZ_SEED", 1);
    for run in 0..setting("LOCKSTEP_FUZZ_RUNS", RUNS) {
        let mut chance = Chance(start.wrapping_mul(0x1_0000_0001).wrapping_add(run));
        let mut input = seeds[chance.below(seeds.len())].to_vec();
        for _ in 0..=chance.below(6) {
            change(&mut input, seeds, &mut chance);
        }
        input.truncate(MAX_LENGTH);
        let began = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&input)));
        let took = began.elapsed();
        assert!(
            outcome.is_ok() && took < LONGEST,
            "{name}, run {run} of seed {start}, {took:?}: {:?}",
            String::from_utf8_lossy(&input)
        );
    }
}

fn change(input: &mut Vec<u8>, seeds: &[&[u8]], chance: &mut Chance) {
    let at = chance.below(input.len() + 1);
    let end = (at + chance.below(40)).min(input.len());
    match chance.below(7) {
        0 => {
            input.drain(at..end);
        }
        1 => {
            let piece = PIECES[chance.below(PIECES.len())];
            let times = [1, 1, 1, 2, 120, 3000][chance.below(6)];
            input.splice(at..at, piece.repeat(times).into_bytes());
        }
        2 => {
            let copy = input[at..end].to_vec();
            let to = chance.below(input.len() + 1);
            input.splice(to..to, copy);
        }
        3 if at < input.len() => input[at] ^= 1 << chance.below(8),
        4 if at < input.len() => input[at] = chance.next().to_le_bytes()[0],
        5 => {
            let other = seeds[chance.below(seeds.len())];
            let from = chance.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => input.truncate(at),
    }
}
