//! What may be deleted, written down a second time and without a line of the planner: by what the model knows of Git, of
//! the cluster and of what people said.

use super::git::{NAMES, Objects};
use super::world::{Live, TARGET_KEY, mark};
use std::collections::{BTreeMap, BTreeSet};

/// What was true when a run with deletes began.
pub struct Moment<'m> {
    pub declared: Option<&'m Objects>,
    pub inventory: &'m BTreeMap<&'static str, Option<u32>>,
    pub cluster: &'m BTreeMap<&'static str, Live>,
    pub down: bool,
    pub hidden: &'m BTreeSet<&'static str>,
    pub allow_empty: bool,
    /// The definition prunes, or a person asked for it.
    pub may_prune: bool,
    /// Nobody asked.
    pub automatic: bool,
    /// A second render of the same commit, half a minute later, gave the same.
    pub confirmed: bool,
    /// The commit descends from what was deployed.
    pub forward: bool,
    /// A person said yes to exactly these deletes, once.
    pub approved: bool,
}

/// Panics unless every one of these may go.
pub fn may_go(moment: &Moment<'_>, names: &[&'static str]) {
    let declared = moment
        .declared
        .expect("deletes while Git cannot be rendered");
    assert!(!moment.down, "deletes while the cluster is not known");
    assert!(moment.may_prune, "deletes although nobody lets it prune");
    let relevant = |name: &&&'static str| {
        declared.contains_key(**name) || moment.inventory.contains_key(**name)
    };
    let hidden: Vec<_> = moment.hidden.iter().filter(relevant).collect();
    assert!(hidden.is_empty(), "deletes while {hidden:?} is not known");
    for name in names {
        assert!(
            !declared.contains_key(name),
            "deletes {name}, which Git declares"
        );
        let recorded = moment.inventory.get(name);
        let live = moment.cluster.get(name).expect("deletes what is not there");
        assert_eq!(
            recorded,
            Some(&Some(live.uid)),
            "deletes {name}, which is not what was applied"
        );
        assert_eq!(
            live.tracking.as_deref(),
            Some(mark(name, TARGET_KEY).as_str()),
            "deletes {name}, which does not carry our mark"
        );
        assert!(live.wish != 2, "deletes {name}, which says Prune=false");
    }
    if moment.automatic {
        assert!(moment.confirmed, "deletes after one render");
        assert!(moment.forward, "deletes after a rewritten history");
    }
    if !moment.approved {
        unasked(moment, declared, names);
    }
}

/// What goes without a person's yes.
fn unasked(moment: &Moment<'_>, declared: &Objects, names: &[&'static str]) {
    let most = 3.max(moment.inventory.len() / 5);
    assert!(
        names.len() <= most,
        "deletes {} of {} without a yes",
        names.len(),
        moment.inventory.len()
    );
    assert!(
        !declared.is_empty() || moment.allow_empty,
        "deletes for an empty render without a yes"
    );
    for name in names {
        assert!(!holds_more(name), "deletes {name} without a yes");
        assert!(
            moment.cluster[name].wish != 1,
            "deletes {name}, which says Prune=confirm, without a yes"
        );
    }
    let workload = |name: &str| name.starts_with("apps/") || name.starts_with("batch/");
    if names.iter().any(|name| workload(name)) {
        assert!(
            declared.keys().any(|name| workload(name)),
            "deletes the last workload without a yes"
        );
    }
}

/// Data, or what others live by.
pub fn holds_more(name: &str) -> bool {
    [NAMES[7], NAMES[8], NAMES[11], NAMES[13]].contains(&name)
}
