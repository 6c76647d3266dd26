//! What setting a tag says. Pure.

use super::super::super::definitions::Placement;
use super::super::super::rollbacks::words::{count, listed, paragraph};
pub(super) use super::super::accept::words::place;
use engine::render::NewTag;
use lockstep_types::image::{ImageAnswer, ImageChange};
use std::collections::BTreeSet;

/// `web 1.0 → 2.0` of every image that changes, each once.
fn images(changes: &[ImageChange]) -> Vec<String> {
    let each: BTreeSet<String> = changes
        .iter()
        .map(|change| {
            let short = |image: &str| image.rsplit('/').next().unwrap_or_default().to_owned();
            let tag = short(&change.to);
            let tag = tag.rsplit_once(':').map_or(tag.as_str(), |(_, tag)| tag);
            format!("{} → {tag}", short(&change.from))
        })
        .collect();
    each.into_iter().collect()
}

/// Names of other applications that the commit reaches.
pub(super) fn others(placement: &Placement, reached: &[Placement]) -> Vec<String> {
    let own = placement.target.application;
    let others: BTreeSet<String> = reached
        .iter()
        .filter(|other| other.target.application != own)
        .map(|other| other.defined.row.name.clone())
        .collect();
    others.into_iter().collect()
}

/// Why a file that others read is left alone.
pub(super) fn shared(changes: &[ImageChange], others: &[String]) -> String {
    let places: BTreeSet<String> = changes.iter().map(|change| place(&change.place)).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let names: Vec<&str> = others.iter().take(5).map(String::as_str).collect();
    let more = match others.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} is read by {}{more} too, which would get the tag as well. Give this application an entry of its own in the images of its kustomization, or ask for it everywhere.",
        listed(&places),
        listed(&names)
    )
}

/// When there is nothing to write.
pub(super) fn nothing(tags: &[NewTag]) -> String {
    let tags: Vec<String> = tags
        .iter()
        .map(|new| format!("{}={}", new.name, new.tag))
        .collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    format!("Git says {} already.", listed(&tags))
}

/// What it does.
pub(super) fn first_line(view: &ImageAnswer) -> String {
    let images = images(&view.changes);
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    format!(
        "{} in {} of {}, read by {}.",
        listed(&images),
        count(view.files.len(), "file"),
        view.branch,
        count(view.targets.len(), "target")
    )
}

/// The commit message, subject first.
pub(super) fn message(view: &ImageAnswer, operation: &str, reason: &str) -> String {
    let (target, images) = (&view.target, images(&view.changes));
    let name = &target.application.name;
    let subject = match images.as_slice() {
        [one] => format!("Set {one} for {name}"),
        all => format!("Set {} for {name}", count(all.len(), "image")),
    };
    let lines: BTreeSet<String> = view
        .changes
        .iter()
        .map(|change| format!("{}: {} → {}", place(&change.place), change.from, change.to))
        .collect();
    let mut body: String = lines.into_iter().collect::<Vec<_>>().join("\n");
    if !reason.trim().is_empty() {
        body.push_str("\n\n");
        body.push_str(&paragraph(reason));
    }
    format!(
        "{subject}\n\n{body}\n\nLockstep-Application: {}/{name}\nLockstep-From: {}\nLockstep-Operation: {operation}\n",
        target.application.project, view.head
    )
}
