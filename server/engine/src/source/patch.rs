//! Differences between commits as text for people.

use super::SourceError;
use super::history::{Difference, Wanted, differences};
use super::mirror::Mirror;
use crate::masking::masked_lines;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use lockstep_types::revision::Revision;
use similar::udiff::UnifiedHunkHeader;
use similar::{DiffTag, TextDiff};
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
    let path = shown_path(&difference.path);
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
    let whole: [Vec<&str>; 2] = [&old, &new].map(|text| text.split_inclusive('\n').collect());
    let diff = TextDiff::configure()
        .timeout(PER_FILE)
        .diff_slices(&whole[0], &whole[1]);
    // Compared as they are, shown without the values of Secrets: that one changed is no secret.
    let shown_lines = [masked_lines(&old), masked_lines(&new)];
    let groups = diff.grouped_ops(3);
    if !groups.is_empty() {
        let (before, after) = (
            name('a', difference.old.is_some()),
            name('b', difference.new.is_some()),
        );
        let _ = writeln!(text, "--- {before}\n+++ {after}");
    }
    for group in groups {
        let _ = writeln!(text, "{}", UnifiedHunkHeader::new(&group));
        for operation in &group {
            let (gone, came) = match operation.tag() {
                DiffTag::Equal => (0..0, operation.new_range()),
                _ => (operation.old_range(), operation.new_range()),
            };
            let sign = if operation.tag() == DiffTag::Equal {
                ' '
            } else {
                '+'
            };
            write_lines(&mut text, '-', &shown_lines[0], &whole[0], gone);
            write_lines(&mut text, sign, &shown_lines[1], &whole[1], came);
        }
    }
    Ok(text)
}

/// Writes lines of one side. `whole` are the lines with what ends them.
fn write_lines(
    text: &mut String,
    sign: char,
    shown: &[String],
    whole: &[&str],
    range: std::ops::Range<usize>,
) {
    for (line, ended) in shown.iter().zip(whole).skip(range.start).take(range.len()) {
        let _ = writeln!(text, "{sign}{line}");
        if !ended.ends_with('\n') {
            text.push_str("\\ No newline at end of file\n");
        }
    }
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

/// A path as patches name it: names cannot break out of their line.
pub fn shown_path(path: &str) -> String {
    path.chars()
        .map(|c| if c.is_control() { '�' } else { c })
        .collect()
}
