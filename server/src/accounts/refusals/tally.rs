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
/// Rows in that time of strangers who try one account, beside those of all strangers and those of whoever it is.
pub(super) const OF_TRIED: usize = 20;
/// Different refusals that are counted apart; the rest are counted together.
const APART: usize = 200;

/// Who is refused.
#[derive(Debug, Clone)]
pub(super) enum Whom {
    Account(UserId, String),
    /// Whoever tries to log in as somebody who has an account: rows that names of nobody do not use up.
    Tried(UserId, String),
    /// Whoever has not logged in, wherever they are.
    Stranger,
}

impl Whom {
    /// Whether both are counted together; names change.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Account(one, _), Self::Account(two, _))
            | (Self::Tried(one, _), Self::Tried(two, _)) => one == two,
            (Self::Stranger, Self::Stranger) => true,
            _ => false,
        }
    }
}

/// A refusal, as it is counted.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) whom: Whom,
    /// Refusals that share this share their rows.
    pub(super) kind: String,
    /// So many of that kind become rows of their own.
    pub(super) rows: usize,
    /// What it is called where it is counted.
    pub(super) label: String,
}

/// What was refused within the hour.
#[derive(Debug, Default)]
pub(super) struct Tally {
    hour: Mutex<Hour>,
}

#[derive(Debug, Default)]
struct Hour {
    since: i64,
    strangers: Counted,
    accounts: HashMap<UserId, (String, Counted)>,
    tried: HashMap<UserId, (String, Counted)>,
    /// Numbers of hours before that could not be written.
    unwritten: Vec<Sum>,
}

#[derive(Debug, Default)]
struct Counted {
    rows: usize,
    kinds: HashMap<String, usize>,
    left_out: Numbers,
}

/// How often what was left out.
#[derive(Debug, Default)]
struct Numbers {
    times: BTreeMap<String, u64>,
    others: u64,
}

impl Numbers {
    fn add(&mut self, label: &str, more: u64) {
        if self.times.len() < APART || self.times.contains_key(label) {
            let times = self.times.entry(label.to_owned()).or_default();
            *times = times.saturating_add(more);
        } else {
            self.others = self.others.saturating_add(more);
        }
    }

    fn sum(&self) -> u64 {
        let all = self.times.values();
        all.fold(self.others, |sum, times| sum.saturating_add(*times))
    }
}

/// What was left out of an hour, of one account or of all strangers.
#[derive(Debug)]
pub(super) struct Sum {
    whom: Whom,
    since: i64,
    left_out: Numbers,
}

impl Sum {
    /// The row for it.
    pub(super) fn act(&self) -> Act {
        let Numbers { times, others } = &self.left_out;
        let from = Micros(self.since.saturating_mul(1_000_000));
        let sum = self.left_out.sum();
        let subject = format!("{sum} more in the hour from {}", from.rfc3339());
        let (name, id, why) = match &self.whom {
            Whom::Account(id, name) => (name.as_str(), Some(*id), ""),
            Whom::Tried(id, name) => (name.as_str(), Some(*id), "logins under this name"),
            Whom::Stranger => ("unknown name", None, ""),
        };
        let mut act = Act::unattended(name, "refused again", subject).because(why);
        act.actor_id = id;
        act.with(json!({ "times": times, "others": others }))
    }

    fn merge(&mut self, other: Self) {
        self.since = self.since.min(other.since);
        for (label, times) in other.left_out.times {
            self.left_out.add(&label, times);
        }
        let others = &mut self.left_out.others;
        *others = others.saturating_add(other.left_out.others);
    }
}

impl Counted {
    /// Whether a refusal becomes a row; it is counted otherwise.
    fn takes(&mut self, refusal: &Refusal, most: usize) -> bool {
        if self.rows < most {
            let of_kind = self.kinds.entry(refusal.kind.clone()).or_default();
            if *of_kind < refusal.rows {
                *of_kind += 1;
                self.rows += 1;
                return true;
            }
        }
        self.left_out.add(&refusal.label, 1);
        false
    }

    /// What was left out, if something was.
    fn sum(self, whom: Whom, since: i64) -> Option<Sum> {
        (self.left_out.sum() > 0).then_some(Sum {
            whom,
            since,
            left_out: self.left_out,
        })
    }
}

impl Tally {
    fn hour(&self) -> MutexGuard<'_, Hour> {
        self.hour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a refusal becomes a row of its own.
    pub(super) fn takes(&self, refusal: &Refusal, seconds: i64) -> bool {
        let mut hour = self.hour();
        let most = match &refusal.whom {
            Whom::Stranger => OF_STRANGERS,
            Whom::Account(..) => OF_ONE,
            Whom::Tried(..) => OF_TRIED,
        };
        hour.counted(&refusal.whom, seconds).takes(refusal, most)
    }

    /// Counts a refusal whose row could not be written.
    pub(super) fn count(&self, refusal: &Refusal, seconds: i64) {
        let mut hour = self.hour();
        let counted = hour.counted(&refusal.whom, seconds);
        counted.left_out.add(&refusal.label, 1);
    }

    /// Takes back what could not be written: it is written with what the hour of now leaves out.
    pub(super) fn again(&self, unwritten: Vec<Sum>) {
        self.hour().keep(unwritten);
    }

    /// Ends the hour if it is over, and gives what it left out. A clock that was set back ends it too.
    pub(super) fn over(&self, seconds: i64) -> Vec<Sum> {
        let since = self.hour().since;
        if (since..since.saturating_add(HOUR_SECONDS)).contains(&seconds) {
            return Vec::new();
        }
        self.end()
    }

