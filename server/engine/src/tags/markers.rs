//! Flux's markers: `image: r/web:1.0 # {"$imagepolicy": "flux-system:web"}`. The value before a marker becomes what its
//! policy chose, and everything else of the file stays as it is.

use serde::Deserialize;

/// What every marker holds.
pub const MARKER: &str = "$imagepolicy";

/// A line that a marker changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// 1-based.
    pub line: u32,
    /// `namespace:name`, as the marker has it.
    pub policy: String,
    pub from: String,
    pub to: String,
}

#[derive(Deserialize)]
struct Marker {
    #[serde(rename = "$imagepolicy")]
    policy: String,
}

/// Whether a file can hold a marker.
pub fn is_marked(text: &str) -> bool {
    text.contains(MARKER)
}

/// The text with what the policies chose, and the lines that are others by it; or why a marker cannot be followed, as half
/// a sentence with its line. `chosen` gives the image's name and tag of a policy `namespace:name`; `None` leaves its lines.
///
/// # Errors
/// A marker that cannot be read, asks for a digest, or stands behind no plain value.
pub fn marked(
    text: &str,
    chosen: impl Fn(&str) -> Option<(String, String)>,
) -> Result<(String, Vec<Marked>), String> {
    let mut out = String::with_capacity(text.len());
    let mut changes = Vec::new();
    for (number, line) in (1u32..).zip(text.split_inclusive('\n')) {
        match changed(line, &chosen).map_err(|why| format!("line {number}: {why}"))? {
            Some((now, policy, from, to)) => {
                out.push_str(&now);
                changes.push(Marked {
                    line: number,
                    policy,
                    from,
                    to,
                });
            }
            None => out.push_str(line),
        }
    }
    Ok((out, changes))
}

type Changed = (String, String, String, String);

fn changed(
    line: &str,
    chosen: &impl Fn(&str) -> Option<(String, String)>,
) -> Result<Option<Changed>, String> {
    // A line that is a comment as a whole changes nothing.
    let Some((before, comment)) = line.split_once(" #") else {
        return Ok(None);
    };
    let comment = comment.trim();
    if !comment.starts_with('{') || !comment.contains(MARKER) || before.trim().starts_with('#') {
        return Ok(None);
    }
    let marker: Marker =
        serde_json::from_str(comment).map_err(|_| "its marker cannot be read".to_owned())?;
    let mut parts = marker.policy.split(':');
    let (Some(namespace), Some(name)) = (parts.next(), parts.next()) else {
        return Err(format!(
            "its marker “{}” is not NAMESPACE:NAME",
            marker.policy
        ));
    };
    let part = parts.next().unwrap_or_default();
    if parts.next().is_some() {
        return Err(format!("its marker “{}” has too many parts", marker.policy));
    }
    let policy = format!("{namespace}:{name}");
    let Some((image, tag)) = chosen(&policy) else {
        return Ok(None);
    };
    let to = match part {
        "" => format!("{image}:{tag}"),
        "tag" => tag,
        "name" => image,
        "digest" => {
            return Err("its marker asks for a digest, which is not chosen here".to_owned());
        }
        other => return Err(format!("its marker asks for “{other}”, which is unknown")),
    };
    let (from, start, end) = value(before).ok_or("its marker stands behind no plain value")?;
    if from == to {
        return Ok(None);
    }
    let written = rewritten(before.get(start..end).unwrap_or_default(), &to);
    let now = format!(
        "{}{written}{}{}",
        before.get(..start).unwrap_or_default(),
        before.get(end..).unwrap_or_default(),
        line.get(before.len()..).unwrap_or_default()
    );
    Ok(Some((now, policy, from, to)))
}

/// The scalar that a line ends with: its text, and where it is written.
fn value(before: &str) -> Option<(String, usize, usize)> {
    let end = before.trim_end().len();
    let whole = before.get(..end)?;
    let key = whole
        .find(": ")
        .map(|at| at + 2)
        .or_else(|| whole.find("- ").map(|at| at + 2))?;
    let start = key + whole.get(key..)?.len() - whole.get(key..)?.trim_start().len();
    let written = whole.get(start..)?;
    let text = match written.as_bytes() {
        [quote @ (b'"' | b'\''), .., last] if quote == last && written.len() > 1 => {
            written.get(1..written.len() - 1)?
        }
        [b'"' | b'\'' | b'{' | b'[' | b'|' | b'>' | b'&' | b'*', ..] | [] => return None,
        _ => written,
    };
    let plain = !text.contains(['"', '\'', '\\']) && !text.contains(": ");
    plain.then(|| (text.to_owned(), start, end))
}

