//! From the events of the parser to one tree of values: tags, keys, anchors and merges as Kubernetes reads them,
//! within budgets. Pure; knows one document and its own lines.

use super::scalar::{self, Scalar};
use super::{Kind, Node, YamlError, whole};
use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::Number;
use std::collections::HashMap;

/// Levels of maps and lists, also those that aliases bring.
const MAX_DEPTH: usize = 100;
const MAX_NODES: usize = 400_000;
/// Of all scalars together.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Nodes that anchors remember and aliases repeat, together.
const MAX_REPEATED: usize = 100_000;
/// A map this small is searched, a larger one has an index.
const SMALL: usize = 16;

/// The document's only value; null when it has none.
pub(super) fn compose(text: &str) -> Result<Node, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(failure(1, "the document is larger than 16 MiB"));
    }
    let options = granit_parser::options! {
        emit_comments: false,
        bom_inside_document_as_content: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut composer = Composer::default();
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let line = line(error.marker().line());
            failure(line, &error.info())
        })?;
        let line = line(span.start.line());
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
        }
        if documents > 1 {
            return Err(failure(
                line,
                "something follows the end of the document; to do: put --- on a line between the two",
            ));
        }
        composer.take(event, line)?;
    }
    Ok(composer.root.unwrap_or(Node {
        line: 1,
        kind: Kind::Null,
    }))
}

fn line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

fn failure(line: u32, message: &str) -> YamlError {
    YamlError {
        line: Some(line),
        message: message.to_owned(),
    }
}

#[derive(Default)]
struct Composer {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
    repeated: usize,
}

/// A collection whose end has not come yet.
struct Open {
    line: u32,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Entries),
}

/// What the next value in a map is for.
enum Key {
    Name(String, u32),
    Merge,
}

#[derive(Default)]
struct Entries {
    entries: Vec<(String, Node)>,
    /// Whether the key stands in this map itself, not only in one merged into it.
    own: Vec<bool>,
    index: HashMap<String, usize>,
    key: Option<Key>,
}

impl Composer {
    fn take(&mut self, event: Event<'_>, line: u32) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                self.count(line, 1, text.len())?;
                let quoted = style != ScalarStyle::Plain;
                if self.wants_key() && is_merge(&text, quoted, tag) {
                    self.key(Key::Merge);
                    return Ok(());
                }
                let pair = tag.map(|tag| (tag.handle(), tag.suffix()));
                let scalar =
                    scalar::read(&text, quoted, pair).map_err(|message| failure(line, &message))?;
                if self.wants_key() {
                    if anchor != 0 {
                        // A key that is no finite number is no value.
                        let kind = kind(scalar.clone()).unwrap_or(Kind::Null);
                        self.remember(anchor, &Node { line, kind })?;
                    }
                    let name = scalar::key(scalar).map_err(|message| failure(line, message))?;
                    self.key(Key::Name(name, line));
                    return Ok(());
                }
                let kind = kind(scalar).map_err(|message| failure(line, message))?;
                self.complete(Node { line, kind }, anchor, false)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.start(line, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => {
                self.start(line, anchor, Content::Map(Entries::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open {
                    line,
                    anchor,
                    content,
                }) => {
                    let kind = match content {
                        Content::List(items) => Kind::List(items),
                        Content::Map(entries) => Kind::Map(entries.entries),
                    };
                    self.complete(Node { line, kind }, anchor, false)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => self.alias(anchor, line),
            _ => Ok(()),
        }
    }

    fn count(&mut self, line: u32, nodes: usize, bytes: usize) -> Result<(), YamlError> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MAX_NODES {
            return Err(failure(
                line,
                "the document has more than 400,000 values; to do: split it",
            ));
        }
        if self.bytes > MAX_BYTES {
            return Err(failure(line, "the document's text is larger than 16 MiB"));
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map(map), .. }) if map.key.is_none())
    }

    fn key(&mut self, key: Key) {
        if let Some(Open {
            content: Content::Map(map),
            ..
        }) = self.open.last_mut()
        {
            map.key = Some(key);
        }
    }

