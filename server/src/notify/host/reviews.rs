//! Which merged pull request brought a commit, and what was said of it, in the words of each host. Pure, and suspicious of
//! answers like [`conversation`](super::conversation).
//!
//! Rules after the hosts' documentation of their REST APIs: GitHub's "List pull requests associated with a commit" and "List
//! reviews for a pull request", GitLab's "List merge requests associated with a commit" and "Merge request approvals", Gitea's
//! "repoGetCommitPullRequest", "repoListPullReviews" and "repoGetPullRequestCommits".

use super::super::channel::Request;
use super::conversation::{list, text};
use super::{Gitea, Github, Gitlab, Place, RepositoryApi, encoded};
use lockstep_types::notify::StatusProvider;
use lockstep_types::pull::{CommitPull, PullReview, ReviewVerdict};
use lockstep_types::revision::Revision;
use lockstep_types::time::Micros;
use serde_json::Value;
use std::collections::BTreeMap;

/// Reviews and commits on a page. A page that is shorter is the last.
pub(in crate::notify) const PAGE: usize = 50;

/// A pull request that was merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::notify) struct MergedPull {
    pub number: u64,
    pub title: String,
    pub address: String,
    pub author: String,
    /// The branch that it was for, short.
    pub onto: String,
    /// The last commit of its branch; empty when the host does not say.
    pub head: String,
    pub merged_at: String,
    /// Who was asked for a review.
    pub asked: Vec<String>,
}

impl MergedPull {
    /// With what was said of it.
    pub(in crate::notify) fn reviewed(&self, reviews: Vec<PullReview>) -> CommitPull {
        CommitPull {
            number: self.number,
            title: self.title.clone(),
            address: self.address.clone(),
            author: self.author.clone(),
            reviews,
        }
    }
}

/// A Git host's way of saying who reviewed what. Requests are `None` when the address names no repository of it.
pub(in crate::notify) trait Reviewing: RepositoryApi {
    /// Asks which pull requests brought a commit.
    fn of_commit(&self, place: &Place, sha: &str, token: &str) -> Option<Request>;

    /// Whether it answers [`Self::of_commit`] for merges alone, and not for the commits that they merged.
    fn knows_merges_alone(&self) -> bool {
        false
    }

    /// Asks for one pull request.
    fn pull(&self, place: &Place, number: u64, token: &str) -> Option<Request> {
        self.asks(place, &format!("/pulls/{number}"), token)
    }

    /// Reads those that were merged, from a list or a single one.
    fn merged(&self, answer: &Value) -> Vec<MergedPull> {
        each(answer).iter().filter_map(merged_of_hub).collect()
    }

    /// Asks for what was said of a pull request, oldest first, a page at a time, from 1.
    fn reviews(&self, place: &Place, number: u64, page: u32, token: &str) -> Option<Request>;

    /// Reads the answer to [`Self::reviews`], oldest first.
    fn said(&self, answer: &Value, pull: &MergedPull) -> Vec<PullReview>;

    /// Asks for the commits of a pull request, a page at a time, from 1; `None` where [`Self::of_commit`] knows them all.
    fn commits(&self, _: &Place, _: u64, _: u32, _: &str) -> Option<Request> {
        None
    }
}

/// The API of a provider.
pub(in crate::notify) fn reviewing(provider: StatusProvider) -> &'static dyn Reviewing {
    match provider {
        StatusProvider::Github => &Github,
        StatusProvider::Gitlab => &Gitlab,
        StatusProvider::Gitea => &Gitea,
    }
}

/// SHAs of commits in an answer.
pub(in crate::notify) fn of_all(answer: &Value) -> Vec<Revision> {
    let shas = list(answer).iter().filter_map(|one| text(one, "/sha"));
    shas.map(Revision).collect()
}

/// What everybody said last, and who was asked and has said nothing. A comment takes back no approval.
pub(in crate::notify) fn standing(said: Vec<PullReview>, asked: &[String]) -> Vec<PullReview> {
    let mut last: BTreeMap<String, PullReview> = BTreeMap::new();
    for review in said {
        let weak = |verdict| matches!(verdict, ReviewVerdict::Commented | ReviewVerdict::Asked);
        let stays = last
            .get(&review.person)
            .is_some_and(|before| weak(review.verdict) && !weak(before.verdict));
        if !stays {
            last.insert(review.person.clone(), review);
        }
    }
    for person in asked {
        last.entry(person.clone()).or_insert_with(|| PullReview {
            person: person.clone(),
            verdict: ReviewVerdict::Asked,
            at: None,
        });
    }
    last.into_values().collect()
}

fn each(answer: &Value) -> &[Value] {
    if answer.is_object() {
        std::slice::from_ref(answer)
    } else {
        list(answer)
    }
}

fn time(value: &Value, pointer: &str) -> Option<Micros> {
    let time: jiff::Timestamp = text(value, pointer)?.parse().ok()?;
    Some(time.into())
}

fn names(value: &Value, pointer: &str, name: &str) -> Vec<String> {
    let people = value.pointer(pointer).map_or(&[][..], list);
    people.iter().filter_map(|one| text(one, name)).collect()
}

