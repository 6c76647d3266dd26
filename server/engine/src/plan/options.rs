//! What an object's own annotations say about how it is synced: Argo CD's `sync-options`, with Flux's `force` beside it.
//! What they do not say, the definition says for all objects.
//!
//! As in Argo CD, with two differences: a word that is not known is said and does not count, and of two that contradict
//! each other the more careful one counts.
//! (argo-cd.readthedocs.io, user guide: sync options; fluxcd.io, Kustomization: controlling the apply behaviour.)

use super::marks;
use super::order::annotation;
use crate::definition::Wish;
use serde_json::Value;

/// Argo CD's annotation.
pub const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";

/// The options of one object; `None`: it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectOptions {
    pub prune: Option<Wish>,
    /// Whether the object goes when its application is removed.
    pub delete: Option<Wish>,
    pub replace: Option<bool>,
    pub force: Option<bool>,
    pub validate: Option<bool>,
    pub prune_last: Option<bool>,
    pub skip_dry_run_on_missing: Option<bool>,
    /// What is wrong with the annotation, a sentence part each.
    pub problems: Vec<String>,
}

/// Reads them off an object.
pub fn options(body: &Value) -> ObjectOptions {
    let mut options = ObjectOptions::default();
    let mut server_side = None;
    let text = annotation(body, SYNC_OPTIONS).unwrap_or_default();
    for word in text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        let Some((key, value)) = word.split_once('=') else {
            options.problem(word, "has not the form Key=value and does not count");
            continue;
        };
        let on = switch(value);
        let read = match key {
            "Prune" => wish(value).map(|wish| options.prune_wish(wish, word)),
            "Delete" => wish(value).map(|wish| options.delete_wish(wish, word)),
            "Replace" => on.map(|on| options.careful(word, on, false, |own| &mut own.replace)),
            "Force" => on.map(|on| options.careful(word, on, false, |own| &mut own.force)),
            "Validate" => on.map(|on| options.careful(word, on, true, |own| &mut own.validate)),
            "PruneLast" => on.map(|on| options.careful(word, on, true, |own| &mut own.prune_last)),
            "SkipDryRunOnMissingResource" => on.map(|on| {
                options.careful(word, on, false, |own| &mut own.skip_dry_run_on_missing);
            }),
            "ServerSideApply" => on.map(|on| {
                if server_side.replace(on).is_some_and(|before| before != on) {
                    options.contradiction(word);
                } else if !on {
                    options.problem(
                        word,
                        "has no effect: objects are always applied by the server",
                    );
                }
            }),
            "ClientSideApplyMigration" => on.map(|_| ()),
            "CreateNamespace"
            | "ApplyOutOfSyncOnly"
            | "RespectIgnoreDifferences"
            | "FailOnSharedResource"
            | "PrunePropagationPolicy" => {
                options.problem(
                    word,
                    "does not count on an object, only in the definition's syncOptions",
                );
                continue;
            }
            _ => {
                options.problem(word, "is not known and does not count");
                continue;
            }
        };
        if read.is_none() {
            let which = match key {
                "Prune" | "Delete" => "true, false or confirm",
                _ => "true or false",
            };
            options.problem(word, &format!("must be {which}, and does not count"));
        }
    }
    if options.replace == Some(true) && server_side == Some(true) {
        options.problem(
            text,
            "asks for Replace and for ServerSideApply: Replace counts",
        );
    }
    if marks::flux(body, marks::FORCE, "enabled") {
        options.force.get_or_insert(true);
    }
    options
}

impl ObjectOptions {
    fn problem(&mut self, word: &str, what: &str) {
        self.problems
            .push(format!("{SYNC_OPTIONS}: {word:?} {what}"));
    }

    fn contradiction(&mut self, word: &str) {
        self.problem(
            word,
            "contradicts what stands before it: the more careful one counts",
        );
    }

    fn prune_wish(&mut self, wish: Wish, word: &str) {
        let before = self.prune.replace(wish);
        if let Some(before) = before.filter(|before| *before != wish) {
            self.prune = Some(before.max(wish));
            self.contradiction(word);
        }
    }

    fn delete_wish(&mut self, wish: Wish, word: &str) {
        let before = self.delete.replace(wish);
        if let Some(before) = before.filter(|before| *before != wish) {
            self.delete = Some(before.max(wish));
            self.contradiction(word);
        }
    }

