//! What is said of each repository, as JSON; the table is made from it.

use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Serialize)]
pub struct Folder {
    pub name: String,
    pub files: usize,
    pub yaml_files: usize,
    pub documents: usize,
    /// Every directory that holds files, by what becomes of it.
    pub directories: BTreeMap<&'static str, usize>,
    /// By kind, as counted independently of the readers.
    pub definitions: BTreeMap<String, usize>,
    /// Folders below `clusters/` that were read as root sources of their own too.
    pub cluster_roots: Vec<String>,
    /// By dialect; those that sets and parents make included, and once more for each root source that defines them.
    pub applications: BTreeMap<String, usize>,
    /// Applications that sets give.
    pub generated: usize,
    /// Definitions that other applications render.
    pub children: usize,
    pub rendered: Rendered,
    /// Directories that the stock program builds without a network.
    pub stock: Stock,
    pub problems: Vec<Problem>,
    /// How many problems have each reason.
    pub reasons: BTreeMap<String, usize>,
    pub left_out: Vec<LeftOut>,
    /// Documents of known kinds that are neither read nor named in a problem.
    pub dropped: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
pub struct Rendered {
    pub applications: usize,
    pub objects: usize,
    /// Directories with a chart that were rendered by themselves.
    pub charts: usize,
}

#[derive(Debug, Default, Serialize)]
pub struct Stock {
    pub kustomizations: usize,
    pub plain: usize,
    pub objects: usize,
    /// Directory, and the first differences.
    pub different: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// `definition` or `render`.
    pub stage: &'static str,
    /// What kind of thing is wrong, without names.
    pub reason: String,
    pub place: String,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// A directory, or an application.
    pub what: String,
    pub why: String,
}

impl Folder {
    /// Nothing differs from the stock programs, and nothing is missing.
    pub fn is_good(&self) -> bool {
        self.stock.different.is_empty() && self.dropped.is_empty()
    }

    /// Puts the lists in order, and counts the reasons.
    pub fn finish(&mut self) {
        self.problems.sort();
        self.problems.dedup();
        self.left_out.sort();
        self.left_out.dedup();
        for problem in &self.problems {
            let reason = format!("{}: {}", problem.stage, problem.reason);
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    pub fn leave_out(&mut self, what: &str, why: impl Into<String>) {
        self.left_out.push(LeftOut {
            what: if what.is_empty() { "." } else { what }.to_owned(),
            why: why.into(),
        });
    }
}

/// A message without what is particular to one case: quoted text, paths and names with digits or dots.
pub fn reason(message: &str) -> String {
    let general = |word: &str| {
        !word.contains(['/', '“', '”', '`', '"', '{', '\\'])
            && !word
                .trim_end_matches([',', ':', ';', '.'])
                .contains(['.', '-'])
    };
    let first = message.split([';', '\n']).next().unwrap_or(message);
    let mut kept: Vec<&str> = Vec::new();
    for word in first.split_whitespace() {
        let word = if general(word) { word } else { "…" };
        if word != "…" || kept.last() != Some(&"…") {
            kept.push(word);
        }
    }
    kept.join(" ")
}
