//! Rules by which the newest tag of an image is written to Git: Lockstep's own `ImageRule`, and Flux's `ImageRepository`,
//! `ImagePolicy` and `ImageUpdateAutomation`, read as they are, as <https://fluxcd.io/flux/components/image/> has them.
//!
//! A credential is never taken from Git: those that are registered for the registry count.

mod flux;

pub use flux::{Automation, may_hold_image_rules};

use super::collect::{MAX_FILE_BYTES, read_frame};
use super::fields::{Head, Place, Report, in_document};
use super::flux::duration;
use super::{DefinitionFile, DefinitionProblem};
use crate::tags::{TagChoice, TagOrder};
use crate::yaml::{self, Kind, Node};

/// Of Lockstep's own documents.
const GROUP: &str = "lockstep.dev";
const KIND: &str = "ImageRule";
/// Between two looks at a registry unless a rule says otherwise.
const USUALLY: u32 = 300;
/// Rules and automations of one source.
const MOST: usize = 500;

/// What files ask for, in the order of path and line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageRules {
    pub rules: Vec<ImageRule>,
    pub automations: Vec<Automation>,
    repositories: Vec<flux::Watched>,
    sources: Vec<flux::Checkout>,
}

/// One image, which of its tags is wanted, and where that is written.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRule {
    /// Kind and name as users know them: `ImageRule web`, `ImagePolicy flux-system/web`.
    pub title: String,
    pub path: String,
    /// 1-based line of the document.
    pub line: u32,
    /// Without tag: `registry.example.org/team/web`.
    pub image: String,
    /// The registry is reached by plain http.
    pub plain_http: bool,
    pub choice: TagChoice,
    /// Seconds between two looks.
    pub interval: u32,
    pub suspend: bool,
    pub writes: RuleWrites,
    /// Why it comes to nothing; empty when it is in force.
    pub problem: String,
}

/// Where the chosen tag is written.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleWrites {
    /// Where Git states the image of these applications.
    Targets {
        /// `project/name`, `*` stands for anything.
        applications: Vec<String>,
        /// Names of clusters, `*` stands for anything; empty: all.
        clusters: Vec<String>,
        /// On a branch of its own, with a pull request.
        propose: bool,
    },
    /// Behind the markers of this policy, by automations.
    Markers { namespace: String, name: String },
}

/// Rules of the files, and what is wrong with some. Files that cannot be read are left to others to name.
pub fn read<'f>(
    files: impl IntoIterator<Item = &'f DefinitionFile>,
) -> (ImageRules, Vec<DefinitionProblem>) {
    let (mut rules, mut problems) = (ImageRules::default(), Vec::new());
    for file in files {
        let holds = |group: &str| {
            let mut windows = file.bytes.windows(group.len());
            windows.any(|window| window == group.as_bytes())
        };
        let ending = file.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        if file.bytes.len() > MAX_FILE_BYTES
            || !matches!(ending, "yaml" | "yml" | "json" | "")
            || ![GROUP, flux::GROUP, super::flux::SOURCE_GROUP]
                .into_iter()
                .any(holds)
        {
            continue;
        }
        let documents = yaml::text_of(&file.bytes).and_then(yaml::documents);
        for document in documents.unwrap_or_default() {
            let Ok(node) = document.node() else { continue };
            match node.get("items").map(|items| &items.kind) {
                Some(Kind::List(items)) => {
                    for item in items {
                        rules.object(&file.path, item.line, item, &mut problems);
                    }
                }
                _ => rules.object(&file.path, document.line, &node, &mut problems),
            }
        }
    }
    rules.resolve();
    rules.rules.truncate(MOST);
    rules.automations.truncate(MOST);
    (rules, problems)
}