    /// Sets a switch; `careful` is the value that counts if it is set both ways.
    fn careful(
        &mut self,
        word: &str,
        on: bool,
        careful: bool,
        field: fn(&mut Self) -> &mut Option<bool>,
    ) {
        if field(self).replace(on).is_some_and(|before| before != on) {
            *field(self) = Some(careful);
            self.contradiction(word);
        }
    }
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn wish(value: &str) -> Option<Wish> {
    match value {
        "true" => Some(Wish::Allowed),
        "false" => Some(Wish::Never),
        "confirm" => Some(Wish::Confirm),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> ObjectOptions {
        options(&json!({"metadata": {"annotations": {SYNC_OPTIONS: text}}}))
    }

    #[test]
    fn options_are_read_with_spaces_and_in_any_order() {
        let all = read(
            " PruneLast=true ,Prune=confirm,Replace=true, Force=true,Validate=false,SkipDryRunOnMissingResource=true,Delete=false,ServerSideApply=false ",
        );
        assert_eq!(
            all,
            ObjectOptions {
                prune: Some(Wish::Confirm),
                delete: Some(Wish::Never),
                replace: Some(true),
                force: Some(true),
                validate: Some(false),
                prune_last: Some(true),
                skip_dry_run_on_missing: Some(true),
                problems: vec![format!(
                    "{SYNC_OPTIONS}: \"ServerSideApply=false\" has no effect: objects are always applied by the server"
                )],
            }
        );
        assert_eq!(options(&json!({})), ObjectOptions::default());
        assert_eq!(
            read("Delete=confirm,ServerSideApply=true, ,"),
            ObjectOptions {
                delete: Some(Wish::Confirm),
                ..ObjectOptions::default()
            }
        );
    }

    #[test]
    fn what_is_not_known_is_said_and_does_not_count() {
        let spoken: Vec<String> = [
            "prune=false",
            "Prune=no",
            "Prune",
            "Prun=false",
            "Replace=yes",
            "Force= true",
            "Delete=",
            "CreateNamespace=true",
            "PrunePropagationPolicy=orphan",
            "Prune=false=true",
        ]
        .iter()
        .flat_map(|text| {
            let ObjectOptions { problems, .. } = read(text);
            let silent = ObjectOptions {
                problems: problems.clone(),
                ..ObjectOptions::default()
            };
            assert_eq!(read(text), silent, "{text}");
            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
            problems
        })
        .collect();
        insta::assert_snapshot!(spoken.join("\n").replace(SYNC_OPTIONS, "…"), @r#"
        …: "prune=false" is not known and does not count
        …: "Prune=no" must be true, false or confirm, and does not count
        …: "Prune" has not the form Key=value and does not count
        …: "Prun=false" is not known and does not count
        …: "Replace=yes" must be true or false, and does not count
        …: "Force= true" must be true or false, and does not count
        …: "Delete=" must be true, false or confirm, and does not count
        …: "CreateNamespace=true" does not count on an object, only in the definition's syncOptions
        …: "PrunePropagationPolicy=orphan" does not count on an object, only in the definition's syncOptions
        …: "Prune=false=true" must be true, false or confirm, and does not count
        "#);
    }

    #[test]
    fn of_two_that_contradict_the_careful_one_counts() {
        type Part = fn(&ObjectOptions) -> String;
        let cases: [(&str, Part, &str); 8] = [
            (
                "Prune=false,Prune=true",
                |own| format!("{:?}", own.prune),
                "Some(Never)",
            ),
            (
                "Prune=true,Prune=confirm",
                |own| format!("{:?}", own.prune),
                "Some(Confirm)",
            ),
            (
                "Force=true,Force=false",
                |own| format!("{:?}", own.force),
                "Some(false)",
            ),
            (
                "Replace=false,Replace=true",
                |own| format!("{:?}", own.replace),
                "Some(false)",
            ),
            (
                "Validate=false,Validate=true",
                |own| format!("{:?}", own.validate),
                "Some(true)",
            ),
            (
                "PruneLast=false,PruneLast=true",
                |own| format!("{:?}", own.prune_last),
                "Some(true)",
            ),
            (
                "Delete=confirm,Delete=false",
                |own| format!("{:?}", own.delete),
                "Some(Never)",
            ),
            (
                "Replace=true,ServerSideApply=true",
                |own| format!("{:?}", own.replace),
                "Some(true)",
            ),
        ];
        for (text, part, expected) in cases {
            let own = read(text);
            assert_eq!(part(&own), expected, "{text}");
            assert_eq!(own.problems.len(), 1, "{text}: {:?}", own.problems);
        }
        assert!(read("Prune=false,Prune=false").problems.is_empty());
    }

    #[test]
    fn flux_says_force_in_its_own_words() {
        for (text, argo, expected) in [
            ("enabled", "", Some(true)),
            ("Enabled", "", Some(true)),
            ("disabled", "", None),
            ("enabled", "Force=false", Some(false)),
        ] {
            let body =
                json!({"metadata": {"annotations": {marks::FORCE: text, SYNC_OPTIONS: argo}}});
            assert_eq!(options(&body).force, expected, "{text} {argo}");
        }
    }
}
