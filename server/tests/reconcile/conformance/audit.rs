//! The API server's audit log, read once as it grows: who wrote what, in the order of the answers.

use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Mutex;

/// Writes by the server under test, by namespace: `configmaps/a`, `-configmaps/a` for a delete.
pub struct Audit {
    path: PathBuf,
    read: Mutex<(u64, HashMap<String, Vec<String>>)>,
}

impl Audit {
    /// From the present end of the log on.
    pub fn from_now(path: PathBuf) -> Self {
        let length = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Self {
            path,
            read: Mutex::new((length, HashMap::new())),
        }
    }

    /// All writes to a namespace until now.
    pub fn writes(&self, namespace: &str) -> Vec<String> {
        let mut read = self.read.lock().expect("the audit log");
        let mut file = File::open(&self.path).expect("the audit log");
        file.seek(SeekFrom::Start(read.0)).expect("its place");
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = lines.read_until(b'\n', &mut line).expect("a line");
            if !line.ends_with(b"\n") {
                // Half a line is read whole the next time.
                break;
            }
            read.0 += length as u64;
            // Reading is most of the log.
            let text = String::from_utf8_lossy(&line);
            if text.contains("\"verb\":\"get\"")
                || text.contains("\"verb\":\"list\"")
                || text.contains("\"verb\":\"watch\"")
            {
                continue;
            }
            let entry: Value = serde_json::from_str(&text).expect("JSON");
            if let Some((namespace, write)) = write(&entry) {
                read.1.entry(namespace).or_default().push(write);
            }
        }
        read.1.get(namespace).cloned().unwrap_or_default()
    }
}

/// The write that an entry tells of, if it was one of ours that changed something.
fn write(entry: &Value) -> Option<(String, String)> {
    let text = |pointer: &str| {
        entry
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let code = entry
        .pointer("/responseStatus/code")
        .and_then(Value::as_u64);
    if text("/stage") != "ResponseComplete"
        || text("/user/username") != "admin"
        || text("/userAgent").starts_with("kubectl")
        || text("/requestURI").contains("dryRun=All")
        || text("/objectRef/resource") == "events"
        || code.is_none_or(|code| code >= 400)
    {
        return None;
    }
    let sign = match text("/verb") {
        "create" | "update" | "patch" => "",
        "delete" | "deletecollection" => "-",
        _ => return None,
    };
    let (resource, name) = (text("/objectRef/resource"), text("/objectRef/name"));
    let subresource = match text("/objectRef/subresource") {
        "" => String::new(),
        word => format!("/{word}"),
    };
    let namespace = match resource {
        "namespaces" => name,
        _ => text("/objectRef/namespace"),
    };
    Some((
        namespace.to_owned(),
        format!("{sign}{resource}/{name}{subresource}"),
    ))
}
