//! Sync options of an Application, one at a time: what they mean, and what is said of those that mean nothing.

use super::super::super::{Propagation, Retry, SyncOptions, Wish};
use super::*;

/// What is read from a `syncPolicy`, and what is said about it.
fn policy(text: &str) -> (Definition, String) {
    let text = minimal("a", &format!("  syncPolicy: {text}\n"));
    let (definitions, problems) = read(&files(&[("a.yaml", &text)]), "home");
    let definition = definitions.first().cloned();
    let said: Vec<String> = definition
        .iter()
        .flat_map(|definition| &definition.ignored_fields)
        .map(|(field, why)| format!("{}: {why}", field.trim_start_matches("spec.syncPolicy.")))
        .chain(problems.iter().map(|problem| problem.message.clone()))
        .collect();
    (
        definition.unwrap_or_else(|| panic!("{said:?}")),
        said.join("\n"),
    )
}

#[test]
fn each_option_is_read_and_only_what_means_nothing_is_said() {
    type Change = fn(&mut SyncOptions);
    let cases: [(&str, Change, &str); 20] = [
        ("Replace=true", |all| all.replace = true, ""),
        ("Force=true", |all| all.force = true, ""),
        ("Replace=false", |_| {}, ""),
        ("Validate=false", |all| all.validate = false, ""),
        (" Validate = false ", |all| all.validate = false, ""),
        (
            "SkipDryRunOnMissingResource=true",
            |all| all.skip_dry_run_on_missing = true,
            "",
        ),
        ("PruneLast=true", |all| all.prune_last = true, ""),
        (
            "FailOnSharedResource=true",
            |all| all.fail_on_shared = true,
            "",
        ),
        ("Prune=false", |all| all.prune = Wish::Never, ""),
        ("Prune=confirm", |all| all.prune = Wish::Confirm, ""),
        ("Prune=true", |_| {}, ""),
        (
            "Prune=no",
            |_| {},
            "Prune must be true, false or confirm; no has no effect",
        ),
        ("Delete=false", |all| all.delete = Wish::Never, ""),
        ("Delete=confirm", |all| all.delete = Wish::Confirm, ""),
        (
            "Delete=true",
            |_| {},
            "removing a definition never removes objects by itself",
        ),
        ("ServerSideApply=true", |_| {}, ""),
        (
            "ServerSideApply=false",
            |_| {},
            "objects are always applied by the server",
        ),
        (
            "PrunePropagationPolicy=background",
            |all| all.propagation = Propagation::Background,
            "",
        ),
        (
            "PrunePropagationPolicy=orphan",
            |all| all.propagation = Propagation::Orphan,
            "",
        ),
        (
            "Prun=false",
            |_| {},
            "Lockstep does not know the option Prun",
        ),
    ];
    for (option, change, said) in cases {
        // Argo CD prunes in the foreground unless told otherwise.
        let mut expected = SyncOptions {
            propagation: Propagation::Foreground,
            ..SyncOptions::default()
        };
        change(&mut expected);
        let (definition, notes) = policy(&format!("{{syncOptions: ['{option}']}}"));
        assert_eq!(definition.sync_options, expected, "{option}");
        let notes = notes.trim_start_matches("syncOptions[0]: ");
        assert_eq!(notes, said, "{option}");
    }
}

#[test]
fn an_option_that_is_said_twice_is_named() {
    for (text, said) in [
        (
            "[Prune=false, Prune=true]",
            "syncOptions[1]: Prune is said before with another value; this one counts",
        ),
        ("[Prune=false, Prune=false]", ""),
    ] {
        assert_eq!(
            policy(&format!("{{syncOptions: {text}}}")).1,
            said,
            "{text}"
        );
    }
}

#[test]
fn retries_are_read_with_argos_own_defaults() {
    let argo = Retry {
        limit: 0,
        pause_ms: 5_000,
        factor: 2,
        longest_pause_ms: 180_000,
        refresh: false,
    };
    for (text, expected) in [
        ("{}", None),
        ("{retry: {}}", Some(argo.clone())),
        (
            "{retry: {limit: -1}}",
            Some(Retry {
                limit: -1,
                ..argo.clone()
            }),
        ),
        (
            "{retry: {limit: 5, refresh: true, backoff: {duration: 10s, factor: 3, maxDuration: 1h30m}}}",
            Some(Retry {
                limit: 5,
                pause_ms: 10_000,
                factor: 3,
                longest_pause_ms: 5_400_000,
                refresh: true,
            }),
        ),
        (
            "{retry: {limit: 2, backoff: {duration: '7'}}}",
            Some(Retry {
                limit: 2,
                pause_ms: 7_000,
                ..argo
            }),
        ),
    ] {
        let (definition, said) = policy(text);
        assert_eq!(
            (definition.sync_options.retry, said.as_str()),
            (expected, ""),
            "{text}"
        );
    }
}

#[test]
fn metadata_of_a_namespace_counts_only_where_one_is_created() {
    for (options, created, said) in [
        ("[CreateNamespace=true]", true, ""),
        (
            "[]",
            false,
            "it has an effect only together with CreateNamespace=true",
        ),
    ] {
        let (definition, notes) = policy(&format!(
            "{{syncOptions: {options}, managedNamespaceMetadata: {{labels: {{team: cart}}, annotations: {{a: b}}}}}}"
        ));
        assert_eq!(definition.policy.create_namespace, created);
        assert_eq!(definition.sync_options.namespace_labels["team"], "cart");
        assert_eq!(definition.sync_options.namespace_annotations["a"], "b");
        assert_eq!(notes.trim_start_matches("managedNamespaceMetadata: "), said);
    }
}
