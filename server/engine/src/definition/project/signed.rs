//! Which commits a project lets through by their signatures: `signatureKeys`, and `sourceIntegrity` of newer versions.
//!
//! As in Argo CD, only Git repositories are verified; charts of Helm repositories and registries are not. The public keys
//! are those of the ConfigMap `argocd-gpg-keys-cm` among the files of the root source, where Argo CD keeps them, too.

use super::super::fields::Place;
use super::super::signers::{ARGO_KEYS, PublicKeys, Verification};
use super::permit::{address, matches};
use super::{Integrity, Project};
use crate::signature::Keyring;

/// The rules of `spec.sourceIntegrity`.
pub(super) fn integrity(spec: &Place<'_>) -> Vec<Integrity> {
    let integrity = spec.at("sourceIntegrity");
    let git = integrity.at("git");
    let rules = git
        .list("policies")
        .iter()
        .map(|entry| {
            let repos = entry.list("repos");
            let gpg = entry.at("gpg");
            let rule = Integrity {
                repos: repos
                    .iter()
                    .map(|repo| {
                        let url = repo.required("url");
                        repo.done();
                        url
                    })
                    .collect(),
                mode: gpg.text("mode"),
                keys: gpg.texts("keys"),
            };
            if !matches!(rule.mode.as_str(), "" | "none" | "head" | "strict") {
                let message = format!("{:?} is none of none, head and strict", rule.mode);
                gpg.problem("mode", &message, "Write one of them.");
            }
            gpg.done();
            entry.done();
            rule
        })
        .collect();
    git.done();
    integrity.done();
    rules
}

impl Project {
    /// Takes up the keys that the project names; an id that no key has is a problem.
    pub(super) fn find_keys(&mut self, spec: &Place<'_>, keys: &PublicKeys) {
        let mut ids = self.signature_keys.clone();
        ids.extend(self.integrity.iter().flat_map(|rule| rule.keys.clone()));
        if ids.is_empty() {
            return;
        }
        let texts = keys.of(&self.namespace, ARGO_KEYS).unwrap_or_default();
        self.keys = texts
            .iter()
            .filter(|text| {
                let (ring, _) = Keyring::read(std::slice::from_ref(text));
                !ring.only(&ids).0.is_empty()
            })
            .cloned()
            .collect();
        let (ring, _) = Keyring::read(&self.keys);
        for id in ring.only(&ids).1 {
            let field = if self.signature_keys.contains(&id) {
                "signatureKeys"
            } else {
                "sourceIntegrity"
            };
            let next = format!(
                "Add its public key to the ConfigMap {ARGO_KEYS} of this source; commits that are signed with it are refused until then."
            );
            spec.note(
                field,
                &format!("there is no public key {id} in {ARGO_KEYS}. {next}"),
            );
        }
    }

    /// What the commits of a repository must carry; `None` when nothing is asked.
    pub fn verification(&self, repo_url: &str) -> Option<Verification> {
        let asked_by = |field: &str| {
            format!(
                "{field} of the project {} ({}:{})",
                self.name, self.path, self.line
            )
        };
        if !self.signature_keys.is_empty() {
            return Some(Verification {
                asked_by: asked_by("signatureKeys"),
                head: true,
                by_tag: true,
                keys: self.keys.clone(),
                only: self.signature_keys.clone(),
                ..Verification::default()
            });
        }
        let asked = address(repo_url);
        // Stars stand for slashes too, and one pattern with `!` takes a repository out.
        let fits = |pattern: &str| matches(&address(pattern), &asked, false);
        let rule = self.integrity.iter().find(|rule| {
            rule.repos.iter().any(|written| fits(written))
                && !rule
                    .repos
                    .iter()
                    .filter_map(|written| written.strip_prefix('!'))
                    .any(fits)
        })?;
        if matches!(rule.mode.as_str(), "" | "none") {
            return None;
        }
        Some(Verification {
            asked_by: asked_by("sourceIntegrity"),
            head: true,
            by_tag: true,
            earlier: rule.mode == "strict",
            keys: self.keys.clone(),
            only: rule.keys.clone(),
            ..Verification::default()
        })
    }
}
