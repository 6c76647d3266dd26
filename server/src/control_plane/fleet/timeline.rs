//! Merging three logs into one timeline, and which of its entries a filter keeps. Pure.

use lockstep_types::activity::ActivityEntry;
use lockstep_types::time::Micros;

/// Part of one log: the newest entries before some moment, newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub entries: Vec<ActivityEntry>,
    /// There may be older ones.
    pub more: bool,
}

/// Merges parts, newest first. What is older than the oldest entry of a part that goes on is left out: newer entries of
/// that log could still be missing there. Answers also with the moment from which to go on; `None` at the end.
pub(super) fn merge(parts: Vec<Part>) -> (Vec<ActivityEntry>, Option<Micros>) {
    let horizon = parts
        .iter()
        .filter(|part| part.more)
        .filter_map(|part| part.entries.last().map(ActivityEntry::at))
        .max();
    let mut entries: Vec<ActivityEntry> = parts.into_iter().flat_map(|part| part.entries).collect();
    if let Some(horizon) = horizon {
        entries.retain(|entry| entry.at() >= horizon);
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
    (entries, horizon)
}

/// Keeps `limit` entries and all of the same moment as the last one, so that no page tears a moment apart. Answers
/// whether something was cut off.
pub(super) fn cut(entries: &mut Vec<ActivityEntry>, limit: usize) -> bool {
    let Some(last) = limit
        .checked_sub(1)
        .and_then(|index| entries.get(index))
        .map(ActivityEntry::at)
    else {
        return false;
    };
    let end = entries
        .iter()
        .position(|entry| entry.at() < last)
        .unwrap_or(entries.len());
    let more = end < entries.len();
    entries.truncate(end);
    more
}

/// Whether every word stands somewhere in the entry.
pub(super) fn has(entry: &ActivityEntry, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let text = text(entry).to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

fn text(entry: &ActivityEntry) -> String {
    let mut text = String::new();
    let mut add = |part: &str| {
        text.push_str(part);
        text.push('\n');
    };
    match entry {
        ActivityEntry::Commit {
            repo,
            commit,
            targets,
            pull,
            ..
        } => {
            for part in [
                repo,
                &commit.subject,
                &commit.author,
                &commit.author_email,
                &commit.revision.0,
            ] {
                add(part);
            }
            if let Some(pull) = pull {
                add(&format!("#{}", pull.number));
                add(&pull.title);
                add(&pull.author);
                for review in &pull.reviews {
                    add(&review.person);
                }
            }
            for on in targets {
                add(&on.target.application.name);
                add(&on.target.application.project);
                add(&on.target.cluster);
            }
        }
        ActivityEntry::Run(run) => {
            add(&run.target.application.name);
            add(&run.target.application.project);
            add(&run.target.cluster);
            add(&run.started_by.words());
            add(run.phase.word());
            add(&run.message);
            add(&run.revision.0);
            if let Some(commit) = &run.commit {
                add(&commit.subject);
                add(&commit.author);
            }
        }
        ActivityEntry::Action {
            actor,
            action,
            subject,
            target,
            reason,
            ..
        } => {
            for part in [actor, action, subject, reason] {
                add(part);
            }
            if let Some(target) = target {
                add(&target.application.name);
                add(&target.application.project);
                add(&target.cluster);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;

    fn action(at: i64, subject: &str) -> ActivityEntry {
        ActivityEntry::Action {
            at: Micros(at),
            actor: "maria".to_owned(),
            action: "sync".to_owned(),
            subject: subject.to_owned(),
            target: Some(example::reference("cart", "shop", "prod-eu")),
            reason: String::new(),
            log: Default::default(),
        }
    }

    fn part(times: &[i64], more: bool) -> Part {
        Part {
            entries: times.iter().map(|at| action(*at, "x")).collect(),
            more,
        }
    }

    fn times(entries: &[ActivityEntry]) -> Vec<i64> {
        entries.iter().map(|entry| entry.at().0).collect()
    }

    #[test]
    fn nothing_is_shown_below_where_a_log_is_cut() {
        let (entries, next) = merge(vec![
            part(&[90, 50], true),
            part(&[80, 40, 10], false),
            part(&[95, 70], true),
        ]);
        assert_eq!(
            (times(&entries), next),
            (vec![95, 90, 80, 70], Some(Micros(70)))
        );
        let (entries, next) = merge(vec![part(&[9], false), part(&[], false)]);
        assert_eq!((times(&entries), next), (vec![9], None));
    }

    #[test]
    fn a_page_never_tears_a_moment() {
        let mut entries = part(&[9, 8, 8, 7], false).entries;
        assert!(cut(&mut entries, 2));
        assert_eq!(times(&entries), [9, 8, 8]);
        assert!(!cut(&mut entries, 3));
        assert!(!cut(&mut entries, 50));
    }

    #[test]
    fn every_word_must_be_somewhere() {
        let entry = action(1, "cart on prod-eu");
        for (words, expected) in [
            (vec!["maria", "prod-eu"], true),
            (vec!["shop"], true),
            (vec!["maria", "staging"], false),
            (vec![], true),
        ] {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            assert_eq!(has(&entry, &words), expected, "{words:?}");
        }
    }
}
