//! Programs that write to Git: what one of them wrote and a rollback takes back, it will likely write again. Pure.

use super::words::{listed, one_line};
use lockstep_types::revision::CommitInfo;
use std::collections::BTreeSet;

/// Names of programs that write versions into Git.
const PROGRAMS: [&str; 6] = [
    "renovate",
    "dependabot",
    "fluxcdbot",
    "image-updater",
    "github-actions",
    "mend",
];

/// What the names of rules for images begin with.
const RULES: [&str; 2] = ["imagerule ", "imageupdateautomation "];

/// Says which programs wrote commits that would be undone; `None` when people wrote all of them. Authors are what the
/// commits claim.
pub(super) fn will_write_again(undone: &[CommitInfo]) -> Option<String> {
    let programs: BTreeSet<String> = undone
        .iter()
        .filter(|commit| is_program(commit))
        .map(|commit| one_line(&commit.author))
        .collect();
    let names: Vec<&str> = programs.iter().map(String::as_str).collect();
    let (verb, it) = match names.len() {
        0 => return None,
        1 => ("is a program", "It"),
        _ => ("are programs", "They"),
    };
    Some(format!(
        "{} wrote some of what is taken back, and {verb}. {it} will likely write it again; pause or correct that first.",
        listed(&names)
    ))
}

/// A rule for images writes in its own name, which is its kind and its name.
fn is_program(commit: &CommitInfo) -> bool {
    let author = commit.author.to_lowercase();
    let email = commit.author_email.to_lowercase();
    let named = |text: &str| {
        let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        words.any(|word| word == "bot") || PROGRAMS.iter().any(|name| text.contains(name))
    };
    let rule =
        email.ends_with("@lockstep.invalid") && RULES.iter().any(|kind| author.starts_with(kind));
    let mailbox = email.split('@').next().unwrap_or_default();
    named(&author) || named(mailbox) || rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::revision::Revision;
    use lockstep_types::time::Micros;

    fn by(author: &str, email: &str) -> CommitInfo {
        CommitInfo {
            revision: Revision("a".repeat(40)),
            parents: Vec::new(),
            subject: "Bump".to_owned(),
            body: String::new(),
            author: author.to_owned(),
            author_email: email.to_owned(),
            authored_at: Micros(0),
            committer: String::new(),
            committed_at: Micros(0),
        }
    }

    #[test]
    fn programs_are_told_from_people() {
        for (author, email, program) in [
            ("renovate[bot]", "29139614+renovate[bot]@example.com", true),
            ("ci-bot", "ci@example.com", true),
            ("Flux", "fluxcdbot@example.com", true),
            ("argocd-image-updater", "noreply@example.com", true),
            ("ImageRule web", "imagerule.web@lockstep.invalid", true),
            ("ImageRule web", "somebody@example.com", false),
            ("Lena Botha", "lena.botha@example.com", false),
            ("Abbot", "abbot@example.com", false),
            ("Maria", "maria@bot.example.com", false),
        ] {
            assert_eq!(is_program(&by(author, email)), program, "{author}");
        }
    }

    #[test]
    fn each_is_named_once() {
        let person = by("Maria", "maria@example.com");
        assert_eq!(will_write_again(std::slice::from_ref(&person)), None);
        let bot = by("renovate[bot]", "x@example.com");
        let said = will_write_again(&[bot.clone(), person, bot]).unwrap();
        assert!(
            said.starts_with("renovate[bot] wrote some of what is taken back, and is a program. It will likely write it again"),
            "{said}"
        );
    }
}
