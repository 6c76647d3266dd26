//! Which refusals become rows of their own, and which are only counted: nobody fills the audit log by being refused.
//!
//! Whatever is left out of an hour is counted by what it was, and becomes one row when the hour is over.

use crate::store::audit::Act;
use lockstep_types::Micros;
use lockstep_types::id::UserId;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long the same refusal is counted instead of written.
pub(super) const HOUR_SECONDS: i64 = 3_600;
/// Rows in that time of one account.
pub(super) const OF_ONE: usize = 30;
/// Rows in that time of all strangers together.
pub(super) const OF_STRANGERS: usize = 60;
/// Different refusals that are counted apart; the rest are counted together.
const APART: usize = 200;

/// Who is refused.
#[derive(Debug, Clone)]
pub(super) enum Whom {
    Account(UserId, String),
    /// Whoever has not logged in, wherever they are.
    Stranger,
}

/// A refusal, as it is counted.
#[derive(Debug)]
pub(super) struct Refusal<'a> {
    pub(super) whom: Whom,
    /// Refusals that share this share their rows.
    pub(super) kind: &'a str,
    /// So many of that kind become rows of their own.
    pub(super) rows: usize,
    /// What it is called where it is counted.
    pub(super) label: &'a str,
}

/// What was refused within the hour.
#[derive(Debug, Default)]
pub(in crate::accounts) struct Tally {
    hour: Mutex<Hour>,
}

#[derive(Debug, Default)]
struct Hour {
    since: i64,
    strangers: Counted,
    accounts: HashMap<UserId, (String, Counted)>,
}

#[derive(Debug, Default)]
struct Counted {
    rows: usize,
    kinds: HashMap<String, usize>,
    left_out: BTreeMap<String, u64>,
    others: u64,
}

impl Counted {
    /// Whether a refusal becomes a row; it is counted otherwise.
    fn takes(&mut self, refusal: &Refusal<'_>, most: usize) -> bool {
        if self.rows < most {
            let of_kind = self.kinds.entry(refusal.kind.to_owned()).or_default();
            if *of_kind < refusal.rows {
                *of_kind += 1;
                self.rows += 1;
                return true;
            }
        }
        if self.left_out.len() < APART || self.left_out.contains_key(refusal.label) {
            let times = self.left_out.entry(refusal.label.to_owned()).or_default();
            *times = times.saturating_add(1);
        } else {
            self.others = self.others.saturating_add(1);
        }
        false
    }

    /// The row for what was left out.
    fn row(self, name: &str, id: Option<UserId>, since: i64) -> Option<Act> {
        let sum = self
            .left_out
            .values()
            .fold(self.others, |sum, times| sum.saturating_add(*times));
        if sum == 0 {
            return None;
        }
        let from = Micros(since.saturating_mul(1_000_000));
        let subject = format!("{sum} more in the hour from {}", from.rfc3339());
        let mut act = Act::unattended(name, "refused again", subject);
        act.actor_id = id;
        Some(act.with(json!({ "times": self.left_out, "others": self.others })))
    }
}

impl Tally {
    fn hour(&self) -> MutexGuard<'_, Hour> {
        self.hour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a refusal becomes a row of its own.
    pub(super) fn takes(&self, refusal: &Refusal<'_>, seconds: i64) -> bool {
        let mut hour = self.hour();
        if hour.strangers.is_empty() && hour.accounts.is_empty() {
            hour.since = seconds;
        }
        match &refusal.whom {
            Whom::Stranger => hour.strangers.takes(refusal, OF_STRANGERS),
            Whom::Account(id, name) => {
                let known = hour.accounts.entry(*id).or_default();
                name.clone_into(&mut known.0);
                known.1.takes(refusal, OF_ONE)
            }
        }
    }

    /// Ends the hour if it is over, and gives the rows for what it left out. A clock that was set back ends it too.
    pub(super) fn over(&self, seconds: i64) -> Vec<Act> {
        let since = self.hour().since;
        if (since..since.saturating_add(HOUR_SECONDS)).contains(&seconds) {
            return Vec::new();
        }
        self.end()
    }

    /// Ends the hour before its time.
    pub(super) fn end(&self) -> Vec<Act> {
        let Hour {
            since,
            strangers,
            accounts,
        } = std::mem::take(&mut *self.hour());
        let of_accounts = accounts
            .into_iter()
            .filter_map(|(id, (name, counted))| counted.row(&name, Some(id), since));
        let of_strangers = strangers.row("unknown name", None, since);
        of_accounts.chain(of_strangers).collect()
    }
}

