//! The pull request that brought a commit, and who looked at it, as the Git host says.

use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A merged pull request of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitPull {
    pub number: u64,
    pub title: String,
    /// Its page on the host.
    pub address: String,
    /// Who opened it, by the host's name for them.
    pub author: String,
    /// What each person said last, by name.
    pub reviews: Vec<PullReview>,
}

/// What one person said last of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullReview {
    /// The host's name for them.
    pub person: String,
    pub verdict: ReviewVerdict,
    pub at: Option<Micros>,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReviewVerdict {
    Approved,
    /// Approved, but what was merged is not what they saw.
    ApprovedBefore,
    ChangesRequested,
    Commented,
    /// Was asked for a review and has said nothing.
    Asked,
}

impl ReviewVerdict {
    /// What people read behind a name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::ApprovedBefore => "approved an earlier push",
            Self::ChangesRequested => "requested changes",
            Self::Commented => "commented",
            Self::Asked => "was asked",
        }
    }
}

impl CommitPull {
    /// Who approved what was merged; nobody approves their own.
    pub fn approvers(&self) -> BTreeSet<&str> {
        self.reviews
            .iter()
            .filter(|review| review.verdict == ReviewVerdict::Approved)
            .map(|review| review.person.as_str())
            .filter(|person| *person != self.author)
            .collect()
    }

    /// Somebody else than its author approved what was merged.
    pub fn is_approved(&self) -> bool {
        !self.approvers().is_empty()
    }

    /// `#7, approved by ana and jon`.
    pub fn words(&self) -> String {
        let approvers: Vec<&str> = self.approvers().into_iter().collect();
        match approvers.as_slice() {
            [] => format!("#{}, no approval known", self.number),
            all => format!("#{}, approved by {}", self.number, all.join(" and ")),
        }
    }
}

/// What is said of a commit's approval where there is no room for more.
pub fn approval_words(pull: Option<&CommitPull>) -> String {
    pull.map_or_else(|| "no approval known".to_owned(), CommitPull::words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_others_approve_and_only_what_was_merged() {
        let pull = |reviews: &[(&str, ReviewVerdict)]| CommitPull {
            number: 7,
            title: "Ship it".to_owned(),
            address: "https://git.example.com/team/shop/pulls/7".to_owned(),
            author: "maria".to_owned(),
            reviews: reviews
                .iter()
                .map(|(person, verdict)| PullReview {
                    person: (*person).to_owned(),
                    verdict: *verdict,
                    at: None,
                })
                .collect(),
        };
        for (reviews, expected) in [
            (vec![], "#7, no approval known"),
            (
                vec![("maria", ReviewVerdict::Approved)],
                "#7, no approval known",
            ),
            (
                vec![
                    ("jon", ReviewVerdict::ApprovedBefore),
                    ("kim", ReviewVerdict::ChangesRequested),
                ],
                "#7, no approval known",
            ),
            (
                vec![
                    ("jon", ReviewVerdict::Approved),
                    ("ana", ReviewVerdict::Approved),
                    ("kim", ReviewVerdict::Commented),
                ],
                "#7, approved by ana and jon",
            ),
        ] {
            assert_eq!(approval_words(Some(&pull(&reviews))), expected);
        }
        assert_eq!(approval_words(None), "no approval known");
    }
}
