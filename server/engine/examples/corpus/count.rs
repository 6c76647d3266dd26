//! An independent look at YAML files: which documents they hold, found by lines alone.
//!
//! It shares no code with what it checks, so that a document that the readers lose is missed here.

/// A document as its lines show it. Templates count too: they look the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// 1-based, of its first line with content.
    pub first: u32,
    pub last: u32,
    pub group: String,
    pub kind: String,
    pub name: String,
}

/// Kinds that define what to deploy, or support those that do, by group.
const KNOWN: [(&str, &[&str]); 7] = [
    (
        "argoproj.io",
        &["Application", "ApplicationSet", "AppProject"],
    ),
    ("kustomize.toolkit.fluxcd.io", &["Kustomization"]),
    ("helm.toolkit.fluxcd.io", &["HelmRelease"]),
    (
        "source.toolkit.fluxcd.io",
        &[
            "GitRepository",
            "OCIRepository",
            "HelmRepository",
            "HelmChart",
            "Bucket",
        ],
    ),
    ("source.extensions.fluxcd.io", &["ArtifactGenerator"]),
    ("fluxcd.controlplane.io", &["ResourceSet"]),
    ("fleet.cattle.io", &["GitRepo", "Bundle"]),
];

/// Kinds that become applications, or the reason why they do not.
const DEPLOYING: [&str; 7] = [
    "Application",
    "ApplicationSet",
    "Kustomization",
    "HelmRelease",
    "ResourceSet",
    "GitRepo",
    "Bundle",
];

impl Counted {
    pub fn is_definition(&self) -> bool {
        KNOWN
            .iter()
            .any(|(group, kinds)| *group == self.group && kinds.contains(&self.kind.as_str()))
    }

    /// Whether being read is not enough: there must be an application or a problem.
    pub fn deploys(&self) -> bool {
        self.is_definition() && DEPLOYING.contains(&self.kind.as_str())
    }

    pub fn holds(&self, line: u32) -> bool {
        (self.first..=self.last).contains(&line)
    }
}

/// Every document of a file, empty ones left out.
pub fn documents(text: &str) -> Vec<Counted> {
    let mut found = Vec::new();
    let mut lines: Vec<(u32, &str)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let ends = line == "---" || line.starts_with("--- ") || line.starts_with("---\t");
        if ends {
            found.extend(document(&lines));
            lines.clear();
        } else {
            lines.push((number, line));
        }
    }
    found.extend(document(&lines));
    found
}

fn document(lines: &[(u32, &str)]) -> Option<Counted> {
    let content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut with_content = lines.iter().filter(|(_, line)| content(line));
    let first = with_content.next()?.0;
    let last = lines.last().map_or(first, |(number, _)| *number);
    let top = |key: &str| {
        lines
            .iter()
            .find_map(|(_, line)| line.strip_prefix(key)?.strip_prefix(':'))
            .map(scalar)
            .unwrap_or_default()
    };
    let name = lines
        .iter()
        .skip_while(|(_, line)| !line.starts_with("metadata:"))
        .skip(1)
        .take_while(|(_, line)| line.starts_with(' ') || !content(line))
        .find_map(|(_, line)| line.trim_start().strip_prefix("name:"))
        .map(scalar)
        .unwrap_or_default();
    Some(Counted {
        first,
        last,
        group: top("apiVersion")
            .split_once('/')
            .map_or(String::new(), |(group, _)| group.to_owned()),
        kind: top("kind"),
        name,
    })
}

fn scalar(written: &str) -> String {
    let bare = written.split(" #").next().unwrap_or_default().trim();
    bare.trim_matches(['"', '\'']).to_owned()
}
