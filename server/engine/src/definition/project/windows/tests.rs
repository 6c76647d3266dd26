//! One line per case: the windows, the time, and what they say. All expectations were worked out on a calendar.

use super::super::super::{DefinitionFile, read as read_files};
use super::*;

/// The windows of a project, or what is wrong with them.
fn windows(list: &str) -> Result<Vec<SyncWindow>, Vec<(String, String)>> {
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: web, namespace: argocd}}\nspec:\n  syncWindows:\n{list}"
    );
    let file = DefinitionFile {
        path: "project.yaml".to_owned(),
        bytes: text.into_bytes(),
    };
    let mut read = read_files(&[file], "hub");
    if read.problems.is_empty() {
        return Ok(read.projects.remove(0).sync_windows);
    }
    let problems = read.problems.into_iter();
    Err(problems
        .map(|problem| (problem.field, problem.message))
        .collect())
}

fn at(written: &str) -> Timestamp {
    written.parse().unwrap()
}

const SHOP: Subject<'static> = Subject {
    application: "shop-eu",
    namespace: "shop",
    clusters: &["prod-eu", "in-cluster", "https://10.0.0.1:6443"],
};

/// `open`, `closed` or `people` (closed, and people may), with the next change.
fn words(windows: &[SyncWindow], now: &str) -> String {
    let verdict = Verdict::of(windows, &SHOP, at(now));
    let state = match (
        verdict.permits(Asked::ByItself),
        verdict.permits(Asked::ByPerson),
    ) {
        (true, _) => "open",
        (false, true) => "people",
        (false, false) => "closed",
    };
    match verdict.opens().or(verdict.closes()) {
        Some(change) => format!("{state} until {change}"),
        None => state.to_owned(),
    }
}

/// One window: kind, schedule, duration and further fields.
fn one(kind: &str, schedule: &str, duration: &str, more: &str) -> String {
    format!(
        "  - {{kind: {kind}, schedule: '{schedule}', duration: {duration}, applications: ['*'], {more}}}\n"
    )
}

