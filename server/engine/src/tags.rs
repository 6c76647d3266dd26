//! Which of an image's tags is wanted, and the markers in files that its choice is written behind. Pure.

mod choice;
mod markers;

pub use choice::{Chooser, TagChoice, TagOrder};
pub use markers::{MARKER, Marked, is_marked, marked};
