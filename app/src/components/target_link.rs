//! Addresses of things, in one place, and links to them.

use super::panel::LINK;
use crate::format::{encode, link, repository};
use leptos::prelude::*;
use lockstep_types::application::{ApplicationRef, TargetRef};
use lockstep_types::id::{ApplicationId, RunId, SourceId, TargetId};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;

/// An application on a cluster, at a tab.
pub fn application_address(application: &ApplicationRef, query: &[(&str, &str)]) -> String {
    link(&application_path(application.id, &application.name), query)
}

/// The path alone.
pub fn application_path(id: ApplicationId, name: &str) -> String {
    format!("/apps/{id}/{}", encode(name))
}

/// A target's page.
pub fn target_address(target: &TargetRef) -> String {
    application_address(&target.application, &[("cluster", &target.cluster)])
}

/// Going back.
pub fn rollback_address(target: &TargetRef, to: Option<&Revision>) -> String {
    link(
        &format!(
            "{}/rollback",
            application_path(target.application.id, &target.application.name)
        ),
        &[
            ("cluster", &target.cluster),
            ("to", to.map_or("", |to| to.0.as_str())),
        ],
    )
}

/// Taking one commit back.
pub fn undo_address(target: &TargetRef, commit: &Revision) -> String {
    format!("{}&undo=1", rollback_address(target, Some(commit)))
}

/// What lives around a target and is declared by nobody.
pub fn orphans_address(target: &TargetRef) -> String {
    link(
        &format!(
            "{}/orphans",
            application_path(target.application.id, &target.application.name)
        ),
        &[("cluster", &target.cluster)],
    )
}

/// Editing the definition of an application.
pub fn edit_address(id: ApplicationId, name: &str) -> String {
    format!("{}/edit", application_path(id, name))
}

/// The same, with another revision where the definition asks for one.
pub fn revision_address(application: &ApplicationRef, revision: &str) -> String {
    let path = edit_address(application.id, &application.name);
    link(&path, &[("revision", revision)])
}

/// Adding an application to a source.
pub fn add_address(source: SourceId) -> String {
    format!("/sources/{source}/new")
}

/// The page on which one decides what becomes of what a target left.
pub fn leftovers_address(target: TargetId) -> String {
    format!("/leftovers/{target}")
}

/// A run.
pub fn run_address(run: RunId) -> String {
    format!("/syncs/{run}")
}

/// Accepting drift of one field.
pub fn accept_address(target: &TargetRef, key: &ResourceKey, path: &str) -> String {
    let application = &target.application;
    accept_path(
        application.id,
        &application.name,
        &target.cluster,
        key,
        path,
    )
}

/// The same from its parts.
pub fn accept_path(
    id: ApplicationId,
    name: &str,
    cluster: &str,
    key: &ResourceKey,
    path: &str,
) -> String {
    link(
        &format!("{}/accept", application_path(id, name)),
        &[
            ("cluster", cluster),
            ("node", &key.to_string()),
            ("path", path),
        ],
    )
}

/// Making the versions of one target those of another.
pub fn promote_address(from: TargetId, to: TargetId) -> String {
    format!("/promote?from={from}&to={to}")
}

/// A commit's passport. `repo` is the short name of the repository.
pub fn commit_address(repo: &str, revision: &Revision) -> String {
    format!("/commits/{}/{revision}", encode(repo))
}

/// What a target renders at one revision, held against another.
pub fn compare_address(target: &TargetRef, from: &Revision, with: &Revision) -> String {
    application_address(
        &target.application,
        &[
            ("cluster", &target.cluster),
            ("tab", "history"),
            ("from", &from.0),
            ("with", &with.0),
        ],
    )
}

/// What a commit would do once it is merged.
pub fn preview_address(repo: &str, revision: &Revision) -> String {
    link("/preview", &[("repo", repo), ("ref", &revision.0)])
}

/// A commit found by the address of its repository.
pub fn commit_address_by_url(repo_url: &str, revision: &Revision) -> String {
    commit_address(repository(repo_url).trim_end_matches(".git"), revision)
}

/// `shop / checkout on prod-eu`.
pub fn target_words(target: &TargetRef) -> String {
    format!(
        "{} / {} on {}",
        target.application.project, target.application.name, target.cluster
    )
}

/// A target as a link in a sentence.
#[component]
pub fn TargetLink(target: TargetRef) -> impl IntoView {
    view! {
        <a class=LINK href=target_address(&target)>
            {target_words(&target)}
        </a>
    }
}
