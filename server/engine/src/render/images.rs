//! Images of the containers in an object, and other tags for them. Pure.

use super::stated::canonical_path;
use serde_json::Value;

/// Lists of containers, wherever an object has a Pod in it.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// An image and the field that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageAt {
    /// As differences write it.
    pub path: String,
    pub image: String,
}

/// Another tag for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTag {
    /// The name, or its last parts.
    pub name: String,
    pub tag: String,
    /// The name is whole: one that only ends so is another image.
    pub exact: bool,
}

/// Images of an object's containers, in the order of the object.
pub fn images(body: &Value) -> Vec<ImageAt> {
    let mut found = Vec::new();
    walk(body, String::new(), &mut found);
    found
        .into_iter()
        .filter_map(|(path, image)| {
            Some(ImageAt {
                path: canonical_path(body, &path)?,
                image,
            })
        })
        .collect()
}

fn walk(value: &Value, path: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, below) in fields {
                let path = step(&path, name);
                match below {
                    Value::Array(items) if LISTS.contains(&name.as_str()) => {
                        for (index, item) in items.iter().enumerate() {
                            if let Some(image) = item.get("image").and_then(Value::as_str) {
                                found.push((format!("{path}[{index}].image"), image.to_owned()));
                            }
                        }
                    }
                    _ => walk(below, path, found),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// A name with dots or brackets in it is quoted.
fn step(path: &str, name: &str) -> String {
    if name.is_empty() || name.contains(['.', '[', ']', '"']) {
        return format!("{path}[{}]", Value::from(name));
    }
    match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    }
}

/// Name, tag and digest of an image.
pub fn image_parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (named, digest) = match image.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (image, None),
    };
    match named.rsplit_once(':') {
        // A port is followed by a path.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag), digest),
        _ => (named, None, digest),
    }
}

/// Whether a text is a tag: a letter, digit or `_`, then these, `.` and `-`, 128 at most.
/// (OCI Distribution Specification: pulling manifests.)
pub fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

impl NewTag {
    /// Reads `team/web=2.0`.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, tag) = text
            .trim()
            .split_once('=')
            .ok_or_else(|| format!("“{text}” is not IMAGE=TAG"))?;
        let (plain, had, digest) = image_parts(name);
        if name.is_empty() || had.is_some() || digest.is_some() || plain.starts_with('/') {
            return Err(format!("“{name}” is not the name of an image without tag"));
        }
        if !is_tag(tag) {
            return Err(format!("“{tag}” is not a tag"));
        }
        Ok(Self {
            name: name.to_owned(),
            tag: tag.to_owned(),
            exact: false,
        })
    }

    /// The same for images of exactly this name.
    pub fn exactly(self) -> Self {
        Self {
            exact: true,
            ..self
        }
    }

    /// Whether it means an image of this name (without tag).
    pub fn means(&self, name: &str) -> bool {
        let ends = || {
            let before = name.strip_suffix(self.name.as_str());
            before.is_some_and(|before| before.ends_with('/'))
        };
        name == self.name || (!self.exact && ends())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn images_are_found_wherever_a_pod_is() {
        let body = json!({
            "kind": "CronJob",
            "metadata": {"annotations": {"a.b/containers": "x"}},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {
                "containers": [{"name": "web", "image": "team/web:1"}, {"name": "none"}],
                "initContainers": [{"name": "init", "image": "busybox"}],
                "image": "no container",
            }}}}}
        });
        let found: Vec<_> = images(&body)
            .into_iter()
            .map(|at| format!("{} {}", at.path, at.image))
            .collect();
        assert_eq!(
            found,
            [
                "spec.jobTemplate.spec.template.spec.containers[name=web].image team/web:1",
                "spec.jobTemplate.spec.template.spec.initContainers[name=init].image busybox",
            ]
        );
    }

    #[test]
    fn names_are_told_from_tags_ports_and_digests() {
        for (image, expected) in [
            ("web", ("web", None, None)),
            ("web:1.0", ("web", Some("1.0"), None)),
            ("host:5000/team/web", ("host:5000/team/web", None, None)),
            ("host:5000/web:1", ("host:5000/web", Some("1"), None)),
            ("web@sha256:ab", ("web", None, Some("sha256:ab"))),
            ("web:1@sha256:ab", ("web", Some("1"), Some("sha256:ab"))),
        ] {
            assert_eq!(image_parts(image), expected);
        }
    }

    #[test]
    fn a_tag_is_read_or_refused_and_means_whole_parts_of_a_name() {
        let new = NewTag::parse("team/web=2.0").unwrap();
        let whole = new.clone().exactly();
        assert!(whole.means("team/web") && !whole.means("registry.example.org/team/web"));
        for (name, meant) in [
            ("team/web", true),
            ("host:5000/team/web", true),
            ("web", false),
            ("steam/web", false),
            ("team/web/x", false),
        ] {
            assert_eq!(new.means(name), meant, "{name}");
        }
        for text in [
            "web",
            "=1",
            "web=",
            "web:1=2",
            "web@sha256:a=2",
            "web=a b",
            "web=-1",
            "web=a\nb",
            "/web=1",
            "web=1/2",
            "web=sha256:ab",
        ] {
            assert!(NewTag::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_tag_goes_into_no_file() {
        for good in ["1.2.3", "_a", "latest", "1.0-b_2"] {
            assert!(is_tag(good), "{good}");
        }
        let long = "a".repeat(129);
        for bad in [
            "",
            ".a",
            "-a",
            "a b",
            "a\"\n  hostPath: /",
            "a\n",
            "é",
            long.as_str(),
        ] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
