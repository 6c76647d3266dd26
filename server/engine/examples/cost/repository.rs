//! Large repositories, written by `git fast-import` in a second.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A bare repository on disk.
#[derive(Debug)]
pub struct Repository {
    pub folder: PathBuf,
    commits: u64,
}

impl Repository {
    pub fn new(folder: PathBuf) -> Result<Self, Box<dyn Error>> {
        git(
            Path::new("/"),
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                &folder.to_string_lossy(),
            ],
        )?;
        Ok(Self { folder, commits: 0 })
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// Commits these files over what there is.
    pub fn commit(&mut self, files: &[(String, String)]) -> Result<(), Box<dyn Error>> {
        self.commits += 1;
        let mut stream = String::new();
        let when = 1_700_000_000 + self.commits * 60;
        write!(
            stream,
            "commit refs/heads/main\ncommitter Bench <bench@example.org> {when} +0000\ndata 4\nstep\n"
        )?;
        if self.commits > 1 {
            stream.push_str("from refs/heads/main^0\n");
        }
        for (path, text) in files {
            write!(
                stream,
                "M 100644 inline {path}\ndata {}\n{text}\n",
                text.len()
            )?;
        }
        let mut child = Command::new("git")
            .args(["fast-import", "--quiet", "--force"])
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .spawn()?;
        child
            .stdin
            .take()
            .ok_or("no pipe")?
            .write_all(stream.as_bytes())?;
        if child.wait()?.success() {
            Ok(())
        } else {
            Err("git fast-import failed".into())
        }
    }
}

/// Runs git without the user's configuration.
pub fn git(folder: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A Deployment of usual size.
pub fn deployment(name: &str, replicas: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  labels:\n    app: {name}\nspec:\n  replicas: {replicas}\n  selector:\n    matchLabels:\n      app: {name}\n  template:\n    metadata:\n      labels:\n        app: {name}\n    spec:\n      containers:\n        - name: web\n          image: registry.example.org/team/{name}:1.0.0\n          ports:\n            - containerPort: 8080\n"
    )
}
