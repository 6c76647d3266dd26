//! Whether the audit log is as it was written: every digest is computed again, in pages, and the first entry that does not
//! fit is named.
//!
//! The log may grow meanwhile. What was written is only told to be missing when it is missing at a second look.

use super::super::columns::number;
use super::super::entity::{audit, audit_head};
use super::super::error::Doing;
use super::super::{Read, StoreError};
use super::{ANCHOR, hash_of};
use lockstep_types::Micros;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, QueryTrait,
};
use std::fmt;
use std::str::FromStr;

/// Entries that are held in memory at once.
const PAGE: u64 = 1000;
const DOING: &str = "check the audit log";

/// The end of the log as somebody noted it: `NUMBER:DIGEST`, or the digest alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedHead {
    pub seq: Option<u64>,
    pub hash: String,
}

/// A text that is no head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{0}” is no head of an audit log: write NUMBER:DIGEST as `lockstep audit verify` prints it, or the digest of 64 hexadecimal digits alone"
)]
pub struct NoHead(String);

impl FromStr for ExpectedHead {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let wrong = || NoHead(text.to_owned());
        let (seq, hash) = match text.trim().split_once(':') {
            Some((seq, hash)) => (Some(seq.parse().map_err(|_| wrong())?), hash),
            None => (None, text.trim()),
        };
        let digest = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        // A log without entries has no digest.
        if (digest && seq != Some(0)) || (hash.is_empty() && seq == Some(0)) {
            Ok(Self {
                seq,
                hash: hash.to_ascii_lowercase(),
            })
        } else {
            Err(wrong())
        }
    }
}

/// What checking the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCheck {
    /// Entries from the first on that are as they were written.
    pub sound: u64,
    /// Digest of the last of them; empty when there is none.
    pub head: String,
    /// How many of them are heads of tracked branches.
    pub anchors: u64,
    /// Where it breaks first.
    pub broken: Option<Broken>,
}

/// The first entry that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The number of the entry that should be there.
    pub seq: u64,
    pub damage: Damage,
    /// The last sound entry before it.
    pub before: Option<Named>,
    /// What stands there now, or next after it.
    pub found: Option<Named>,
}

impl fmt::Display for Broken {
    /// `entry 3: it was changed after it was written`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.damage {
            Damage::Missing { to } if to > self.seq => {
                write!(f, "entries {} to {to}: they are missing", self.seq)
            }
            _ => write!(f, "entry {}: {}", self.seq, self.damage),
        }
    }
}

/// What was done to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    Changed,
    /// This entry up to and with that number.
    Missing {
        to: u64,
    },
    /// The entry that belongs here has another number now.
    Moved {
        to: i64,
    },
    /// It is sound in itself, but made for another predecessor.
    Unlinked,
    /// Its number is below the first.
    PutIn,
    /// A column holds what Lockstep never writes.
    Unreadable,
    /// The end that is noted in the database is not the end of the log.
    End,
    /// Entries up to this number were there when the expected head was noted.
    Cut {
        to: u64,
    },
    /// The entry of the expected head has another digest.
    Rewritten,
    /// No entry has the expected digest.
    Unknown,
}

impl fmt::Display for Damage {
    /// Continues “entry 7: …”; see [`Broken`] for which entries are missing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("it was changed after it was written"),
            Self::Missing { .. } => f.write_str("it is missing"),
            Self::Moved { to } => write!(f, "it was moved and has the number {to} now"),
            Self::Unlinked => f.write_str(
                "it does not follow from the entry before it: that one was replaced, or this one put in",
            ),
            Self::PutIn => f.write_str("an entry was put in before the first"),
            Self::Unreadable => f.write_str("it holds what Lockstep never writes"),
            Self::End => f.write_str(
                "the log does not end where the database says it does: its end was changed",
            ),
            Self::Cut { to } => write!(
                f,
                "the log was longer when the expected head was noted: the entries up to {to} were cut off, or an older copy was put back"
            ),
            Self::Rewritten => f.write_str(
                "it is not the entry of the expected head: the log was written anew",
            ),
            Self::Unknown => f.write_str(
                "no entry has the digest of the expected head: the log was cut off or written anew, or it is another log",
            ),
        }
    }
}

/// An entry as it stands there, for people to find it. What cannot be read is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    pub seq: Option<i64>,
    pub at: Option<Micros>,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub subject: Option<String>,
}

impl Named {
    fn of(row: &QueryResult) -> Self {
        let text = |column: &str| row.try_get::<String>("", column).ok();
        Self {
            seq: row.try_get("", "seq").ok(),
            at: row.try_get("", "at").ok().map(Micros),
            actor: text("actor"),
            action: text("action"),
            subject: text("subject"),
        }
    }
}

impl fmt::Display for Named {
    /// `entry 3, 2026-01-05T09:00:00Z, maria: sync cart on prod-eu`. Without control characters, which could steer a
    /// terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "?".to_owned();
        let number = self.seq.map_or_else(unknown, |seq| seq.to_string());
        let at = self.at.map_or_else(unknown, Micros::rfc3339);
        let text = |text: &Option<String>| {
            text.as_ref()
                .map_or_else(unknown, |text| text.replace(char::is_control, "\u{fffd}"))
        };
        let (actor, action) = (text(&self.actor), text(&self.action));
        let subject = text(&self.subject);
        write!(f, "entry {number}, {at}, {actor}: {action} {subject}")
    }
}

/// Reads the whole chain and computes every digest again.
///
/// # Errors
/// When the database cannot be read. A broken chain is an answer, not an error.
pub async fn check_chain(db: &impl Read) -> Result<ChainCheck, StoreError> {
    check_against(db, None).await
}