    fn start(&mut self, line: u32, anchor: usize, content: Content) -> Result<(), YamlError> {
        if self.wants_key() {
            return Err(failure(line, "a key is a map or a list"));
        }
        self.count(line, 1, 0)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(line));
        }
        self.open.push(Open {
            line,
            anchor,
            content,
        });
        Ok(())
    }

    fn repeat(&mut self, node: &Node) -> Result<usize, YamlError> {
        let mut size = Size::default();
        size.of(node, 1);
        self.repeated += size.nodes;
        if self.repeated > MAX_REPEATED {
            return Err(failure(
                node.line,
                "its aliases repeat more than 100,000 values; to do: write out what they stand for",
            ));
        }
        self.count(node.line, size.nodes, size.bytes)?;
        Ok(size.depth)
    }

    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), YamlError> {
        if anchor != 0 {
            self.repeat(node)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, line: u32) -> Result<(), YamlError> {
        let Some(node) = self.anchors.remove(&anchor) else {
            return Err(failure(line, "an anchor holds an alias to itself"));
        };
        let depth = self.repeat(&node);
        let mut copy = node.clone();
        self.anchors.insert(anchor, node);
        if self.open.len() + depth? > MAX_DEPTH {
            return Err(too_deep(line));
        }
        copy.line = line;
        if self.wants_key() {
            let scalar = match copy.kind {
                Kind::Null => Scalar::Null,
                Kind::Bool(value) => Scalar::Bool(value),
                Kind::Text(text) => Scalar::Text(text),
                Kind::Number(number) => match (number.as_i64(), number.as_f64()) {
                    (Some(value), _) => Scalar::Int(value),
                    (None, Some(value)) if number.is_f64() => Scalar::Float(value),
                    _ => Scalar::Large(0),
                },
                Kind::List(_) | Kind::Map(_) => {
                    return Err(failure(line, "a key is a map or a list"));
                }
            };
            let name = scalar::key(scalar).map_err(|message| failure(line, message))?;
            self.key(Key::Name(name, line));
            return Ok(());
        }
        self.complete(copy, 0, true)
    }

    /// A value is there: it goes where the innermost collection wants it.
    fn complete(&mut self, mut node: Node, anchor: usize, alias: bool) -> Result<(), YamlError> {
        self.remember(anchor, &node)?;
        match self.open.last_mut() {
            None => self.root = self.root.take().or(Some(node)),
            Some(Open {
                content: Content::List(items),
                ..
            }) => items.push(node),
            Some(Open {
                content: Content::Map(map),
                ..
            }) => match map.key.take() {
                Some(Key::Name(name, line)) => {
                    // A block begins below its key; people look for the key.
                    if matches!(node.kind, Kind::Map(_) | Kind::List(_) | Kind::Null) {
                        node.line = line;
                    }
                    map.set(name, node, Some(line))?;
                }
                _ => map.merge(node, alias)?,
            },
        }
        Ok(())
    }
}

impl Entries {
    fn find(&self, name: &str) -> Option<usize> {
        if self.entries.len() < SMALL {
            return self.entries.iter().position(|(key, _)| key == name);
        }
        self.index.get(name).copied()
    }

    /// `own`: the line of a key that stands here; nothing for one that is merged in.
    fn set(&mut self, name: String, node: Node, own: Option<u32>) -> Result<(), YamlError> {
        if let Some(at) = self.find(&name) {
            let was_own = self.own.get(at).copied().unwrap_or_default();
            if let Some(line) = own.filter(|_| was_own) {
                let name: String = name.chars().take(100).collect();
                return Err(failure(line, &format!("duplicate mapping key: {name}")));
            }
            if let (Some(entry), Some(flag)) = (self.entries.get_mut(at), self.own.get_mut(at)) {
                entry.1 = node;
                *flag = was_own || own.is_some();
            }
            return Ok(());
        }
        self.entries.push((name, node));
        self.own.push(own.is_some());
        match self.entries.len() {
            SMALL => {
                let names = self.entries.iter().enumerate();
                self.index = names.map(|(at, (name, _))| (name.clone(), at)).collect();
            }
            length if length > SMALL => {
                if let Some((name, _)) = self.entries.last() {
                    self.index.insert(name.clone(), length - 1);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// As kubectl does it: what is merged wins over what stands above it, and loses to what stands below.
    fn merge(&mut self, node: Node, alias: bool) -> Result<(), YamlError> {
        let wrong = || failure(node.line, "<< merges maps and lists of maps only");
        match node.kind {
            Kind::Map(entries) => {
                for (name, node) in entries {
                    self.set(name, node, None)?;
                }
                Ok(())
            }
            // The first of a list wins.
            Kind::List(ref items) if !alias => {
                for item in items.iter().rev() {
                    let Kind::Map(entries) = &item.kind else {
                        return Err(wrong());
                    };
                    for (name, node) in entries {
                        self.set(name.clone(), node.clone(), None)?;
                    }
                }
                Ok(())
            }
            _ => Err(wrong()),
        }
    }
}

#[derive(Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl Size {
    fn of(&mut self, node: &Node, depth: usize) {
        self.nodes += 1;
        self.depth = self.depth.max(depth);
        match &node.kind {
            Kind::Text(text) => self.bytes += text.len(),
            Kind::List(items) => items.iter().for_each(|item| self.of(item, depth + 1)),
            Kind::Map(entries) => {
                for (name, item) in entries {
                    self.nodes += 1;
                    self.bytes += name.len();
                    self.of(item, depth + 1);
                }
            }
            _ => {}
        }
    }
}

fn too_deep(line: u32) -> YamlError {
    failure(line, "maps and lists are nested more than 100 deep")
}

fn is_merge(text: &str, quoted: bool, tag: Option<&Tag>) -> bool {
    text == "<<"
        && tag.map_or(!quoted, |tag| {
            format!("{}{}", tag.handle(), tag.suffix()) == "tag:yaml.org,2002:merge"
        })
}

fn kind(scalar: Scalar) -> Result<Kind, &'static str> {
    Ok(match scalar {
        Scalar::Null => Kind::Null,
        Scalar::Bool(value) => Kind::Bool(value),
        Scalar::Int(value) => Kind::Number(value.into()),
        Scalar::Large(value) => Kind::Number(value.into()),
        Scalar::Text(text) => Kind::Text(text),
        Scalar::Float(value) => Kind::Number(
            whole(value)
                .or_else(|| Number::from_f64(value))
                .ok_or("a number that is not finite")?,
        ),
    })
}