#[test]
fn windows_open_and_close_on_the_clock() {
    let allow = |schedule: &str, duration: &str| one("allow", schedule, duration, "");
    let deny = |schedule: &str, duration: &str| one("deny", schedule, duration, "");
    let berlin = |schedule: &str, duration: &str| {
        one("allow", schedule, duration, "timeZone: Europe/Berlin")
    };
    let nights = allow("0 22 * * 1-5", "1h");
    let manual = |kind: &str| one(kind, "0 22 * * *", "1h", "manualSync: true");
    // 2026-11-26 is a Thursday.
    let cases: Vec<(&str, String, &str, &str)> = vec![
        (
            "before an allowing window",
            nights.clone(),
            "2026-11-26T21:59:59Z",
            "closed until 2026-11-26T22:00:00Z",
        ),
        (
            "at its beginning",
            nights.clone(),
            "2026-11-26T22:00:00Z",
            "open until 2026-11-26T23:00:00Z",
        ),
        (
            "just before its end",
            nights.clone(),
            "2026-11-26T22:59:59Z",
            "open until 2026-11-26T23:00:00Z",
        ),
        (
            "at its end",
            nights.clone(),
            "2026-11-26T23:00:00Z",
            "closed until 2026-11-27T22:00:00Z",
        ),
        (
            "over a weekend",
            nights.clone(),
            "2026-11-27T23:00:00Z",
            "closed until 2026-11-30T22:00:00Z",
        ),
        (
            "over midnight",
            allow("30 23 * * *", "2h"),
            "2026-11-26T00:10:00Z",
            "open until 2026-11-26T01:30:00Z",
        ),
        (
            "over the end of a year",
            allow("0 12 1 1 *", "1h"),
            "2026-11-26T00:00:00Z",
            "closed until 2027-01-01T12:00:00Z",
        ),
        (
            "on 29 February only",
            allow("0 12 29 2 *", "1h"),
            "2026-11-26T00:00:00Z",
            "closed until 2028-02-29T12:00:00Z",
        ),
        (
            "a denying window alone: open outside",
            deny("0 8 * * *", "1h"),
            "2026-11-26T07:00:00Z",
            "open until 2026-11-26T08:00:00Z",
        ),
        (
            "a denying window alone: closed inside",
            deny("0 8 * * *", "1h"),
            "2026-11-26T08:30:00Z",
            "closed until 2026-11-26T09:00:00Z",
        ),
        (
            "deny wins over allow",
            allow("0 8 * * *", "4h") + &deny("0 9 * * *", "1h"),
            "2026-11-26T09:30:00Z",
            "closed until 2026-11-26T10:00:00Z",
        ),
        (
            "allow before deny",
            allow("0 8 * * *", "4h") + &deny("0 9 * * *", "1h"),
            "2026-11-26T08:30:00Z",
            "open until 2026-11-26T09:00:00Z",
        ),
        (
            "deny ends where allow has ended",
            allow("0 8 * * *", "2h") + &deny("0 9 * * *", "3h"),
            "2026-11-26T09:30:00Z",
            "closed until 2026-11-27T08:00:00Z",
        ),
        (
            "one of two allowing windows",
            allow("0 8 * * *", "1h") + &allow("0 12 * * *", "1h"),
            "2026-11-26T12:30:00Z",
            "open until 2026-11-26T13:00:00Z",
        ),
        (
            "between two allowing windows",
            allow("0 8 * * *", "1h") + &allow("0 12 * * *", "1h"),
            "2026-11-26T09:30:00Z",
            "closed until 2026-11-26T12:00:00Z",
        ),
        (
            "two that touch are one",
            allow("0 8 * * *", "1h") + &allow("0 9 * * *", "1h"),
            "2026-11-26T08:30:00Z",
            "open until 2026-11-26T10:00:00Z",
        ),
        (
            "openings that overlap are one",
            allow("0 8-10 * * *", "90m"),
            "2026-11-26T08:30:00Z",
            "open until 2026-11-26T11:30:00Z",
        ),
        (
            "every minute: always",
            allow("* * * * *", "1h"),
            "2026-11-26T08:30:00Z",
            "open",
        ),
        (
            "every minute denied: never",
            deny("* * * * *", "1h"),
            "2026-11-26T08:30:00Z",
            "closed",
        ),
        (
            "people pass a denying window that lets them",
            manual("deny"),
            "2026-11-26T22:30:00Z",
            "people until 2026-11-26T23:00:00Z",
        ),
        (
            "people pass an allowing window that lets them",
            manual("allow"),
            "2026-11-26T12:00:00Z",
            "people until 2026-11-26T22:00:00Z",
        ),
        (
            "all denying windows must let people pass",
            manual("deny") + &deny("30 22 * * *", "1h"),
            "2026-11-26T22:45:00Z",
            "closed until 2026-11-26T23:30:00Z",
        ),
        (
            "all allowing windows must let people pass",
            manual("allow") + &nights,
            "2026-11-26T12:00:00Z",
            "closed until 2026-11-26T22:00:00Z",
        ),
        (
            "one that denies decides for people too",
            one("allow", "0 22 * * *", "2h", "manualSync: true") + &deny("0 22 * * *", "1h"),
            "2026-11-26T22:30:00Z",
            "closed until 2026-11-26T23:00:00Z",
        ),
        (
            "day of the month or of the week",
            allow("0 12 1 * 5", "1h"),
            "2026-11-26T00:00:00Z",
            "closed until 2026-11-27T12:00:00Z",
        ),
        (
            "both days with a star",
            allow("0 12 1 * *", "1h"),
            "2026-11-26T00:00:00Z",
            "closed until 2026-12-01T12:00:00Z",
        ),
        (
            "names, lists, steps and a question mark",
            allow("*/20 9,17 ? NOV-dec thu", "5m"),
            "2026-11-26T09:25:01Z",
            "closed until 2026-11-26T09:40:00Z",
        ),
        (
            "a step from a value on",
            allow("45/10 9 * * *", "5m"),
            "2026-11-26T09:50:00Z",
            "closed until 2026-11-26T09:55:00Z",
        ),
        (
            "winter time of Berlin",
            berlin("0 22 * * *", "1h"),
            "2026-11-26T20:59:00Z",
            "closed until 2026-11-26T21:00:00Z",
        ),
        (
            "summer time of Berlin",
            berlin("0 22 * * *", "1h"),
            "2026-07-01T19:59:00Z",
            "closed until 2026-07-01T20:00:00Z",
        ),
        (
            "weekday of the time zone",
            one("allow", "0 1 * * 5", "1h", "timeZone: Asia/Tokyo"),
            "2026-11-26T15:00:00Z",
            "closed until 2026-11-26T16:00:00Z",
        ),
        // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00Z.
        (
            "what begins in the hour that is left out has begun after it",
            berlin("30 2 * * *", "1h"),
            "2026-03-29T00:59:59Z",
            "closed until 2026-03-29T01:00:00Z",
        ),
        (
            "and ends on the wall clock",
            berlin("30 2 * * *", "1h"),
            "2026-03-29T01:10:00Z",
            "open until 2026-03-29T01:30:00Z",
        ),
        (
            "what lies in the hour that is left out is left out",
            berlin("10 2 * * *", "30m"),
            "2026-03-28T23:59:00Z",
            "closed until 2026-03-30T00:10:00Z",
        ),
        // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00Z.
        (
            "the hour that comes twice opens twice",
            berlin("30 2 * * *", "15m"),
            "2026-10-25T00:40:00Z",
            "open until 2026-10-25T00:45:00Z",
        ),
        (
            "the second time",
            berlin("30 2 * * *", "15m"),
            "2026-10-25T00:45:00Z",
            "closed until 2026-10-25T01:30:00Z",
        ),
        (
            "clocks that go back close what has not begun by them",
            berlin("30 2 * * *", "1h"),
            "2026-10-25T00:50:00Z",
            "open until 2026-10-25T01:00:00Z",
        ),
        (
            "a hundred years are for ever",
            deny("0 0 1 1 *", "876000h"),
            "2026-11-26T00:00:00Z",
            "closed",
        ),
    ];
    assert!(cases.len() >= 25);
    for (name, list, now, expected) in cases {
        let windows = windows(&list).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        assert_eq!(words(&windows, now), expected, "{name}");
    }
}

