//! Which live objects are made, and what Git then says of each: the tables crossed with the hands that make objects.

use crate::chance::Chance;
use crate::table::{ADOPTED, By, Case, Edit, Entry, Place, edited, named, places};
use serde_json::{Value, json};

/// One live object, and what it is compared with.
#[derive(Debug, Clone)]
pub struct Plan {
    pub title: String,
    pub by: By,
    pub place: Place,
    /// What the first hand writes.
    pub start: Value,
    /// What we apply after another's hand.
    pub then: Option<Value>,
    pub drift: Option<Edit>,
    pub git: Vec<Wanted>,
    pub lax: bool,
    pub asks: bool,
    pub unseen: bool,
    pub read: Option<String>,
    pub schema: bool,
    /// The server may find the varied object invalid: then there are no pairs of it.
    pub varied: bool,
    /// Fields that change as a consequence.
    pub follows: Vec<String>,
}

/// What Git says.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub what: String,
    pub body: Value,
}

/// All of them: the same for the same seed.
pub fn all(entries: &[Entry], cases: &[Case], prefix: &str, seed: u64) -> Vec<Plan> {
    let mut planner = Planner {
        chance: Chance::new(seed),
        prefix,
        plans: Vec::new(),
    };
    for case in cases {
        planner.case(case);
    }
    for (index, entry) in entries.iter().enumerate() {
        planner.entry(index, entry);
    }
    planner.plans
}

struct Planner<'p> {
    chance: Chance,
    prefix: &'p str,
    plans: Vec<Plan>,
}

impl Planner<'_> {
    fn body(&self, base: &Value) -> (String, Value) {
        let name = format!("{}-{}", self.prefix, self.plans.len());
        let mut body = named(base, &name);
        if body.pointer("/metadata/name").is_none() {
            if body.get("metadata").is_none() {
                body["metadata"] = json!({});
            }
            body["metadata"]["name"] = json!(name);
        }
        (name, body)
    }

    fn case(&mut self, case: &Case) {
        let (name, start) = self.body(&case.base);
        let git = case
            .git
            .iter()
            .map(|edit| self.wanted(&start, &named(edit, &name)));
        let git = git.collect();
        self.plans.push(Plan {
            title: case.case.clone(),
            by: case.by,
            place: case.place,
            start,
            then: None,
            drift: case.drift.clone(),
            git,
            lax: case.lax,
            asks: case.asks,
            unseen: case.unseen,
            read: case.read.clone(),
            schema: case.schema.as_deref() != Some("none"),
            varied: false,
            follows: Vec::new(),
        });
    }

    fn wanted(&self, base: &Value, edit: &Edit) -> Wanted {
        let what = if edit.is_empty() {
            "unchanged".to_owned()
        } else {
            let steps = edit.iter().map(|(step, value)| match step.split_at(1).0 {
                "-" | "~" => format!("{step} "),
                _ => format!("{step}={value} "),
            });
            steps.collect::<String>().trim_end().to_owned()
        };
        Wanted {
            what,
            body: edited(base, edit),
        }
    }

    /// One object of a kind: made by `by` after `first`, changed by `drift`, and compared with these edits.
    fn object(
        &mut self,
        entry: &Entry,
        by: By,
        first: &Edit,
        then: bool,
        drift: Option<&Edit>,
        git: &[Edit],
    ) {
        let (name, base) = self.body(&entry.base);
        let kind = base["kind"].as_str().unwrap_or_default().to_owned();
        let git = git
            .iter()
            .map(|edit| self.wanted(&base, &named(edit, &name)));
        let git = git.collect();
        let start = edited(&base, &named(first, &name));
        let mut title = format!("{kind} by {by:?}");
        if !first.is_empty() {
            title.push_str(&format!(" with {}", self.wanted(&base, first).what));
        }
        if then {
            title.push_str(", adopted");
        }
        if let Some(drift) = drift {
            title.push_str(&format!(", drifted {}", self.wanted(&base, drift).what));
        }
        self.plans.push(Plan {
            title,
            by,
            place: entry.place,
            start,
            then: then.then(|| base.clone()),
            drift: drift.map(|drift| named(drift, &name)),
            git,
            lax: false,
            asks: false,
            unseen: false,
            read: None,
            schema: true,
            varied: !first.is_empty(),
            follows: entry.follows.clone(),
        });
    }

    fn entry(&mut self, index: usize, entry: &Entry) {
        let same = Edit::new();
        let mut git = vec![same.clone()];
        git.extend(entry.edits.iter().cloned());
        for turn in 0..4 {
            let mut both = self.chance.one(&entry.edits).clone();
            both.extend(self.chance.one(&entry.edits).clone());
            git.push(both);
            if turn < 2 {
                git.push(self.cut(&entry.base));
            }
        }
        self.object(entry, By::Ours, &same, false, None, &git);
        if entry.few {
            self.object(entry, By::Kubectl, &same, false, None, &git[..3]);
            return;
        }
        let picked = |chance: &mut Chance, count: usize| -> Vec<Edit> {
            chance
                .some(&entry.edits, count)
                .into_iter()
                .cloned()
                .collect()
        };
        for drift in picked(&mut self.chance, 4) {
            let other = self.chance.one(&entry.edits).clone();
            self.object(
                entry,
                By::Ours,
                &same,
                false,
                Some(&drift),
                &[same.clone(), other],
            );
        }
        for turn in 0..3 {
            let by = ADOPTED[(index + turn * 2) % ADOPTED.len()];
            let first = if turn == 0 {
                same.clone()
            } else {
                self.chance.one(&entry.edits).clone()
            };
            let mut git = vec![same.clone()];
            git.extend(picked(&mut self.chance, 2));
            self.object(entry, by, &first, false, None, &git);
        }
        for first in picked(&mut self.chance, 2) {
            self.object(
                entry,
                By::Ours,
                &first,
                false,
                None,
                std::slice::from_ref(&same),
            );
        }
        let by = ADOPTED[index % ADOPTED.len()];
        let cut = self.cut(&entry.base);
        self.object(entry, by, &same, true, None, &[same.clone(), cut]);
    }

    /// Something of the object is gone.
    fn cut(&mut self, base: &Value) -> Edit {
        let places = places(base);
        if places.is_empty() {
            return Edit::new();
        }
        let pointer = self.chance.one(&places);
        Edit::from([(format!("-{pointer}"), json!("gone"))])
    }
}
