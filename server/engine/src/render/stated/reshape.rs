//! Taking a field or an item of a list out of what a file says of an object, or adding a field or items to it, with everything else of
//! the file as it is: comments, order, quotes, blank lines. Pure.
//!
//! Where in the text that is, is looked for, not known; so every edit is read again, and only one counts after which the file
//! says exactly what it said, but for that. Texts that are written in another form than a block, one key or item on a line,
//! are left to people.

mod items;

pub(super) use items::with_items;

use super::lookup::{self, Step};
use super::restate::written;
use crate::yaml::{self, Document, Node};
use serde_json::{Map, Value};

/// Longer documents are not looked through.
const MOST_LINES: usize = 4_000;

/// An object within a file.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    pub kind: &'a str,
    /// In its file, before anything is added to it.
    pub name: &'a str,
    /// As it is rendered: items of lists are found by what names them.
    pub body: &'a Value,
}

/// The text of a file, and the line (1-based) that is gone or new.
pub type Reshaped = (String, u32);

/// The file without the field or item at a path of the object, as differences write it. What would be left empty above it goes
/// with it. `None` where the file does not say it, or not in a form in which it can be taken out.
pub fn without(text: &str, object: &Within<'_>, path: &str) -> Option<Reshaped> {
    let steps = lookup::steps(object.body, path)?;
    let document = document_of(text, object)?;
    let way = lookup::way(&document.node, object.body, &steps)?;
    let (mut wanted, mut way) = (document.node.value(), way.as_slice());
    // An empty map or list in its place would be more than what the cluster has.
    while let Some((_, above)) = way.split_last()
        && !above.is_empty()
        && lookup::value_at(&wanted, above).is_some_and(|value| length(value) == 1)
    {
        way = above;
    }
    let last = way.last()?.clone();
    remove(&mut wanted, way)?;
    let lines: Vec<&str> = document.text.split_inclusive('\n').collect();
    for (index, line) in lines.iter().enumerate().take(MOST_LINES) {
        let Some(begin) = begins(line, &last) else {
            continue;
        };
        let Some(now) = cut(&lines, index, &begin) else {
            continue;
        };
        if says(&now, &wanted) {
            let line = document.first + u32::try_from(index).ok()?;
            return Some((document.replaced(text, &now)?, line));
        }
    }
    None
}

/// The file with one field more of the object: `name` in the map at the path `above`, which the file must have. `None` where it
/// has not, or not in a form that can be added to.
pub fn with(
    text: &str,
    object: &Within<'_>,
    above: &[Step],
    name: &str,
    value: &Value,
) -> Option<Reshaped> {
    let document = document_of(text, object)?;
    let way = lookup::way(&document.node, object.body, above)?;
    let mut wanted = document.node.value();
    let map = place(&mut wanted, &way)?.as_object_mut()?;
    if map.contains_key(name) || map.is_empty() {
        return None;
    }
    map.insert(name.to_owned(), value.clone());
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = document.text.split_inclusive('\n').collect();
    for index in 0..lines.len().min(MOST_LINES) {
        // Behind each line that may be the last of its map, as far in as each map that ends there.
        for column in ends(&lines, index) {
            let added = entry(name, value, column, end)?;
            let (before, after) = lines.split_at_checked(index + 1)?;
            let mut now = before.concat();
            if !now.ends_with('\n') {
                now.push_str(end);
            }
            now.push_str(&added);
            now.push_str(&after.concat());
            if says(&now, &wanted) {
                let line = document.first + u32::try_from(index + 1).ok()?;
                return Some((document.replaced(text, &now)?, line));
            }
        }
    }
    None
}

/// The object's document in a file.
struct Declaring<'t> {
    node: Node,
    text: &'t str,
    /// 1-based line of the file on which `text` begins.
    first: u32,
}

impl Declaring<'_> {
    /// The file with another text of the document.
    fn replaced(&self, file: &str, now: &str) -> Option<String> {
        let begin = self
            .text
            .as_ptr()
            .addr()
            .checked_sub(file.as_ptr().addr())?;
        let mut out = file.get(..begin)?.to_owned();
        out.push_str(now);
        out.push_str(file.get(begin + self.text.len()..)?);
        Some(out)
    }
}

