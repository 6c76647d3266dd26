//! What the client writes: aligned columns for people, JSON for programs.

use crate::api::ClientError;
use serde::Serialize;
use std::io::Write;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    #[default]
    Table,
    /// A table with more columns.
    Wide,
    Json,
    Yaml,
    /// Names alone, one a line.
    Name,
}

/// Rows under headings, in columns as wide as their widest cell.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| plain(&cell)).collect());
    }

    pub(crate) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Without control characters: what comes from a cluster must not steer the terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Writes to standard output. A closed pipe, as with `| head`, is no mistake.
pub(crate) fn say(text: &str) -> Result<(), ClientError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| {
        if text.ends_with('\n') {
            out.flush()
        } else {
            out.write_all(b"\n").and_then(|()| out.flush())
        }
    });
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(ClientError::local("write the result")),
    }
}

/// Writes as JSON.
pub(crate) fn say_json(value: &impl Serialize) -> Result<(), ClientError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| ClientError::local("write JSON")(error.into()))?;
    say(&text)
}

/// Writes as YAML.
pub(crate) fn say_yaml(value: &impl Serialize) -> Result<(), ClientError> {
    // By way of JSON, so that both say the same.
    let text = serde_json::to_value(value)
        .map_err(|error| error.to_string())
        .and_then(|value| serde_saphyr::to_string(&value).map_err(|error| error.to_string()))
        .map_err(|error| ClientError::local("write YAML")(std::io::Error::other(error)))?;
    say(&text)
}

/// Writes a remark that is not part of the result to standard error.
pub(crate) fn remark(text: &str) {
    // There is nowhere to report that standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{}", plain(text));
}

/// Writes an error with its causes to standard error.
pub(crate) fn complain(error: &ClientError) {
    let mut text = format!("lockstep: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    remark(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_end_without_spaces() {
        let mut table = Table::new(&["NAME", "SYNC"]);
        table.row(["shop/cart".to_owned(), "Synced".to_owned()]);
        table.row(["x".to_owned(), String::new()]);
        assert_eq!(table.text(), "NAME       SYNC\nshop/cart  Synced\nx\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
