//! Values that must not be heard, and the forms in which they would be recognised.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The planted values.
#[derive(Default)]
pub struct Birds(Vec<Bird>);

struct Bird {
    place: String,
    text: String,
    /// Not looked for in the database, which keeps what Git declares in renders.
    in_git: bool,
}

impl Birds {
    /// A new value for a place.
    pub fn hatch(&mut self, place: &str, in_git: bool) -> String {
        let text = format!("canary{}", Uuid::now_v7().simple());
        self.tell(place, &text, in_git);
        text
    }

    /// A value that Lockstep itself made, like a token.
    pub fn tell(&mut self, place: &str, text: &str, in_git: bool) {
        assert!(
            text.len() >= 12,
            "{place}: {text:?} is too short to look for"
        );
        self.0.push(Bird {
            place: place.to_owned(),
            text: text.to_owned(),
            in_git,
        });
    }

    pub fn places(&self) -> BTreeSet<&str> {
        self.0.iter().map(|bird| bird.place.as_str()).collect()
    }

    /// The value of a place.
    pub fn of(&self, place: &str) -> &str {
        let found = self.0.iter().find(|bird| bird.place == place);
        &found.expect(place).text
    }

    /// Where which value is heard.
    pub fn sing_in(&self, heard: &[(String, String)]) -> Vec<Found> {
        let mut found = Vec::new();
        for (output, text) in heard {
            for bird in &self.0 {
                if bird.in_git && output.starts_with("database") {
                    continue;
                }
                for form in forms(&bird.text) {
                    if let Some(at) = text.find(&form) {
                        let from = text.floor_char_boundary(at.saturating_sub(120));
                        let to = text.ceil_char_boundary((at + 40).min(text.len()));
                        let around = &text[from..to];
                        found.push(Found {
                            output: output.clone(),
                            place: bird.place.clone(),
                            around: around.to_owned(),
                        });
                        break;
                    }
                }
            }
        }
        found
    }
}

/// A value that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub output: String,
    pub place: String,
    /// What stands before it.
    pub around: String,
}

/// As it is, and within base64 at any place.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    for (before, head) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![b' '; before];
        bytes.extend(text.bytes());
        let whole = STANDARD.encode(&bytes);
        // The last group may hold bytes that follow.
        let end = bytes.len() / 3 * 4;
        forms.push(whole[head.min(end)..end].to_owned());
    }
    forms
}

#[test]
fn values_are_recognised_in_their_forms() {
    let mut birds = Birds::default();
    let text = birds.hatch("a", false);
    for heard in [
        text.clone(),
        format!("x{text}y"),
        STANDARD.encode(&text),
        STANDARD.encode(format!("{{\"a\": \"{text}\"}}")),
        STANDARD.encode(format!("ab{text}c")),
        STANDARD.encode(format!("a{text}")),
    ] {
        assert_eq!(birds.sing_in(&[("o".to_owned(), heard)]).len(), 1);
    }
    assert!(
        birds
            .sing_in(&[("o".to_owned(), "canary".to_owned())])
            .is_empty()
    );
}
