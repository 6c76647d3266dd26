//! Secret values in files as people wrote them: found by lines, since templates and broken files are no YAML.
//!
//! Values of annotations go by name, as in objects. A file of a repository may be read by more people here than there.
//! Keys stay, so that it still shows what changed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Stands for a value.
const HIDDEN: &str = "••••••••";

/// So many lines away nobody looks any more: it counts as a Secret then.
const FAR: usize = 1_000;
/// Shorter values would make a repetition a coincidence.
const LEAST: usize = 6;
/// Hidden values of one document that are looked for elsewhere in it.
const MOST_VALUES: usize = 500;

/// The lines of a file, with every value below `data` and `stringData` of a Secret hidden, and those of kustomize's
/// `secretGenerator`.
pub(crate) fn masked_lines(text: &str) -> Vec<String> {
    let lines: Vec<Line<'_>> = text.lines().map(Line::read).collect();
    let mut masked: Vec<String> = text.lines().map(str::to_owned).collect();
    if !super::is_on(super::Masking::Patches) {
        return masked;
    }
    for (at, line) in lines.iter().enumerate() {
        let hidden = match line.key {
            Some("data" | "stringData") => belongs_to_a_secret(&lines, at),
            Some("secretGenerator") => true,
            Some(key) => key.contains('/') && super::sensitive_annotation(key),
            None => false,
        };
        if hidden {
            hide_below(&lines, at, &mut masked);
        } else if line.is_whole_secret() {
            masked[at] = format!("{}{HIDDEN}", line.indent());
        }
    }
    let mut from = 0;
    while from < lines.len() {
        let length = lines[from + 1..]
            .iter()
            .take_while(|line| !line.separates());
        let end = from + 1 + length.count();
        hide_repeated(&lines[from..end], &mut masked[from..end]);
        from = end;
    }
    masked
}

/// Hides lines that repeat what was hidden elsewhere in the document, plain or encoded.
fn hide_repeated(lines: &[Line<'_>], masked: &mut [String]) {
    let mut values: Vec<String> = Vec::new();
    for (line, masked) in lines.iter().zip(masked.iter()) {
        if line.text == masked || values.len() > MOST_VALUES {
            continue;
        }
        let value = if line.value.is_empty() {
            line.text.trim()
        } else {
            line.value
        };
        let value = value.trim_end_matches(',').trim_matches(['"', '\'']);
        let plain = STANDARD.decode(value).ok();
        let plain = plain.and_then(|bytes| String::from_utf8(bytes).ok());
        let long = |text: &String| text.trim().len() >= LEAST;
        values.extend(
            [Some(value.to_owned()), plain]
                .into_iter()
                .flatten()
                .filter(long),
        );
    }
    if values.is_empty() {
        return;
    }
    for (line, masked) in lines.iter().zip(masked.iter_mut()) {
        if line.text == masked && values.iter().any(|value| masked.contains(value.trim())) {
            *masked = before_value(line);
        }
    }
}

struct Line<'t> {
    text: &'t str,
    /// Where its content begins, after dashes of lists.
    column: usize,
    /// Where the outermost dash stands, if it begins an item.
    dash: Option<usize>,
    key: Option<&'t str>,
    /// After the colon.
    value: &'t str,
    blank: bool,
}

impl<'t> Line<'t> {
    fn read(text: &'t str) -> Self {
        let mut rest = text.trim_start();
        let mut column = text.len() - rest.len();
        let mut dash = None;
        while let Some(after) = rest.strip_prefix("- ") {
            dash.get_or_insert(column);
            let inner = after.trim_start();
            column += rest.len() - inner.len();
            rest = inner;
        }
        let (key, value) = match rest.split_once(':') {
            Some((key, value)) if value.is_empty() || value.starts_with([' ', '\t', '\r', '{']) => {
                (Some(key.trim().trim_matches(['"', '\''])), value.trim())
            }
            _ => (None, ""),
        };
        Self {
            text,
            column,
            dash,
            key,
            value,
            blank: rest.is_empty() || rest.starts_with('#') || rest.starts_with("{{"),
        }
    }

    fn indent(&self) -> &'t str {
        let end = self.text.len() - self.text.trim_start().len();
        &self.text[..end]
    }

    fn begins_block(&self) -> bool {
        self.key.is_some() && self.value.starts_with(['|', '>'])
    }

    fn separates(&self) -> bool {
        self.text.starts_with("---") || self.text.starts_with("...")
    }

    fn says_secret(&self) -> bool {
        self.key == Some("kind")
            && self
                .value
                .trim_end_matches(',')
                .split('#')
                .next()
                .is_some_and(|kind| kind.trim().trim_matches(['"', '\'']) == "Secret")
    }

    /// A Secret on one line, as JSON writes it.
    fn is_whole_secret(&self) -> bool {
        let packed: String = self
            .text
            .chars()
            .filter(|letter| !letter.is_whitespace() && !matches!(letter, '"' | '\''))
            .collect();
        packed.contains("kind:Secret")
            && (packed.contains("data:") || packed.contains("stringData:"))
    }
}

