//! Git repositories made by script, read through `file://`.

use lockstep_types::revision::Revision;
use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A repository with a work tree in a temporary folder. Time goes by a minute with every commit.
#[derive(Debug)]
pub struct Repository {
    dir: TempDir,
    commits: Cell<u64>,
}

impl Default for Repository {
    fn default() -> Self {
        Self::new()
    }
}

impl Repository {
    /// An empty repository on branch `main`.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let repository = Self {
            dir,
            commits: Cell::new(0),
        };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        // Pushes to the checked-out branch are what restore tests look at.
        repository.git(&["config", "receive.denyCurrentBranch", "ignore"]);
        repository
    }

    /// A repository with these files in one commit.
    pub fn with(files: &[(&str, &str)]) -> (Self, Revision) {
        let repository = Self::new();
        for (path, text) in files {
            repository.write(path, text);
        }
        let revision = repository.commit("start");
        (repository, revision)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("file://{}", self.dir.path().display())
    }

    /// Its work tree.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, with the folders on the way.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    /// Makes a symbolic link.
    pub fn link(&self, path: &str, target: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::os::unix::fs::symlink(target, path).expect("a link");
    }

    /// Removes a file or folder.
    pub fn remove(&self, path: &str) {
        let path = self.dir.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .expect("it was there");
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) -> Revision {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.head()
    }

    /// What is checked out.
    pub fn head(&self) -> Revision {
        Revision(self.git(&["rev-parse", "HEAD"]))
    }

    /// Runs `git` there and gives what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        let minute = self.commits.get()
            + u64::from(
                arguments.first() == Some(&"commit") || arguments.first() == Some(&"merge"),
            );
        self.commits.set(minute);
        let date = format!("@{} +0000", 1_700_000_000 + minute * 60);
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Maria Keller")
            .env("GIT_AUTHOR_EMAIL", "maria@example.org")
            .env("GIT_COMMITTER_NAME", "Maria Keller")
            .env("GIT_COMMITTER_EMAIL", "maria@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .expect("git is installed");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }
}