impl ImageRules {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.automations.is_empty()
    }

    fn object(
        &mut self,
        path: &str,
        line: u32,
        node: &Node,
        problems: &mut Vec<DefinitionProblem>,
    ) {
        let head = Head::of(node, super::flux::DEFAULT_NAMESPACE);
        if head.group == super::flux::SOURCE_GROUP && head.kind == "GitRepository" {
            let found = flux::checkout(node, head.namespace, head.name);
            self.sources.extend(found);
            return;
        }
        if !may_hold_image_rules(&head.group, &head.kind) {
            return;
        }
        let report = Report::default();
        let place = Place::root(&report, node);
        read_frame(&place);
        place.ignore("status", "it is not part of what is asked for");
        let spec = place.at("spec");
        let at = flux::At {
            path,
            line,
            namespace: head.namespace.clone(),
            name: &head.name,
        };
        match head.kind.as_str() {
            KIND => self.rules.push(rule(&spec, &at)),
            "ImageRepository" => self.repositories.push(flux::watched(&spec, &at)),
            "ImagePolicy" => self.rules.push(flux::policy(&spec, &at)),
            _ => self.automations.push(flux::automation(&spec, &at)),
        }
        spec.done();
        place.done();
        let (wrong, _) = report.into_parts();
        if !wrong.is_empty() {
            self.broken(path, line);
        }
        problems.extend(in_document(&head, path, line, wrong));
    }

    /// What was just read is wrong: nothing is written by it.
    fn broken(&mut self, path: &str, line: u32) {
        let why = "its definition is broken; see Problems";
        let rules = self.rules.iter_mut();
        for rule in rules.filter(|rule| rule.path == path && rule.line == line) {
            why.clone_into(&mut rule.problem);
        }
        let automations = self.automations.iter_mut();
        for one in automations.filter(|one| one.path == path && one.line == line) {
            why.clone_into(&mut one.problem);
        }
    }
}

fn rule(spec: &Place<'_>, at: &flux::At<'_>) -> ImageRule {
    let image = spec.required("image");
    check_image(spec, "image", &image);
    let way = spec.text("way");
    if !matches!(way.as_str(), "" | "commit" | "pull-request") {
        spec.problem(
            "way",
            "it must be commit or pull-request",
            "Correct the definition in Git.",
        );
    }
    let applications = spec.texts("applications");
    if applications.is_empty() {
        spec.problem(
            "applications",
            "it is missing",
            "Name the applications whose image it is, as project/name.",
        );
    }
    let (range, order) = (spec.text("semver"), spec.text("order"));
    let order = match (range.is_empty(), order.as_str()) {
        (false, "") => TagOrder::Versions(range),
        (true, "name") => TagOrder::Names { descending: false },
        (true, "number") => TagOrder::Numbers { descending: false },
        _ => {
            spec.problem(
                "semver",
                "it must be a range of versions, or order must be name or number, and not both",
                "Say which tag is the newest.",
            );
            TagOrder::Names { descending: false }
        }
    };
    let choice = TagChoice {
        pattern: spec.text("pattern"),
        extract: spec.text("extract"),
        exclude: Vec::new(),
        order,
    };
    if let Err(why) = choice.chooser() {
        spec.problem(
            "pattern",
            &format!("it says that {why}"),
            "Correct the definition in Git.",
        );
    }
    ImageRule {
        title: format!("{KIND} {}", at.name),
        path: at.path.to_owned(),
        line: at.line,
        image,
        plain_http: spec.flag("insecure").unwrap_or(false),
        choice,
        interval: interval(spec).unwrap_or(USUALLY),
        suspend: spec.flag("suspend").unwrap_or(false),
        writes: RuleWrites::Targets {
            applications,
            clusters: spec.texts("clusters"),
            propose: way != "commit",
        },
        problem: String::new(),
    }
}

fn interval(spec: &Place<'_>) -> Option<u32> {
    let written = spec.text("interval");
    if written.is_empty() {
        return None;
    }
    let seconds = duration::seconds(&written);
    if seconds.is_none() {
        spec.problem(
            "interval",
            "it is no span of time",
            "Write it as 5m or 1h30m.",
        );
    }
    seconds
}

/// Names of images without tag and digest; what becomes part of an address is looked at before.
fn check_image(spec: &Place<'_>, field: &str, image: &str) {
    let (name, tag, digest) = crate::render::image_parts(image);
    let plain = name.split('/').all(|part| !part.is_empty())
        && image
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:[]".contains(c));
    if !image.is_empty() && (tag.is_some() || digest.is_some() || !plain || image.len() > 300) {
        spec.problem(
            field,
            "it must be the name of an image without tag",
            "Write it as registry.example.org/team/web.",
        );
    }
}

#[cfg(test)]
mod tests;
