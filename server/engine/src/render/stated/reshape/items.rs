//! New items at the end of a list that a file writes, one on a line each or all between brackets on one.

use super::super::lookup::{self, Step};
use super::super::restate::written;
use super::{MOST_LINES, Reshaped, Within, document_of, indent, is_blank, place, says};
use crate::yaml::{self, Kind, Node};
use serde_json::Value;

/// The file with these items behind those that the list at the path `above` has in the object. `None` where the file has no
/// such list, or has it in a form that cannot be added to.
pub(in super::super) fn with_items(
    text: &str,
    object: &Within<'_>,
    above: &[Step],
    items: &[Value],
) -> Option<Reshaped> {
    let document = document_of(text, object)?;
    let way = lookup::way(&document.node, object.body, above)?;
    let mut wanted = document.node.value();
    let list = place(&mut wanted, &way)?.as_array_mut()?;
    list.extend(items.iter().cloned());
    let node = lookup::find(&document.node, object.body, above)?;
    let Kind::List(known) = &node.kind else {
        return None;
    };
    let line_of = |node: &Node| usize::try_from(node.line.checked_sub(document.first)?).ok();
    let lines: Vec<&str> = document.text.split_inclusive('\n').collect();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let done = |(now, at): (String, usize)| {
        let line = document.first + u32::try_from(at).ok()?;
        says(&now, &wanted).then_some(())?;
        Some((document.replaced(text, &now)?, line))
    };
    if let Some(last) = known.last() {
        // Its dash may stand on the line before.
        let begin = line_of(last)?;
        for begin in [Some(begin), begin.checked_sub(1)].into_iter().flatten() {
            let dashes = dashes(lines.get(begin)?);
            let mut tries = dashes.into_iter().rev();
            let found = tries.find_map(|column| {
                let added = items.iter().map(|item| lines_of(item, column, end));
                let added: String = added.collect::<Option<_>>()?;
                done(behind(&lines, begin, column, &added, end)?)
            });
            if found.is_some() {
                return found;
            }
        }
    }
    between(&lines, line_of(node)?, items, known.is_empty())
        .into_iter()
        .find_map(done)
}

/// Columns at which dashes stand before anything else on the line.
fn dashes(line: &str) -> Vec<usize> {
    let mut columns = Vec::new();
    let mut at = indent(line);
    let mut rest = line.get(at..).unwrap_or_default().trim_end();
    while rest == "-" || rest.starts_with("- ") {
        columns.push(at);
        let below = rest.get(1..).unwrap_or_default();
        let next = below.trim_start_matches(' ');
        at += rest.len() - next.len();
        rest = next;
    }
    columns
}

/// An item with its dash at a column.
fn lines_of(item: &Value, column: usize, end: &str) -> Option<String> {
    let margin = " ".repeat(column);
    let nested = match item {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => text.contains('\n'),
        _ => false,
    };
    if !nested {
        let item = match item {
            Value::String(text) => written(text)?,
            item => item.to_string(),
        };
        return Some(format!("{margin}- {item}{end}"));
    }
    // The writer of objects knows how to write all of them.
    let whole = serde_json::json!({ "items": [item] });
    let text = yaml::text(&whole);
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let out = lines.first().map_or(0, |line| indent(line));
    let lines = lines.iter().map(|line| match line.trim().is_empty() {
        true => end.to_owned(),
        false => format!("{margin}{}{end}", line.get(out..).unwrap_or_default()),
    });
    Some(lines.collect())
}

/// The lines with more behind the item that begins on a line with its dash at a column, and the place (0-based) of what is new.
fn behind(
    lines: &[&str],
    begin: usize,
    column: usize,
    added: &str,
    end: &str,
) -> Option<(String, usize)> {
    let mut last = begin;
    for (at, line) in lines.iter().enumerate().skip(begin + 1).take(MOST_LINES) {
        if is_blank(line) {
            continue;
        }
        if indent(line) <= column {
            break;
        }
        last = at;
    }
    let (before, after) = lines.split_at_checked(last + 1)?;
    let mut now = before.concat();
    if !now.ends_with('\n') {
        now.push_str(end);
    }
    now.push_str(added);
    now.push_str(&after.concat());
    Some((now, last + 1))
}

/// The lines with more before each closing bracket of one of them.
fn between(lines: &[&str], index: usize, items: &[Value], is_first: bool) -> Vec<(String, usize)> {
    let Some(line) = lines.get(index) else {
        return Vec::new();
    };
    let items: Vec<String> = items.iter().map(Value::to_string).collect();
    let (before, after) = (
        lines.get(..index).unwrap_or_default().concat(),
        lines.get(index + 1..).unwrap_or_default().concat(),
    );
    let added = |(at, _)| {
        let (left, right) = line.split_at(at);
        let bare = left.trim_end();
        let space = left.get(bare.len()..).unwrap_or_default();
        let sign = if is_first { "" } else { ", " };
        let now = format!("{bare}{sign}{}{space}{right}", items.join(", "));
        (format!("{before}{now}{after}"), index)
    };
    line.match_indices(']').map(added).collect()
}

#[cfg(test)]
mod tests;
