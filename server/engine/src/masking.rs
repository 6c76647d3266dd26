//! The places that hide Secret values, one by one. In tests each may be switched off, to prove that its loss would be
//! noticed; a release has no switch.

mod rules;
mod text;

pub(crate) use rules::NONE;
pub use rules::{FieldRule, MaskingRules};
pub(crate) use text::masked_lines;

/// A place that hides something: how values are hidden, and each call that has them hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// Values of Secrets and of sensitive annotations.
    Values,
    /// Texts beside a Secret's data that repeat one of its values.
    Leaks,
    /// Copies of whole objects that tools leave in annotations.
    Copies,
    /// What a cluster answers about a Secret.
    Answers,
    /// Passwords in addresses of repositories.
    Addresses,
    /// Secrets in files of repositories, where their changes are shown.
    Patches,
    /// The call for a live object in full.
    LiveText,
    /// The call for a declared object in full.
    DeclaredText,
    /// The call for the two sides of an object that differs.
    Sides,
    /// The call for the two values of a field.
    Change,
    /// The call for an object that is on one side only.
    OneSide,
    /// The call for an object that could not be compared.
    NotCompared,
    /// The call for files of a commit that are not shown at all.
    Files,
    /// The call for the file of a definition that is to be edited.
    Draft,
    /// What Git names beside Secrets: see [`MaskingRules`].
    Rules,
}

impl Masking {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Values,
        Self::Leaks,
        Self::Copies,
        Self::Answers,
        Self::Addresses,
        Self::Patches,
        Self::LiveText,
        Self::DeclaredText,
        Self::Sides,
        Self::Change,
        Self::OneSide,
        Self::NotCompared,
        Self::Files,
        Self::Draft,
        Self::Rules,
    ];
}

/// Where kubectl keeps what it last applied.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Words in an annotation's name that make its value a secret …
const SENSITIVE: [&str; 6] = [
    "password",
    "passwd",
    "token",
    "private-key",
    "credential",
    "api-key",
];
/// … unless the name says that it only points to one.
const POINTERS: [&str; 6] = ["name", "ref", "path", "file", "namespace", "type"];
/// Annotations in which tools keep a copy of the whole object.
const COPIES: [&str; 4] = [
    "kapp.k14s.io/original",
    "objectset.rio.cattle.io/applied",
    "banzaicloud.com/last-applied",
    "config.k8s.io/last-applied",
];

/// Whether the value of an annotation of this name is hidden.
pub(crate) fn sensitive_annotation(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if name == LAST_APPLIED {
        return is_on(Masking::Copies);
    }
    if COPIES.contains(&name.as_str()) {
        return true;
    }
    SENSITIVE.iter().any(|word| name.contains(word))
        && !POINTERS.iter().any(|end| name.ends_with(end))
}

/// Whether a place hides what it is there to hide: always, but in tests.
#[cfg(not(any(test, feature = "testing")))]
pub const fn is_on(_: Masking) -> bool {
    true
}

#[cfg(any(test, feature = "testing"))]
mod switch {
    use super::Masking;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// One more than the place that is off; 0: none.
    static OFF: AtomicUsize = AtomicUsize::new(0);

    /// Whether a place hides what it is there to hide.
    pub fn is_on(place: Masking) -> bool {
        OFF.load(Ordering::SeqCst) != place as usize + 1
    }

    /// Switches one place off, for the whole process, or all on again.
    pub fn switch_off(place: Option<Masking>) {
        OFF.store(
            place.map_or(0, |place| place as usize + 1),
            Ordering::SeqCst,
        );
    }
}

#[cfg(any(test, feature = "testing"))]
pub use switch::{is_on, switch_off};