/// The same, and whether the log holds a head that was noted before.
///
/// # Errors
/// As [`check_chain`].
pub async fn check_against(
    db: &impl Read,
    expected: Option<&ExpectedHead>,
) -> Result<ChainCheck, StoreError> {
    let mut walk = Walk {
        met: expected.is_none_or(|expected| expected.hash.is_empty()),
        ..Walk::default()
    };
    let mut looked_again = false;
    loop {
        let rows = page(db, walk.last.as_ref().map(|_| walk.sound)).await?;
        if rows.is_empty() {
            let end = audit_head::Entity::find();
            let end = end.one(&db.executor()).await.doing(DOING)?;
            if !looked_again && end.as_ref().is_some_and(|end| end.seq > walk.sound) {
                looked_again = true;
                continue;
            }
            return Ok(walk.end(end, expected));
        }
        looked_again = false;
        for row in rows {
            let Some(damage) = walk.step(&row, expected) else {
                continue;
            };
            let fits_elsewhere = match damage {
                Damage::Changed | Damage::Missing { .. } | Damage::Unlinked => {
                    follower(db, &walk.previous, walk.sound + 1).await?
                }
                _ => None,
            };
            let damage = fits_elsewhere.map_or(damage, |to| Damage::Moved { to });
            return Ok(walk.broken(damage, Some(Named::of(&row))));
        }
    }
}

/// Rows as they are: one that holds nonsense must not hide the others.
async fn page(db: &impl Read, after: Option<i64>) -> Result<Vec<QueryResult>, StoreError> {
    let mut select = audit::Entity::find();
    if let Some(after) = after {
        select = select.filter(audit::Column::Seq.gt(after));
    }
    let select = select.order_by_asc(audit::Column::Seq).limit(PAGE);
    let rows = db.executor().query_all(select.as_query()).await;
    rows.doing(DOING)
}

/// The number of another entry that was written after the one with this digest.
async fn follower(db: &impl Read, previous: &str, but: i64) -> Result<Option<i64>, StoreError> {
    let select = audit::Entity::find()
        .filter(audit::Column::PreviousHash.eq(previous))
        .filter(audit::Column::Seq.ne(but))
        .limit(1);
    let found = db.executor().query_one(select.as_query()).await;
    let found = found.doing(DOING)?;
    Ok(found.and_then(|row| row.try_get("", "seq").ok()))
}

/// How far the chain is sound.
#[derive(Default)]
struct Walk {
    sound: i64,
    previous: String,
    anchors: u64,
    last: Option<Named>,
    /// The expected head was passed.
    met: bool,
}

impl Walk {
    /// Takes the next entry, or says what is wrong with it.
    fn step(&mut self, row: &QueryResult, expected: Option<&ExpectedHead>) -> Option<Damage> {
        let Ok(model) = audit::Model::from_query_result(row, "") else {
            return Some(Damage::Unreadable);
        };
        let next = self.sound + 1;
        if model.seq < next {
            return Some(Damage::PutIn);
        }
        if model.seq > next {
            let to = number(model.seq - 1);
            return Some(Damage::Missing { to });
        }
        if hash_of(&model) != model.hash {
            return Some(Damage::Changed);
        }
        if model.previous_hash != self.previous {
            return Some(Damage::Unlinked);
        }
        if let Some(expected) = expected {
            let here = expected.seq == Some(number(model.seq));
            if expected.hash == model.hash && (here || expected.seq.is_none()) {
                self.met = true;
            } else if here {
                return Some(Damage::Rewritten);
            }
        }
        self.anchors += u64::from(model.action == ANCHOR);
        self.last = Some(Named::of(row));
        (self.sound, self.previous) = (model.seq, model.hash);
        None
    }

    fn end(self, end: Option<audit_head::Model>, expected: Option<&ExpectedHead>) -> ChainCheck {
        let damage = match end {
            Some(end) if end.seq > self.sound => Some(Damage::Missing {
                to: number(end.seq),
            }),
            Some(end) if end.seq == self.sound && end.hash == self.previous => None,
            _ => Some(Damage::End),
        };
        let damage = damage.or_else(|| {
            let expected = expected.filter(|_| !self.met)?;
            Some(match expected.seq {
                Some(to) => Damage::Cut { to },
                None => Damage::Unknown,
            })
        });
        match damage {
            Some(damage) => self.broken(damage, None),
            None => self.answer(None),
        }
    }

    fn broken(mut self, damage: Damage, found: Option<Named>) -> ChainCheck {
        let broken = Broken {
            seq: number(self.sound + 1),
            damage,
            before: self.last.take(),
            found,
        };
        self.answer(Some(broken))
    }

    fn answer(self, broken: Option<Broken>) -> ChainCheck {
        ChainCheck {
            sound: number(self.sound),
            head: self.previous,
            anchors: self.anchors,
            broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let digest = "0123456789abcdef".repeat(4);
        for (text, seq) in [
            (format!("7:{digest}"), Some(7)),
            (format!(" {} ", digest.to_uppercase()), None),
        ] {
            let head: ExpectedHead = text.parse().unwrap();
            assert_eq!((head.seq, &head.hash), (seq, &digest), "{text}");
        }
        assert_eq!("0:".parse::<ExpectedHead>().unwrap().hash, "");
        for text in [
            "",
            "7",
            "7:",
            "x:1",
            "0123",
            &format!("-1:{digest}"),
            &"g".repeat(64),
        ] {
            assert!(text.parse::<ExpectedHead>().is_err(), "{text}");
        }
    }
}
