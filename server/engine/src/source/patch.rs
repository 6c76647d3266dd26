//! Differences between commits as text for people.

use super::SourceError;
use super::history::{Difference, Wanted, differences};
use super::mirror::Mirror;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use lockstep_types::revision::Revision;
use similar::TextDiff;
use std::fmt::Write as _;
use std::time::Duration;

/// Larger files are named, not shown.
const MAX_FILE_BYTES: usize = 1024 * 1024;
/// A file that takes longer is shown as replaced in larger pieces.
const PER_FILE: Duration = Duration::from_millis(500);

pub(super) fn patch(
    mirror: &Mirror,
    from: Option<&Revision>,
    to: &Revision,
    under: &[String],
    max_bytes: u32,
) -> Result<String, SourceError> {
    let repo = mirror.reader()?;
    let old = from.map(|from| mirror.tree(&repo, from)).transpose()?;
    let new = mirror.tree(&repo, to)?;
    let found = differences(&repo, old, Some(new), &Wanted::new(under))
        .map_err(|error| mirror.broken(error))?;
    let limit = max_bytes as usize;
    let mut text = String::new();
    for (index, difference) in found.iter().enumerate() {
        let file = of_file(mirror, &repo, difference)?;
        if text.len() + file.len() > limit {
            let room = limit.saturating_sub(text.len());
            let end = file
                .char_indices()
                .map(|(at, _)| at)
                .take_while(|at| *at <= room)
                .last()
                .unwrap_or(0);
            let end = file[..end].rfind('\n').map_or(0, |at| at + 1);
            text.push_str(&file[..end]);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "… cut after {limit} bytes; {} of {} files shown",
                index + usize::from(end > 0),
                found.len()
            );
            return Ok(text);
        }
        text.push_str(&file);
    }
    Ok(text)
}

fn of_file(
    mirror: &Mirror,
    repo: &gix::Repository,
    difference: &Difference,
) -> Result<String, SourceError> {
    let path = shown(&difference.path);
    let mut text = format!("diff --git a/{path} b/{path}\n");
    match (difference.old, difference.new) {
        (None, Some((kind, _))) => text.push_str(&format!("new file mode {}\n", mode(kind))),
        (Some((kind, _)), None) => text.push_str(&format!("deleted file mode {}\n", mode(kind))),
        (Some((old, _)), Some((new, _))) if old != new => {
            text.push_str(&format!("old mode {}\nnew mode {}\n", mode(old), mode(new)));
        }
        _ => {}
    }
    let old = content(mirror, repo, difference.old)?;
    let new = content(mirror, repo, difference.new)?;
    if old == new {
        return Ok(text);
    }
    let (Content::Text(old), Content::Text(new)) = (old, new) else {
        text.push_str("Binary or large file differs\n");
        return Ok(text);
    };
    let name = |side: char, present: bool| {
        if present {
            format!("{side}/{path}")
        } else {
            "/dev/null".to_owned()
        }
    };
    let diff = TextDiff::configure()
        .timeout(PER_FILE)
        .diff_lines(&old, &new);
    let unified = diff
        .unified_diff()
        .context_radius(3)
        .header(
            &name('a', difference.old.is_some()),
            &name('b', difference.new.is_some()),
        )
        .to_string();
    text.push_str(&unified);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

#[derive(PartialEq)]
enum Content {
    Text(String),
    /// Binary, too large or elsewhere; the id tells one from the other.
    Opaque(ObjectId),
}

fn content(
    mirror: &Mirror,
    repo: &gix::Repository,
    side: Option<(EntryKind, ObjectId)>,
) -> Result<Content, SourceError> {
    let Some((kind, id)) = side else {
        return Ok(Content::Text(String::new()));
    };
    if kind == EntryKind::Commit {
        return Ok(Content::Text(format!("Subproject commit {id}\n")));
    }
    let header = repo.find_header(id).map_err(|error| mirror.broken(error))?;
    if header.size() > MAX_FILE_BYTES as u64 {
        return Ok(Content::Opaque(id));
    }
    let bytes = repo
        .find_blob(id)
        .map_err(|error| mirror.broken(error))?
        .take_data();
    if bytes.iter().take(8000).any(|byte| *byte == 0) {
        return Ok(Content::Opaque(id));
    }
    Ok(Content::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

fn mode(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Tree => "040000",
        EntryKind::Blob => "100644",
        EntryKind::BlobExecutable => "100755",
        EntryKind::Link => "120000",
        EntryKind::Commit => "160000",
    }
}

/// Names cannot break out of their line.
fn shown(path: &str) -> String {
    path.chars()
        .map(|c| if c.is_control() { '�' } else { c })
        .collect()
}