/// The only document that declares the object by itself.
fn document_of<'t>(text: &'t str, object: &Within<'_>) -> Option<Declaring<'t>> {
    let is_it = |node: &Node| {
        node.get("kind").and_then(Node::text) == Some(object.kind)
            && node.get("metadata").and_then(|it| it.get("name")?.text()) == Some(object.name)
    };
    let documents = yaml::documents(text).ok()?;
    let mut found = documents.iter().filter_map(|document: &Document<'t>| {
        let node = document.node().ok().filter(is_it)?;
        let first = document.first_line();
        Some(Declaring {
            node,
            text: document.text,
            first,
        })
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Whether a text is one document that says this.
fn says(text: &str, wanted: &Value) -> bool {
    match yaml::documents(text).as_deref() {
        Ok([one]) => one.value().is_ok_and(|value| value == *wanted),
        _ => false,
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}

fn place<'v>(value: &'v mut Value, way: &[Step]) -> Option<&'v mut Value> {
    way.iter().try_fold(value, |at, step| match step {
        Step::Field(name) => at.get_mut(name),
        Step::Index(index) => at.get_mut(index),
    })
}

fn remove(value: &mut Value, way: &[Step]) -> Option<()> {
    let (last, above) = way.split_last()?;
    match (place(value, above)?, last) {
        (Value::Object(map), Step::Field(name)) => map.remove(name).map(drop),
        (Value::Array(items), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            Some(())
        }
        _ => None,
    }
}

/// Where an entry begins on its line.
struct Begin {
    /// Of its key, or of its dash.
    column: usize,
    /// A dash stands before its key: it is the first of its item.
    dashed: bool,
    item: bool,
}

/// Spaces before anything.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_blank(line: &str) -> bool {
    let bare = line.trim();
    bare.is_empty() || bare.starts_with('#')
}

/// Whether the entry may begin on the line.
fn begins(line: &str, entry: &Step) -> Option<Begin> {
    if is_blank(line) {
        return None;
    }
    let column = indent(line);
    let bare = line.get(column..)?.trim_end();
    let is_item = bare == "-" || bare.starts_with("- ");
    match entry {
        Step::Index(_) => is_item.then_some(Begin {
            column,
            dashed: false,
            item: true,
        }),
        Step::Field(name) => {
            let (mut at, mut rest) = (column, bare);
            while let Some(below) = rest.strip_prefix("- ") {
                let next = below.trim_start_matches(' ');
                at += rest.len() - next.len();
                rest = next;
            }
            key_of(rest, name).then_some(Begin {
                column: at,
                dashed: at > column,
                item: false,
            })
        }
    }
}

/// Whether a text begins with this key, plain or in quotes.
fn key_of(text: &str, name: &str) -> bool {
    let double = Value::from(name).to_string();
    let single = format!("'{}'", name.replace('\'', "''"));
    [name, &double, &single].iter().any(|key| {
        text.strip_prefix(*key)
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

/// The lines without the entry that begins there, and without what belongs to it.
fn cut(lines: &[&str], index: usize, begin: &Begin) -> Option<String> {
    let belongs = |line: &&str| {
        let column = indent(line);
        // A list may stand as far out as its key.
        let listed = !begin.item && column == begin.column && line.trim_start().starts_with('-');
        column > begin.column || (listed && !begin.dashed)
    };
    let mut end = index + 1;
    for (at, line) in lines.iter().enumerate().skip(index + 1) {
        if is_blank(line) {
            continue;
        }
        if !belongs(line) {
            break;
        }
        end = at + 1;
    }
    let mut out = lines.get(..index)?.concat();
    if begin.dashed {
        // The dash moves to the key that follows.
        let next = lines.get(end)?;
        if indent(next) != begin.column || is_blank(next) {
            return None;
        }
        out.push_str(lines.get(index)?.get(..begin.column)?);
        out.push_str(next.get(begin.column..)?);
        out.push_str(&lines.get(end + 1..)?.concat());
    } else {
        out.push_str(&lines.get(end..)?.concat());
    }
    Some(out)
}

/// Columns of the maps that may end with this line, the innermost first.
fn ends(lines: &[&str], index: usize) -> Vec<usize> {
    if lines.get(index).is_none_or(|line| is_blank(line)) {
        return Vec::new();
    }
    let next = lines.iter().skip(index + 1).find(|line| !is_blank(line));
    // Columns at which keys stand here and above.
    let mut columns = Vec::new();
    let mut most = usize::MAX;
    for line in lines.get(..=index).unwrap_or_default().iter().rev() {
        if is_blank(line) || indent(line) >= most {
            continue;
        }
        most = indent(line);
        let mut rest = line.get(most..).unwrap_or_default();
        let mut within = Vec::new();
        let mut at = most;
        while let Some(below) = rest.strip_prefix("- ") {
            let after = below.trim_start_matches(' ');
            at += rest.len() - after.len();
            rest = after;
            within.push(at);
        }
        columns.extend(within.into_iter().rev());
        columns.push(most);
    }
    // What stands as far in as the next line goes on with it.
    columns.retain(|column| next.is_none_or(|next| *column > indent(next)));
    columns.dedup();
    columns
}

/// The lines of a field.
fn entry(name: &str, value: &Value, column: usize, end: &str) -> Option<String> {
    let key = written(name)?;
    let margin = " ".repeat(column);
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => text.contains('\n'),
        _ => false,
    };
    if !nested {
        let value = match value {
            Value::String(text) => written(text)?,
            value => value.to_string(),
        };
        return Some(format!("{margin}{key}: {value}{end}"));
    }
    // The writer of objects knows how to write all of them.
    let mut whole = Map::new();
    whole.insert(name.to_owned(), value.clone());
    let text = yaml::text(&Value::Object(whole));
    let lines = text.lines().map(|line| match line.is_empty() {
        true => end.to_owned(),
        false => format!("{margin}{line}{end}"),
    });
    Some(lines.collect())
}

#[cfg(test)]
mod tests;