/// In the quotes there were; a tag that YAML would take for something else gets some.
fn rewritten(before: &str, to: &str) -> String {
    match before.as_bytes().first() {
        Some(b'"') => format!("\"{to}\""),
        Some(b'\'') => format!("'{to}'"),
        _ if is_plain(to) => to.to_owned(),
        _ => format!("\"{to}\""),
    }
}

/// Whether YAML reads it as text, or it is a tag that Kustomize and Helm take as it is written.
fn is_plain(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let number = text.parse::<f64>().is_ok();
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    (first || text.matches('.').count() > 1 || text.contains(['-', ':', '/'])) && !number && !word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(text: &str) -> Result<(String, Vec<Marked>), String> {
        marked(text, |policy| {
            (policy == "flux-system:web")
                .then(|| ("r.example.org/web".to_owned(), "2.0.0".to_owned()))
        })
    }

    #[test]
    fn values_before_markers_become_what_was_chosen() {
        let text = "spec:\n  image: r.example.org/web:1.0.0 # {\"$imagepolicy\": \"flux-system:web\"}\n  tag: \"1.0.0\" # {\"$imagepolicy\": \"flux-system:web:tag\"}\n  - name: r.example.org/web\n    newTag: 1.0.0   # {\"$imagepolicy\": \"flux-system:web:tag\"}\r\n  newName: old # {\"$imagepolicy\": \"flux-system:web:name\"}\n  # tag: 1 # {\"$imagepolicy\": \"flux-system:web:tag\"}\n  other: 1.0.0 # {\"$imagepolicy\": \"flux-system:other:tag\"}\n  same: 2.0.0 # {\"$imagepolicy\": \"flux-system:web:tag\"}\n";
        let (now, changes) = followed(text).unwrap();
        assert_eq!(
            now,
            text.replace(
                "image: r.example.org/web:1.0.0",
                "image: r.example.org/web:2.0.0"
            )
            .replace("tag: \"1.0.0\"", "tag: \"2.0.0\"")
            .replace("newTag: 1.0.0 ", "newTag: 2.0.0 ")
            .replace("newName: old", "newName: r.example.org/web")
        );
        let lines: Vec<u32> = changes.iter().map(|change| change.line).collect();
        assert_eq!(lines, [2, 3, 5, 6]);
        assert_eq!(changes[0].from, "r.example.org/web:1.0.0");
        // What was written once is not written again.
        let (again, none) = followed(&now).unwrap();
        assert_eq!((again, none.len()), (now, 0));
    }

    #[test]
    fn tags_that_are_no_text_get_quotes() {
        let tag = |tag: &str| {
            let text = "tag: old # {\"$imagepolicy\": \"a:b:tag\"}";
            marked(text, |_| Some((String::new(), tag.to_owned())))
                .unwrap()
                .0
        };
        assert!(tag("1.0").starts_with("tag: \"1.0\" #"));
        assert!(tag("20260101").starts_with("tag: \"20260101\" #"));
        assert!(tag("1e5").starts_with("tag: \"1e5\" #"));
        assert!(tag("1.0.1").starts_with("tag: 1.0.1 #"));
        assert!(tag("on").starts_with("tag: \"on\" #"));
    }

    #[test]
    fn markers_that_cannot_be_followed_are_named_with_their_line() {
        for (text, named) in [
            (
                "a: b # {\"$imagepolicy\": \"flux-system:web:digest\"}",
                "digest",
            ),
            ("a: b # {\"$imagepolicy\": \"flux-system:web:x\"}", "“x”"),
            ("a: b # {\"$imagepolicy\": 1}", "cannot be read"),
            ("a: b # {\"$imagepolicy\": \"web\"}", "NAMESPACE:NAME"),
            ("a: b # {\"$imagepolicy\": \"a:b:c:d\"}", "too many parts"),
            (
                "a: [x] # {\"$imagepolicy\": \"flux-system:web\"}",
                "plain value",
            ),
            (
                "a: | # {\"$imagepolicy\": \"flux-system:web\"}",
                "plain value",
            ),
            ("a # {\"$imagepolicy\": \"flux-system:web\"}", "plain value"),
        ] {
            let why = followed(&format!("x: y\n{text}\n")).unwrap_err();
            assert!(why.starts_with("line 2: ") && why.contains(named), "{why}");
        }
    }
}
