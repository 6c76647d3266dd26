//! Which files of a repository hold values of Secrets: by their own content, as the renderer reads it, and by what the
//! kustomizations above them make of them.

use engine::source::{Snapshot, SourceError, TreeFile};
use engine::yaml;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The names under which kustomize looks.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Texts within texts that are looked into.
const DEEPEST: u32 = 3;
/// No patch shows lines of larger files.
const LARGEST: usize = 1024 * 1024;

/// Which of the files hold a Secret on either side. Blocks.
pub(super) fn with_secrets(
    snapshots: &[Snapshot],
    paths: &[String],
) -> Result<BTreeSet<String>, SourceError> {
    let mut found = BTreeSet::new();
    for snapshot in snapshots {
        let mut folders = Folders {
            snapshot,
            known: BTreeMap::new(),
        };
        for path in paths.iter().filter(|path| !path.is_empty()) {
            // What cannot be read is not shown by the patch either.
            let holds = bytes_at(snapshot, path)?.is_some_and(|bytes| holds_secret(path, &bytes));
            if holds || folders.make_a_secret_of(path)? {
                found.insert(path.clone());
            }
        }
    }
    Ok(found)
}

/// A file at exactly this path; `None` where there is none on this side, or none that can be read.
fn bytes_at(snapshot: &Snapshot, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
    let files = match snapshot.files(path) {
        Ok(files) => files,
        // Added or deleted: it is on one side only.
        Err(SourceError::NoSuchPath { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_it = |file: &TreeFile| file.path == *path;
    let file = files.into_iter().find(is_it);
    let bytes = file.and_then(|file| snapshot.read(&file).ok());
    Ok(bytes.filter(|bytes| bytes.len() <= LARGEST))
}

/// The kustomizations of one commit, each read once.
struct Folders<'s> {
    snapshot: &'s Snapshot,
    /// By folder: the files that it makes Secrets of.
    known: BTreeMap<String, BTreeSet<String>>,
}

impl Folders<'_> {
    /// Whether a kustomization in the folder of the file or above it takes the file up for a Secret. Kustomize itself
    /// reads none from elsewhere.
    fn make_a_secret_of(&mut self, path: &str) -> Result<bool, SourceError> {
        let mut folder = path;
        while !folder.is_empty() {
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            if !self.known.contains_key(folder) {
                let named = self.named_in(folder)?;
                self.known.insert(folder.to_owned(), named);
            }
            let named = self.known.get(folder);
            if named.is_some_and(|named| named.contains(path)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn named_in(&self, folder: &str) -> Result<BTreeSet<String>, SourceError> {
        let mut named = BTreeSet::new();
        for name in KUSTOMIZATIONS {
            let path = joined(folder, name);
            if let Some(bytes) = bytes_at(self.snapshot, &path)? {
                let files = documents(&bytes)
                    .iter()
                    .flat_map(files_of_secrets)
                    .collect();
                let files: BTreeSet<String> = files;
                named.extend(files.iter().map(|file| joined(folder, file)));
            }
        }
        Ok(named)
    }
}

/// `folder/file`, without dots.
fn joined(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The documents that can be read.
fn documents(bytes: &[u8]) -> Vec<Value> {
    let text = yaml::text_of(bytes).unwrap_or_default();
    let each = yaml::documents(text).unwrap_or_default();
    each.iter()
        .filter_map(|document| document.value().ok())
        .collect()
}

/// Files that a kustomization takes into Secrets: by its generators, and by patches of what may be one.
fn files_of_secrets(kustomization: &Value) -> Vec<String> {
    let list = |value: &Value, key: &str| -> Vec<Value> {
        let found = value.get(key).and_then(Value::as_array);
        found.cloned().unwrap_or_default()
    };
    let mut files = Vec::new();
    for generator in list(kustomization, "secretGenerator") {
        for written in list(&generator, "files") {
            // `key=path`, or the path alone.
            if let Some(written) = written.as_str() {
                let path = written.split_once('=').map_or(written, |(_, path)| path);
                files.push(path.to_owned());
            }
        }
        let one = generator.get("env").cloned();
        let envs = list(&generator, "envs").into_iter().chain(one);
        files.extend(envs.filter_map(|env| env.as_str().map(str::to_owned)));
    }
    let patches = ["patches", "patchesJson6902"];
    for patch in patches.iter().flat_map(|key| list(kustomization, key)) {
        if let (Some(path), true) = (text(&patch, "path"), may_be_of_a_secret(&patch)) {
            files.push(path.to_owned());
        }
    }
    files
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// By its target, in which kinds are regular expressions. A target without a kind is told by the patch itself.
fn may_be_of_a_secret(patch: &Value) -> bool {
    let kind = patch.get("target").and_then(|target| text(target, "kind"));
    kind.is_some_and(|kind| kind == "Secret" || !kind.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// A Secret manifest, a generator or patch of Secrets, or a file that is one by its name.
pub(in crate::control_plane) fn holds_secret(path: &str, bytes: &[u8]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let by_name = name.trim_end() == ".env"
        || [".env", ".pem", ".key", ".p12", ".pfx"]
            .iter()
            .any(|ending| name.trim_end().ends_with(ending));
    by_name || says_secret(&String::from_utf8_lossy(bytes), DEEPEST)
}

/// By its lines, since templates and broken files are no YAML, and by what it means where it is.
fn says_secret(text: &str, deep: u32) -> bool {
    by_lines(text)
        || documents(text.as_bytes())
            .iter()
            .any(|document| is_secret(document, deep) || is_patch_of_secret(document))
}

fn by_lines(text: &str) -> bool {
    let said = text.lines().any(|line| {
        let line = line.trim_start_matches([' ', '-', '{', '\t']);
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let key = key.trim().trim_matches(['"', '\'']);
        let value = value.split(" #").next().unwrap_or(value);
        let value = value
            .trim()
            .trim_end_matches([',', '}'])
            .trim()
            .trim_matches(['"', '\'']);
        (key == "kind" && value == "Secret") || key == "secretGenerator" || key == "stringData"
    });
    said || in_braces(text)
}

/// A Secret within braces, however it is spread over lines.
fn in_braces(text: &str) -> bool {
    let packed: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '"' | '\''))
        .collect();
    let kind = packed.match_indices("kind:Secret").any(|(at, word)| {
        let before = packed.get(..at).and_then(|text| text.chars().next_back());
        let after = packed.get(at + word.len()..);
        let after = after.and_then(|text| text.chars().next());
        matches!(before, Some('{' | ',')) && matches!(after, Some(',' | '}') | None)
    });
    kind && (packed.contains("data:{") || packed.contains("stringData:"))
}

/// A Secret anywhere in it: by itself, in a list, in a text that is a document again.
fn is_secret(value: &Value, deep: u32) -> bool {
    match value {
        Value::Object(fields) => {
            let has = |key: &str| fields.contains_key(key);
            let named = text(value, "kind") == Some("Secret");
            let target = value.get("target").and_then(|target| text(target, "kind"));
            // A patch of another kind than Secrets, by its target.
            let other =
                |field: &str| field == "patch" && target.is_some() && !may_be_of_a_secret(value);
            (named && (has("apiVersion") || has("data")))
                || has("stringData")
                || has("secretGenerator")
                || (has("patch") && may_be_of_a_secret(value))
                || fields
                    .iter()
                    .any(|(field, inner)| !other(field) && is_secret(inner, deep))
        }
        Value::Array(items) => items.iter().any(|item| is_secret(item, deep)),
        Value::String(text) => deep > 0 && text.contains('\n') && says_secret(text, deep - 1),
        _ => false,
    }
}

/// Operations of JSON6902 on the values of a Secret. Those on `/data` may be of a ConfigMap too; that they are not is
/// nothing to rely on.
fn is_patch_of_secret(document: &Value) -> bool {
    let operations = document.as_array().map(Vec::as_slice).unwrap_or_default();
    operations.iter().any(|operation| {
        let at = text(operation, "path").unwrap_or_default();
        let field = at.trim_start_matches('/').split('/').next();
        operation.get("op").is_some() && matches!(field, Some("data" | "stringData"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised() {
        for (path, text, secret) in [
            ("a.yaml", "apiVersion: v1\nkind: Secret\n", true),
            ("a.yaml", "- kind: \"Secret\" # x\n", true),
            (
                "a.json",
                r#"{"apiVersion":"v1","kind":"Secret","data":{}}"#,
                true,
            ),
            ("a.json", "{\n  \"kind\": \"Secret\",\n", true),
            ("kustomization.yaml", "secretGenerator:\n- name: a\n", true),
            ("prod.env", "A=b\n", true),
            ("prod.env ", "A=b\n", true),
            ("a.yaml", "kind: SecretStore\n", false),
            ("a.yaml", "kind: ConfigMap\ndata:\n  a: Secret\n", false),
            ("a.yaml", "a: {kind: SecretStore, data: {a: b}}\n", false),
            (
                "a.yaml",
                "valuesFrom: [{kind: ConfigMap, name: a}]\ndata: {a: b}\n",
                false,
            ),
            ("a.yaml", "- op: replace\n  path: /spec/replicas\n", false),
            (
                "kustomization.yaml",
                "patches:\n- target: {kind: ConfigMap}\n  patch: |-\n    - op: add\n      path: /data/a\n      value: b\n",
                false,
            ),
        ] {
            assert_eq!(holds_secret(path, text.as_bytes()), secret, "{path} {text}");
        }
    }

    #[test]
    fn attack_64_secrets_in_other_forms_are_hidden() {
        for text in [
            "{apiVersion: v1, kind: Secret,\n data: {password: aHVudGVyMg==}}\n",
            "{apiVersion: v1, metadata: {name: a}, kind: Secret,\n  data: {\n    password: aHVudGVyMg==}}\n",
            "apiVersion: v1\nkind: \"\\u0053ecret\"\ndata: {password: aHVudGVyMg==}\n",
            "apiVersion: v1\nkind: &kind Secret\ndata: {password: aHVudGVyMg==}\n",
            "apiVersion: v1\n? kind\n: Secret\ndata: {password: aHVudGVyMg==}\n",
            "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret,\n data: {a: b}}]\n",
            // Operations, in a file and in a kustomization.
            "- op: replace\n  path: /stringData/password\n  value: hunter2\n",
            "- {op: add, path: /data/password, value: aHVudGVyMg==}\n",
            "[{\"op\": \"add\", \"path\": \"/data/password\", \"value\": \"aHVudGVyMg==\"}]",
            "patches:\n- target: {kind: Secret, name: a}\n  patch: |-\n    - op: add\n      path: /metadata/annotations/a\n      value: hunter2\n",
            "patches:\n- patch: |-\n    - op: add\n      path: /data/password\n      value: aHVudGVyMg==\n",
            "patches:\n- patch: |-\n    {apiVersion: v1, kind: Secret,\n     data: {a: b}}\n",
            // A template is no YAML.
            "{{ if .Values.a }}\n{apiVersion: v1, kind: Secret,\n data: {password: {{ .Values.b }}}}\n{{ end }}\n",
        ] {
            assert!(holds_secret("a.yaml", text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn files_of_generators_and_patches_are_named() {
        let text = "secretGenerator:\n- name: a\n  files: [password.txt, key=../b/./c.txt]\n  envs: [app.properties]\n- {name: b, env: old.properties}\nconfigMapGenerator:\n- files: [shown.txt]\npatches:\n- {path: p.yaml, target: {kind: Secret}}\n- {path: q.yaml, target: {kind: 'Secret|ConfigMap'}}\n- {path: shown.yaml, target: {kind: Deployment}}\npatchesJson6902:\n- {path: r.yaml, target: {version: v1, kind: Secret, name: a}}\n";
        let files: Vec<String> = documents(text.as_bytes())
            .iter()
            .flat_map(files_of_secrets)
            .map(|file| joined("apps/cart", &file))
            .collect();
        assert_eq!(
            files,
            [
                "apps/cart/password.txt",
                "apps/b/c.txt",
                "apps/cart/app.properties",
                "apps/cart/old.properties",
                "apps/cart/p.yaml",
                "apps/cart/q.yaml",
                "apps/cart/r.yaml"
            ]
        );
    }
}
