//! `syncPolicy` of an application: what happens by itself, and how a sync goes about it.

use super::super::fields::Place;
use super::super::{Propagation, Retry, SyncOptions, Wish};
use super::EDIT;
use lockstep_types::application::SyncPolicy;
use std::collections::BTreeMap;

/// Without a limit Argo CD does not retry; the rest are its own defaults.
const LIMIT: i64 = 0;
const PAUSE_MS: u64 = 5_000;
const FACTOR: u32 = 2;
const LONGEST_PAUSE_MS: u64 = 180_000;

pub(super) fn read(place: &Place<'_>) -> (SyncPolicy, SyncOptions) {
    let automated = place.at("automated");
    // `automated: {}` and `enabled: null` both mean on.
    let on = automated.is_there() && automated.flag("enabled").unwrap_or(true);
    let mut policy = SyncPolicy {
        automated: on,
        prune: automated.flag("prune").unwrap_or(false),
        self_heal: automated.flag("selfHeal").unwrap_or(false),
        allow_empty: automated.flag("allowEmpty").unwrap_or(false),
        create_namespace: false,
        suspend: false,
    };
    automated.done();
    let mut options = SyncOptions {
        propagation: Propagation::Foreground,
        ..SyncOptions::default()
    };
    let mut said = BTreeMap::new();
    for (index, option) in place.texts("syncOptions").into_iter().enumerate() {
        let field = format!("syncOptions[{index}]");
        match option.split_once('=') {
            Some((key, value)) => {
                let (key, value) = (key.trim(), value.trim());
                if said
                    .insert(key.to_owned(), value.to_owned())
                    .is_some_and(|before| before != value)
                {
                    let message =
                        format!("{key} is said before with another value; this one counts");
                    place.note(&field, &message);
                }
                self::option(place, &field, (key, value), &mut policy, &mut options);
            }
            None => place.problem(&field, "it must have the form Key=value", EDIT),
        }
    }
    options.retry = place.has("retry").then(|| retry(&place.at("retry")));
    let metadata = place.at("managedNamespaceMetadata");
    options.namespace_labels = metadata.text_map("labels");
    options.namespace_annotations = metadata.text_map("annotations");
    metadata.done();
    if metadata.is_there() && !policy.create_namespace {
        let why = "it has an effect only together with CreateNamespace=true";
        place.note("managedNamespaceMetadata", why);
    }
    place.done();
    (policy, options)
}

fn option(
    place: &Place<'_>,
    field: &str,
    (key, value): (&str, &str),
    policy: &mut SyncPolicy,
    options: &mut SyncOptions,
) {
    if key == "PrunePropagationPolicy" {
        options.propagation = match value {
            "foreground" => Propagation::Foreground,
            "background" => Propagation::Background,
            "orphan" => Propagation::Orphan,
            _ => {
                let message =
                    format!("{value} is no propagation; foreground, background and orphan are");
                return place.problem(field, &message, EDIT);
            }
        };
        return;
    }
    if matches!(key, "Prune" | "Delete") {
        let wish = match value {
            "true" => Wish::Allowed,
            "confirm" => Wish::Confirm,
            "false" => Wish::Never,
            _ => {
                let message =
                    format!("{key} must be true, false or confirm; {value} has no effect");
                return place.note(field, &message);
            }
        };
        if key == "Prune" {
            options.prune = wish;
        } else {
            options.delete = wish;
        }
        if key == "Delete" && wish == Wish::Allowed {
            place.note(
                field,
                "removing a definition never removes objects by itself",
            );
        }
        return;
    }
    let on = match value {
        "true" => true,
        "false" => false,
        _ => {
            // Argo CD reads on past it.
            let message = format!("{key} must be true or false; {value} has no effect");
            return place.note(field, &message);
        }
    };
    match key {
        "CreateNamespace" => policy.create_namespace = on,
        "Replace" => options.replace = on,
        "Force" => options.force = on,
        "Validate" => options.validate = on,
        "SkipDryRunOnMissingResource" => options.skip_dry_run_on_missing = on,
        "PruneLast" => options.prune_last = on,
        "RespectIgnoreDifferences" => options.respect_ignore_differences = on,
        "FailOnSharedResource" => options.fail_on_shared = on,
        "ServerSideApply" if !on => place.note(field, "objects are always applied by the server"),
        "ApplyOutOfSyncOnly" if !on => {
            place.note(
                field,
                "objects that are as they should be are never written",
            );
        }
        "ServerSideApply" | "ApplyOutOfSyncOnly" => {}
        "ClientSideApplyMigration" => {
            place.note(field, "fields that a client applied are always taken over");
        }
        _ => place.note(field, &format!("Lockstep does not know the option {key}")),
    }
}

fn retry(place: &Place<'_>) -> Retry {
    let backoff = place.at("backoff");
    let pause_ms = pause(&backoff, "duration", PAUSE_MS);
    let longest_pause_ms = pause(&backoff, "maxDuration", LONGEST_PAUSE_MS);
    let factor = match backoff.number("factor").map(u32::try_from) {
        None => FACTOR,
        Some(Ok(factor)) if factor > 0 => factor,
        Some(_) => {
            backoff.problem("factor", "it must be a whole number of at least 1", EDIT);
            FACTOR
        }
    };
    backoff.done();
    let read = Retry {
        limit: place.number("limit").unwrap_or(LIMIT),
        pause_ms,
        factor,
        longest_pause_ms,
        refresh: place.flag("refresh").unwrap_or(false),
    };
    place.done();
    read
}

/// More than a year is a slip of the pen.
const LONGEST_MS: u64 = 366 * 24 * 60 * 60 * 1000;

fn pause(place: &Place<'_>, name: &str, default: u64) -> u64 {
    let written = place.text(name);
    if written.is_empty() {
        return default;
    }
    milliseconds(&written)
        .filter(|read| (1..=LONGEST_MS).contains(read))
        .unwrap_or_else(|| {
            let written: String = written.chars().take(40).collect();
            let message = format!("{written} is no duration between 1ms and a year");
            place.problem(name, &message, "Write it like 5s, 3m or 1m30s.");
            default
        })
}

/// Durations as Go writes them: `1m30s`, `1.5h`, `500ms`; a number alone is seconds.
fn milliseconds(written: &str) -> Option<u64> {
    if let Ok(seconds) = written.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    let mut rest = written;
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let scale = match unit {
            "ms" => 1.0,
            "s" => 1000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = after;
    }
    // A cast of more would lose digits.
    (total.is_finite() && total <= 1e15).then_some(total.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (written, expected) in [
            ("5s", Some(5_000)),
            ("3m", Some(180_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("500ms", Some(500)),
            ("7", Some(7_000)),
            ("", Some(0)),
            ("s", None),
            ("5 s", None),
            ("-5s", None),
            ("5d", None),
            ("1.2.3s", None),
        ] {
            assert_eq!(milliseconds(written), expected, "{written}");
        }
    }
}
