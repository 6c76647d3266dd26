//! A pattern with stars, without regard to case.

/// Lower-cased pieces between stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::control_plane) struct Glob(Vec<String>);

impl Glob {
    pub(in crate::control_plane) fn new(pattern: &str) -> Self {
        Self(
            pattern
                .to_lowercase()
                .split('*')
                .map(str::to_owned)
                .collect(),
        )
    }

    /// The whole text fits.
    pub(in crate::control_plane) fn whole(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        match self.0.as_slice() {
            [] => text.is_empty(),
            [only] => text == *only,
            [first, between @ .., last] => {
                let Some(mut rest) = text.strip_prefix(first.as_str()) else {
                    return false;
                };
                for piece in between {
                    match rest.find(piece.as_str()) {
                        Some(at) => rest = &rest[at + piece.len()..],
                        None => return false,
                    }
                }
                rest.ends_with(last.as_str())
            }
        }
    }

    /// A pattern without stars may stand anywhere in the text.
    pub(super) fn part(&self, text: &str) -> bool {
        match self.0.as_slice() {
            [only] => text.to_lowercase().contains(only.as_str()),
            _ => self.whole(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, fits) in [
            ("prod-*", "prod-eu", true),
            ("prod-*", "prod", false),
            ("PROD-*", "prod-", true),
            ("*eu*", "prod-eu-1", true),
            ("*-eu", "prod-eu-1", false),
            ("a*a", "a", false),
            ("a*b*a", "abba", true),
            ("*", "", true),
            ("prod", "prod-eu", false),
        ] {
            assert_eq!(Glob::new(pattern).whole(text), fits, "{pattern} {text}");
        }
        assert!(Glob::new("1.4").part("shop:1.4.2"));
        assert!(!Glob::new("1.4*").part("shop:1.4.2"));
    }
}