    /// Ends the hour before its time.
    pub(super) fn end(&self) -> Vec<Sum> {
        let Hour {
            since,
            strangers,
            accounts,
            tried,
            unwritten,
        } = std::mem::take(&mut *self.hour());
        let of_accounts = accounts
            .into_iter()
            .filter_map(|(id, (name, counted))| counted.sum(Whom::Account(id, name), since));
        let of_tried = tried
            .into_iter()
            .filter_map(|(id, (name, counted))| counted.sum(Whom::Tried(id, name), since));
        let of_strangers = strangers.sum(Whom::Stranger, since);
        let mut all = Hour::default();
        all.keep(of_accounts.chain(of_tried).chain(of_strangers).collect());
        all.keep(unwritten);
        all.unwritten
    }
}

impl Hour {
    /// What was counted of somebody; the hour begins with the first.
    fn counted(&mut self, whom: &Whom, seconds: i64) -> &mut Counted {
        if self.strangers.is_empty() && self.accounts.is_empty() && self.tried.is_empty() {
            self.since = seconds;
        }
        let (named, id, name) = match whom {
            Whom::Stranger => return &mut self.strangers,
            Whom::Account(id, name) => (&mut self.accounts, id, name),
            Whom::Tried(id, name) => (&mut self.tried, id, name),
        };
        let known = named.entry(*id).or_default();
        name.clone_into(&mut known.0);
        &mut known.1
    }

    /// One number for each, however many hours could not be written.
    fn keep(&mut self, sums: Vec<Sum>) {
        for sum in sums {
            match self
                .unwritten
                .iter_mut()
                .find(|known| known.whom.is(&sum.whom))
            {
                Some(known) => known.merge(sum),
                None => self.unwritten.push(sum),
            }
        }
    }
}

impl Counted {
    fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.left_out.sum() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn stranger(kind: &str, rows: usize, label: &str) -> Refusal {
        Refusal {
            whom: Whom::Stranger,
            kind: kind.to_owned(),
            rows,
            label: label.to_owned(),
        }
    }

    fn maria(path: &str) -> Refusal {
        Refusal {
            whom: Whom::Account(UserId(Uuid::nil()), "maria".to_owned()),
            kind: path.to_owned(),
            rows: 1,
            label: path.to_owned(),
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
        let ended: Vec<Act> = tally
            .over(100 + HOUR_SECONDS)
            .iter()
            .map(Sum::act)
            .collect();
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
            for act in tally.over((hour + 1) * HOUR_SECONDS).iter().map(Sum::act) {
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

    /// The database may be away for hours: nothing is lost, and nobody gets more rows for it.
    #[test]
    fn what_could_not_be_written_is_counted_with_what_follows() {
        let tally = Tally::default();
        assert!(tally.takes(&maria("POST /a"), 100));
        // Its row was not written.
        tally.count(&maria("POST /a"), 100);
        assert!(!tally.takes(&maria("POST /a"), 101));
        let unwritten = tally.over(100 + HOUR_SECONDS);
        assert_eq!(unwritten.len(), 1);
        tally.again(unwritten);
        // Nothing else happened: it is tried at once.
        let unwritten = tally.over(101 + HOUR_SECONDS);
        assert_eq!(unwritten.len(), 1);
        tally.again(unwritten);
        // An hour that has begun is not cut short by it.
        assert!(tally.takes(&maria("POST /a"), 9_000));
        assert!(!tally.takes(&maria("POST /a"), 9_001));
        assert!(tally.over(9_002).is_empty());
        let ended: Vec<Act> = tally
            .over(9_000 + HOUR_SECONDS)
            .iter()
            .map(Sum::act)
            .collect();
        assert_eq!(ended.len(), 1, "{ended:?}");
        let subject = "3 more in the hour from 1970-01-01T00:01:40";
        assert!(ended[0].subject.starts_with(subject), "{ended:?}");
        assert_eq!(ended[0].detail["times"], json!({"POST /a": 3}));
        assert!(tally.end().is_empty());
    }

    /// Whoever hides an attack on a real account behind a crowd of names that nobody has finds it under its own name.
    #[test]
    fn attack_45_names_of_nobody_do_not_hide_an_attack_on_an_account() {
        let tally = Tally::default();
        for number in 0..10_000 {
            let from = format!("from {number}");
            tally.takes(&stranger(&from, 10, &from), 0);
        }
        assert!(!tally.takes(&stranger("from 10000", 10, "of 10000"), 0));
        let tried = |kind: &str, label: &str| Refusal {
            whom: Whom::Tried(UserId(Uuid::nil()), "maria".to_owned()),
            ..stranger(kind, 5, label)
        };
        let of_one = (0..12).filter(|_| tally.takes(&tried("from 1", "maria from 1"), 0));
        assert_eq!(of_one.count(), 5);
        // From everywhere at once: so many rows, and the rest by address.
        let froms: Vec<String> = (2..100).map(|number| format!("from {number}")).collect();
        let rows = froms
            .iter()
            .filter(|from| tally.takes(&tried(from, from), 0));
        assert_eq!(rows.count(), OF_TRIED - 5);
        // What maria is refused herself has rows of its own.
        assert!(tally.takes(&maria("POST /a"), 0));
        assert!(!tally.takes(&maria("POST /a"), 0));
        let ended: Vec<Act> = tally.end().iter().map(Sum::act).collect();
        let of = |why: &str| {
            let mut found = ended.iter().filter(|act| {
                act.actor == "maria"
                    && act.actor_id == Some(UserId(Uuid::nil()))
                    && act.reason == why
            });
            found.next().unwrap().detail["times"].clone()
        };
        assert_eq!(ended.len(), 3, "{ended:#?}");
        assert_eq!(of(""), json!({"POST /a": 1}));
        let times = of("logins under this name");
        assert_eq!(times["maria from 1"], 7);
        assert_eq!(times["from 99"], 1);
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
