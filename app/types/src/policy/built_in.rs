//! The roles that are there without any policy, written in the same language.

use super::{Policy, PolicyFile};
use std::sync::LazyLock;

static BUILT_IN: LazyLock<Policy> = LazyLock::new(|| {
    let mut policy = Policy::default();
    let mut problems = Vec::new();
    let file = PolicyFile {
        name: built_in_name().to_owned(),
        first_line: 1,
        text: include_str!("built_in.csv").to_owned(),
    };
    policy.add(&file, &mut problems);
    debug_assert!(problems.is_empty(), "{problems:?}");
    policy
});

/// The policy of the built-in roles alone.
pub fn built_in() -> &'static Policy {
    &BUILT_IN
}

/// How their lines are named in answers.
pub fn built_in_name() -> &'static str {
    "built-in"
}