/// Whether a sibling of the line at `at` says `kind: Secret`.
fn belongs_to_a_secret(lines: &[Line<'_>], at: usize) -> bool {
    let column = lines[at].column;
    let mut before = lines[..at].iter().rev();
    let mut left = FAR;
    let mut above = lines[at].dash.is_none_or(|dash| dash >= column);
    let mut found = false;
    while let (true, Some(line)) = (above, before.next()) {
        left -= 1;
        if left == 0 {
            return true;
        }
        if line.separates() || (!line.blank && line.column < column) {
            break;
        }
        if line.column == column {
            found |= line.says_secret();
            // The first line of the item: what stands above is another.
            above = line.dash.is_none();
        }
    }
    let mut below = lines[at + 1..].iter().take_while(|line| {
        !line.separates()
            && (line.blank || line.column >= column)
            && !(line.column == column && line.dash.is_some())
    });
    found
        || below
            .by_ref()
            .take(FAR)
            .any(|line| line.column == column && line.says_secret())
        || below.next().is_some()
}

/// Hides what belongs to the key at `at`: the rest of its line, and all lines below it that are part of its value.
fn hide_below(lines: &[Line<'_>], at: usize, masked: &mut [String]) {
    let head = &lines[at];
    if !matches!(head.value, "" | "{" | "|" | ">") && !head.value.starts_with('#') {
        masked[at] = before_value(head);
    }
    let generator = head.key == Some("secretGenerator");
    // The key whose value is a block of text: nothing in it is a key.
    let mut block = head.begins_block().then_some(head.column);
    for (offset, line) in lines[at + 1..].iter().enumerate() {
        // Items of a list may stand as far left as its key.
        let inside = line.column > head.column || (generator && line.dash == Some(head.column));
        if line.separates() || (!line.blank && !inside) {
            return;
        }
        let here = &mut masked[at + 1 + offset];
        if line.text.trim().is_empty() {
            continue;
        }
        if block.is_some_and(|column| line.indent().len() <= column) {
            block = None;
        }
        if generator {
            if let Some((name, _)) = line.text.split_once('=') {
                *here = format!("{name}={HIDDEN}");
            }
            continue;
        }
        if block.is_some() {
            *here = format!("{}{HIDDEN}", line.indent());
            continue;
        }
        if line.begins_block() {
            block = Some(line.column);
        }
        *here = match line.key {
            Some(_) if line.value.is_empty() => continue,
            Some(_) => before_value(line),
            None if matches!(line.text.trim(), "}" | "}," | "{") => continue,
            None => format!("{}{HIDDEN}", line.indent()),
        };
    }
}

fn before_value(line: &Line<'_>) -> String {
    match line.text.find(':') {
        Some(colon) => format!("{} {HIDDEN}", &line.text[..=colon]),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        masked_lines(text).join("\n")
    }

    #[test]
    fn attack_64_values_of_secrets_in_files_are_hidden_and_keys_stay() {
        for text in [
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  key: hunter2\n",
            "data:\n  key: hunter2\nkind: Secret\n",
            "kind: \"Secret\" # a\nstringData:\n  key: |\n    hunter2\n\n    hunter2: hunter2\n",
            "kind: Secret\nstringData: {key: hunter2}\n",
            "kind: Secret\ndata: {\n  key: hunter2\n}\n",
            "kind: List\nitems:\n- kind: Secret\n  data:\n    key: hunter2\n- kind: ConfigMap\n  data:\n    key: kept\n",
            "kind: List\nitems:\n- data:\n    key: hunter2\n  kind: Secret\n",
            "{{- if .Values.a }}\nkind: Secret\nstringData:\n{{- range .Values.b }}\n  key: hunter2\n{{- end }}\n",
            "{\n  \"kind\": \"Secret\",\n  \"data\": {\n    \"key\": \"hunter2\"\n  }\n}\n",
            "{\"kind\": \"Secret\", \"data\": {\"key\": \"hunter2\"}}",
            "secretGenerator:\n- name: a\n  literals:\n  - key=hunter2\n",
            "secretGenerator:\n  - name: a\n    literals: [key=hunter2]\nresources: [kept]\n",
            "kind: ConfigMap\nmetadata:\n  annotations:\n    example.org/api-token: hunter2\n    a/b: kept\n",
            "kind: Secret\nmetadata:\n  annotations:\n    note: it is hunter2\ndata:\n  key: aHVudGVyMg==\n",
            "kind: Secret\r\ndata:\r\n  key: hunter2\r\n",
            "kind: Secret\ndata:\n  key: >-\n    hunter2\n    hunter2\ntype: kept\n",
        ] {
            let shown = hidden(text);
            assert!(!shown.contains("hunter2"), "{text}\n→\n{shown}");
            assert_eq!(shown.contains("kept"), text.contains("kept"), "{shown}");
            assert_eq!(shown.lines().count(), text.lines().count());
        }
    }

    #[test]
    fn whatever_is_no_secret_stays_as_it_is() {
        for text in [
            "kind: ConfigMap\ndata:\n  key: value\n",
            "kind: Secret\nmetadata: {name: a}\ntype: Opaque\n---\nkind: ConfigMap\ndata:\n  key: value\n",
            "kind: SecretStore\ndata:\n  key: value\n",
            "kind: List\nitems:\n- kind: Secret\n- kind: ConfigMap\n  data:\n    key: value\n",
            "kind: Secret\ntype: Opaque\n---\nkind: ConfigMap\nmetadata: {name: hunter2}\n",
            "spec:\n  kind: Secret\ndata:\n  key: value\n",
            "configMapGenerator:\n- literals: [a=b]\n",
            "",
        ] {
            assert_eq!(hidden(text), text.trim_end_matches('\n'), "{text}");
        }
    }

    #[test]
    fn fuzz_files() {
        let seeds: [&[u8]; 3] = [
            b"kind: Secret\ndata:\n  a: b\n---\n- data: {a: b}\n  kind: Secret\n",
            b"{\"kind\": \"Secret\", \"data\": {\"a\": \"b\"}}",
            b"secretGenerator:\n- literals:\n  - a=b\n",
        ];
        crate::fuzzing::run("files", &seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(masked_lines(&text).len(), text.lines().count());
        });
    }
}