impl Counted {
    fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn stranger<'a>(kind: &'a str, rows: usize, label: &'a str) -> Refusal<'a> {
        Refusal {
            whom: Whom::Stranger,
            kind,
            rows,
            label,
        }
    }

    fn maria(path: &str) -> Refusal<'_> {
        Refusal {
            whom: Whom::Account(UserId(Uuid::nil()), "maria".to_owned()),
            kind: path,
            rows: 1,
            label: path,
        }
    }

    #[test]
    fn the_same_refusal_is_a_row_once_and_then_a_number() {
        let tally = Tally::default();
        assert!(tally.takes(&maria("POST /a"), 100));
        for second in 101..200 {
            assert!(!tally.takes(&maria("POST /a"), second));
        }
        assert!(tally.takes(&maria("POST /b"), 200));
        assert!(tally.over(100 + HOUR_SECONDS - 1).is_empty());
        let ended = tally.over(100 + HOUR_SECONDS);
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].actor, "maria");
        assert_eq!(ended[0].actor_id, Some(UserId(Uuid::nil())));
        assert!(
            ended[0]
                .subject
                .starts_with("99 more in the hour from 1970-"),
            "{ended:?}"
        );
        assert_eq!(
            ended[0].detail,
            json!({"times": {"POST /a": 99}, "others": 0})
        );
        // The next hour begins with its first refusal.
        assert!(tally.takes(&maria("POST /a"), 9_000));
        assert!(tally.over(9_000 + HOUR_SECONDS - 1).is_empty());
        assert!(
            tally.over(9_000 + HOUR_SECONDS).is_empty(),
            "nothing was left out"
        );
        // A clock that was set back stops nothing.
        assert!(tally.takes(&maria("POST /a"), 9_000));
        assert!(!tally.takes(&maria("POST /a"), 9_001));
        assert_eq!(tally.over(5).len(), 1);
        assert!(tally.takes(&maria("POST /a"), 5));
    }

    /// Whoever has a thousand addresses and a year adds no more rows than these.
    #[test]
    fn attack_45_a_crowd_of_strangers_adds_few_rows_and_every_one_is_counted() {
        let tally = Tally::default();
        let (mut rows, mut counted) = (0, 0);
        let (hours, each) = (24, 5_000_u64);
        for hour in 0..hours {
            for number in 0..each {
                let seconds = hour * HOUR_SECONDS;
                rows += usize::from(tally.takes(
                    &stranger(&format!("from {number}"), 10, &format!("of {number}")),
                    seconds,
                ));
            }
            // One that asks for nothing else is counted by its name.
            for _ in 0..each {
                rows += usize::from(
                    tally.takes(&stranger("from 7", 10, "of 100"), hour * HOUR_SECONDS),
                );
            }
            for act in tally.over((hour + 1) * HOUR_SECONDS) {
                let times = act.detail["times"].as_object().unwrap();
                assert_eq!(times.len(), APART);
                assert_eq!(times["of 100"], each + 1);
                let sum: u64 = times.values().filter_map(serde_json::Value::as_u64).sum();
                counted += sum + act.detail["others"].as_u64().unwrap();
                rows += 1;
            }
        }
        let hours = usize::try_from(hours).unwrap();
        assert_eq!(rows, hours * (OF_STRANGERS + 1));
        let written = u64::try_from(hours * OF_STRANGERS).unwrap();
        assert_eq!(
            written + counted,
            24 * 2 * each,
            "every refusal is a row or counted in one"
        );
    }

    #[test]
    fn strangers_and_one_account_do_not_crowd_out_another() {
        let tally = Tally::default();
        for number in 0..1_000 {
            tally.takes(&stranger(&number.to_string(), 1, "x"), 0);
        }
        let taken = (0..1_000).filter(|number| tally.takes(&maria(&number.to_string()), 0));
        assert_eq!(taken.count(), OF_ONE);
        let jon = Refusal {
            whom: Whom::Account(UserId(Uuid::max()), "jon".to_owned()),
            ..maria("POST /a")
        };
        assert!(tally.takes(&jon, 0));
        assert_eq!(tally.end().len(), 2, "jon's was a row");
        assert!(tally.end().is_empty());
    }
}