#[test]
fn windows_are_for_what_their_lists_name() {
    let cases = [
        ("nothing given", "", false),
        ("an application", "applications: [shop-eu]", true),
        ("a glob", "applications: [web, 'shop-*']", true),
        ("another one", "applications: [web]", false),
        ("a namespace", "namespaces: ['sh*']", true),
        ("a cluster by name", "clusters: ['prod-*']", true),
        (
            "a cluster by address",
            "clusters: ['https://10.0.0.1:6443']",
            true,
        ),
        ("the home cluster", "clusters: [in-cluster]", true),
        (
            "one of several is enough",
            "applications: [web], namespaces: [shop]",
            true,
        ),
        (
            "all of several",
            "andOperator: true, applications: ['*'], namespaces: [shop]",
            true,
        ),
        (
            "not all of several",
            "andOperator: true, applications: ['*'], namespaces: [web]",
            false,
        ),
        ("all of none", "andOperator: true", false),
    ];
    for (name, lists, expected) in cases {
        let list = format!("  - {{kind: deny, schedule: '* * * * *', duration: 1h, {lists}}}\n");
        let windows = windows(&list).unwrap();
        assert_eq!(windows[0].is_for(&SHOP), expected, "{name}");
    }
}

#[test]
fn a_sync_under_way_goes_on_with_overrun_only() {
    let overrun = "syncOverrun: true";
    let cases = [
        (
            "an allowing window ends",
            one("allow", "0 8 * * *", "1h", ""),
            false,
        ),
        (
            "with overrun",
            one("allow", "0 8 * * *", "1h", overrun),
            true,
        ),
        (
            "a denying window begins",
            one("deny", "0 9 * * *", "1h", ""),
            false,
        ),
        (
            "with overrun",
            one("deny", "0 9 * * *", "1h", overrun),
            true,
        ),
        (
            "two begin, one without",
            one("deny", "0 9 * * *", "1h", overrun) + &one("deny", "10 9 * * *", "1h", ""),
            false,
        ),
        (
            "it began while closed",
            one("deny", "0 8 * * *", "2h", overrun),
            false,
        ),
        ("still open", one("allow", "0 8 * * *", "3h", ""), true),
    ];
    for (name, list, expected) in cases {
        let windows = windows(&list).unwrap();
        let verdict = Verdict::of(&windows, &SHOP, at("2026-11-26T09:15:00Z"));
        let began = at("2026-11-26T08:55:00Z");
        assert_eq!(
            verdict.lets_finish(began, Asked::ByItself),
            expected,
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_meant_is_a_problem_with_its_field() {
    let window = |kind: &str, schedule: &str, duration: &str, zone: &str| {
        format!(
            "  - {{kind: {kind}, schedule: '{schedule}', duration: {duration}, timeZone: {zone}, applications: ['*']}}\n"
        )
    };
    let cases = [
        (
            window("maybe", "0 8 * * *", "1h", "UTC"),
            "kind",
            "“maybe” is no kind of window",
        ),
        (
            window("deny", "0 8 * *", "1h", "UTC"),
            "schedule",
            "“0 8 * *” does not have five fields: minute, hour, day of the month, month, day of the week",
        ),
        (
            window("deny", "60 8 * * *", "1h", "UTC"),
            "schedule",
            "“60 8 * * *” has a value for the minute that is not from 0 to 59: “60”",
        ),
        (
            window("deny", "0 8 * * 7", "1h", "UTC"),
            "schedule",
            "“0 8 * * 7” has a value for the day of the week that is not from 0 to 6: “7”",
        ),
        (
            window("deny", "*/0 8 * * *", "1h", "UTC"),
            "schedule",
            "“*/0 8 * * *” has a step that is no number above 0: 0",
        ),
        (
            window("deny", "0 18-8 * * *", "1h", "UTC"),
            "schedule",
            "“0 18-8 * * *” has a range for the hour that ends before it begins: 18-8",
        ),
        (
            window("deny", "0 8 30 2 *", "1h", "UTC"),
            "schedule",
            "“0 8 30 2 *” names a day that no month has",
        ),
        (
            window("deny", "@daily", "1h", "UTC"),
            "schedule",
            "“@daily” does not have five fields: minute, hour, day of the month, month, day of the week",
        ),
        (
            window("deny", "0 8 * * *", "8760000h", "UTC"),
            "duration",
            "“8760000h” is no span of time from a second to a hundred years",
        ),
        (
            window("deny", "0 8 * * *", "99999999999999999999h", "UTC"),
            "duration",
            "“99999999999999999999h” is no span of time from a second to a hundred years",
        ),
        (
            window("deny", "0 8 * * *", "-1h", "UTC"),
            "duration",
            "“-1h” is no span of time from a second to a hundred years",
        ),
        (
            window("deny", "0 8 * * *", "0s", "UTC"),
            "duration",
            "“0s” is no span of time from a second to a hundred years",
        ),
        (
            window("deny", "0 8 * * *", "1h", "Europe/Paradise"),
            "timeZone",
            "“Europe/Paradise” is no time zone",
        ),
    ];
    for (list, field, message) in cases {
        let expected = vec![(
            format!("spec.syncWindows[0].{field}"),
            format!("AppProject web: {message}"),
        )];
        assert_eq!(windows(&list), Err(expected), "{list}");
    }
}
