//! Text to terms. Values with spaces stand in double quotes.

use super::glob::Glob;
use super::{CommitTerm, Filter, Is, Term, Wrong};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;

const KEYS: &str = "cluster, health, sync, is, project, app, image, label, commit, since";
const HEALTHS: [HealthStatus; 6] = [
    HealthStatus::Healthy,
    HealthStatus::Progressing,
    HealthStatus::Degraded,
    HealthStatus::Missing,
    HealthStatus::Suspended,
    HealthStatus::Unknown,
];
const SYNCS: [SyncStatus; 3] = [
    SyncStatus::Synced,
    SyncStatus::OutOfSync,
    SyncStatus::Unknown,
];
const STATES: [(&str, Is); 6] = [
    ("drifting", Is::Drifting),
    ("observed", Is::Observed),
    ("held", Is::Held),
    ("pinned", Is::Pinned),
    ("pending", Is::Pending),
    ("stalled", Is::Stalled),
];

/// Reads a filter.
///
/// # Errors
/// The first term that is not understood: its place, and what would be.
pub fn read(text: &str) -> Result<Filter, Wrong> {
    let mut filter = Filter::default();
    for word in split(text)? {
        match &word.key {
            Some(key) => {
                let key = key.to_lowercase();
                if key == "commit" {
                    filter.commit = Some(commit(&word)?);
                } else {
                    filter.terms.push(term(&key, &word)?);
                }
            }
            None if filter.commit.is_none() && !word.quoted && is_commit(&word.value) => {
                filter.commit = Some(CommitTerm {
                    text: word.value.to_lowercase(),
                    offset: word.offset,
                    certain: false,
                });
            }
            None => filter.terms.push(Term::Word(word.value.to_lowercase())),
        }
    }
    Ok(filter)
}

/// Seven to forty hexadecimal digits.
fn is_commit(word: &str) -> bool {
    (7..=40).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[derive(Debug)]
struct Word {
    key: Option<String>,
    value: String,
    /// Of the whole word.
    offset: u32,
    /// Of the value.
    value_offset: u32,
    /// It holds a quoted part, so it means nothing but itself.
    quoted: bool,
}

fn split(text: &str) -> Result<Vec<Word>, Wrong> {
    let mut words = Vec::new();
    let mut letters = (0u32..).zip(text.chars()).peekable();
    while let Some((offset, first)) = letters.peek().copied() {
        if first.is_whitespace() {
            letters.next();
            continue;
        }
        let (mut key, mut value, mut value_offset) = (None, String::new(), offset);
        let (mut quote, mut quoted) = (None, false);
        while let Some((at, letter)) = letters.peek().copied() {
            if quote.is_none() && letter.is_whitespace() {
                break;
            }
            letters.next();
            match letter {
                '"' if quote.is_some() => quote = None,
                '"' if value.is_empty() || key.is_some() => {
                    quote = Some(at);
                    quoted = true;
                }
                ':' if quote.is_none() && key.is_none() && is_key(&value) => {
                    key = Some(std::mem::take(&mut value));
                    value_offset = at + 1;
                }
                _ => value.push(letter),
            }
        }
        if let Some(offset) = quote {
            return Err(Wrong {
                offset,
                message: "this quotation mark is never closed".to_owned(),
            });
        }
        words.push(Word {
            key,
            value,
            offset,
            value_offset,
            quoted,
        });
    }
    Ok(words)
}

/// `shop:1.4.2` begins like a key, `10.0.0.1:80` does not.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphabetic())
}

fn term(key: &str, word: &Word) -> Result<Term, Wrong> {
    let known = matches!(
        key,
        "cluster" | "project" | "app" | "image" | "health" | "sync" | "is" | "label" | "since"
    );
    if !known {
        let message = format!(
            "“{key}:” is not known; write one of {KEYS}, or put the word in quotation marks"
        );
        return Err(Wrong {
            offset: word.offset,
            message,
        });
    }
    if word.value.is_empty() {
        return Err(Wrong {
            offset: word.value_offset,
            message: format!("“{key}:” needs a value"),
        });
    }
    Ok(match key {
        "cluster" => Term::Cluster(globs(&word.value)),
        "project" => Term::Project(globs(&word.value)),
        "app" => Term::App(globs(&word.value)),
        "image" => Term::Image(globs(&word.value)),
        "health" => Term::Health(each(word, &HEALTHS.map(|status| (status.word(), status)))?),
        "sync" => Term::Sync(each(word, &SYNCS.map(|status| (status.word(), status)))?),
        "is" => Term::Is(each(word, &STATES)?),
        "label" => match word.value.split_once('=') {
            Some((key, value)) => Term::Label(key.to_owned(), Some(globs(value))),
            None => Term::Label(word.value.clone(), None),
        },
        _ => Term::Since(seconds(word)?),
    })
}

fn globs(value: &str) -> Vec<Glob> {
    value
        .split(',')
        .filter(|pattern| !pattern.is_empty())
        .map(Glob::new)
        .collect()
}

fn each<T: Copy>(word: &Word, known: &[(&str, T)]) -> Result<Vec<T>, Wrong> {
    let mut offset = word.value_offset;
    let mut found = Vec::new();
    for value in word.value.split(',') {
        match known
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(value))
        {
            Some((_, status)) => found.push(*status),
            None => {
                let names: Vec<String> =
                    known.iter().map(|(name, _)| name.to_lowercase()).collect();
                return Err(Wrong {
                    offset,
                    message: format!("“{value}” is none of {}", names.join(", ")),
                });
            }
        }
        offset += u32::try_from(value.chars().count()).unwrap_or(u32::MAX) + 1;
    }
    Ok(found)
}

fn seconds(word: &Word) -> Result<i64, Wrong> {
    let wrong = || Wrong {
        offset: word.value_offset,
        message: format!(
            "“{}” is no span of time; write 30m, 1h, 2d or 1w",
            word.value
        ),
    };
    let digits = word
        .value
        .trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = &word.value[digits.len()..];
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    let factor = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    if number < 0 {
        Err(wrong())
    } else {
        Ok(number.saturating_mul(factor))
    }
}

fn commit(word: &Word) -> Result<CommitTerm, Wrong> {
    let text = word.value.to_lowercase();
    if !(4..=40).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = "a commit is written with four to forty hexadecimal digits".to_owned();
        return Err(Wrong {
            offset: word.value_offset,
            message,
        });
    }
    Ok(CommitTerm {
        text,
        offset: word.value_offset,
        certain: true,
    })
}