/// As GitHub and Gitea write it.
fn merged_of_hub(pull: &Value) -> Option<MergedPull> {
    Some(MergedPull {
        number: pull.get("number")?.as_u64()?,
        title: text(pull, "/title")?,
        address: text(pull, "/html_url")?,
        author: text(pull, "/user/login").unwrap_or_default(),
        onto: text(pull, "/base/ref")?,
        head: text(pull, "/head/sha").unwrap_or_default(),
        // Absent of one that is open, and of one that was closed.
        merged_at: text(pull, "/merged_at")?,
        asked: names(pull, "/requested_reviewers", "/login"),
    })
}

impl Reviewing for Github {
    fn of_commit(&self, place: &Place, sha: &str, token: &str) -> Option<Request> {
        let rest = format!("/commits/{}/pulls?per_page={PAGE}", encoded(sha));
        self.asks(place, &rest, token)
    }

    fn reviews(&self, place: &Place, number: u64, page: u32, token: &str) -> Option<Request> {
        let rest = format!("/pulls/{number}/reviews?per_page={PAGE}&page={page}");
        self.asks(place, &rest, token)
    }

    fn said(&self, answer: &Value, pull: &MergedPull) -> Vec<PullReview> {
        let read = |review: &Value| {
            let seen = text(review, "/commit_id").unwrap_or_default();
            let verdict = match review.get("state")?.as_str()? {
                "APPROVED" if seen == pull.head => ReviewVerdict::Approved,
                "APPROVED" => ReviewVerdict::ApprovedBefore,
                "CHANGES_REQUESTED" => ReviewVerdict::ChangesRequested,
                // What was dismissed says no more than a comment, but it does take back what it was.
                "COMMENTED" | "DISMISSED" => ReviewVerdict::Commented,
                _ => return None,
            };
            Some(PullReview {
                person: text(review, "/user/login")?,
                verdict,
                at: time(review, "/submitted_at"),
            })
        };
        list(answer).iter().filter_map(read).collect()
    }
}

impl Reviewing for Gitlab {
    fn of_commit(&self, place: &Place, sha: &str, token: &str) -> Option<Request> {
        let rest = format!("/repository/commits/{}/merge_requests", encoded(sha));
        self.asks(place, &rest, token)
    }

    fn pull(&self, place: &Place, number: u64, token: &str) -> Option<Request> {
        self.asks(place, &format!("/merge_requests/{number}"), token)
    }

    fn merged(&self, answer: &Value) -> Vec<MergedPull> {
        let read = |pull: &Value| {
            (pull.get("state")?.as_str()? == "merged").then_some(())?;
            Some(MergedPull {
                number: pull.get("iid")?.as_u64()?,
                title: text(pull, "/title")?,
                address: text(pull, "/web_url")?,
                author: text(pull, "/author/username").unwrap_or_default(),
                onto: text(pull, "/target_branch")?,
                head: text(pull, "/sha").unwrap_or_default(),
                merged_at: text(pull, "/merged_at").unwrap_or_default(),
                asked: names(pull, "/reviewers", "/username"),
            })
        };
        each(answer).iter().filter_map(read).collect()
    }

    fn reviews(&self, place: &Place, number: u64, page: u32, token: &str) -> Option<Request> {
        // All at once. What was approved before a push is gone from it, unless the project keeps it on purpose.
        let rest = format!("/merge_requests/{number}/approvals");
        (page == 1).then(|| self.asks(place, &rest, token))?
    }

    fn said(&self, answer: &Value, _: &MergedPull) -> Vec<PullReview> {
        let approved = answer.get("approved_by").map_or(&[][..], list).iter();
        let read = |approval: &Value| {
            Some(PullReview {
                person: text(approval, "/user/username")?,
                verdict: ReviewVerdict::Approved,
                at: time(approval, "/approved_at"),
            })
        };
        approved.filter_map(read).collect()
    }
}

impl Reviewing for Gitea {
    fn of_commit(&self, place: &Place, sha: &str, token: &str) -> Option<Request> {
        self.asks(place, &format!("/commits/{}/pull", encoded(sha)), token)
    }

    fn knows_merges_alone(&self) -> bool {
        true
    }

    fn reviews(&self, place: &Place, number: u64, page: u32, token: &str) -> Option<Request> {
        let rest = format!("/pulls/{number}/reviews?limit={PAGE}&page={page}");
        self.asks(place, &rest, token)
    }

    fn said(&self, answer: &Value, _: &MergedPull) -> Vec<PullReview> {
        let read = |review: &Value| {
            let is = |name: &str| review.get(name).and_then(Value::as_bool) == Some(true);
            let verdict = match review.get("state")?.as_str()? {
                _ if is("dismissed") => ReviewVerdict::Commented,
                "APPROVED" if is("stale") => ReviewVerdict::ApprovedBefore,
                "APPROVED" => ReviewVerdict::Approved,
                "REQUEST_CHANGES" => ReviewVerdict::ChangesRequested,
                "COMMENT" => ReviewVerdict::Commented,
                "REQUEST_REVIEW" => ReviewVerdict::Asked,
                _ => return None,
            };
            Some(PullReview {
                person: text(review, "/user/login")?,
                verdict,
                at: time(review, "/submitted_at"),
            })
        };
        list(answer).iter().filter_map(read).collect()
    }

    fn commits(&self, place: &Place, number: u64, page: u32, token: &str) -> Option<Request> {
        let rest = format!(
            "/pulls/{number}/commits?limit={PAGE}&page={page}&verification=false&files=false"
        );
        self.asks(place, &rest, token)
    }
}

#[cfg(test)]
mod tests;
