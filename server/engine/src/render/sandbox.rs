//! The cage of the renderers. The server starts itself again as a hidden subcommand ([`child_main`]), which
//! locks itself in (landlock for files and TCP, resource limits) and then becomes the renderer: nothing has to
//! be done between fork and exec in a threaded server.
//!
//! What is inside sees: the staged files, read and write in its own folder only, the program itself and its
//! libraries. No environment, no home, no credentials, no network.

use super::RenderError;
use super::stage::Folder;
use super::tools::Tool;
use crate::child::{self, ChildError, Limits};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use lockstep_types::about::Cage;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::UnshareFlags;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// The hidden subcommand. `main` must hand over to [`child_main`] when it is the first argument.
pub const SUBCOMMAND: &str = "render-child";

/// Exit status of a cage that could not be closed; no renderer uses it.
const NO_CAGE: u8 = 97;

/// Renderers write next to nothing.
pub(crate) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// How the cage is started and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSettings {
    /// A program that calls [`child_main`] for [`SUBCOMMAND`]: the server's own.
    pub executable: PathBuf,
    /// Wall clock of one render.
    pub deadline: Duration,
    /// Processor time of one render.
    pub cpu: Duration,
    pub memory_bytes: u64,
    pub output_bytes: usize,
    /// Whether to render on a kernel that cannot close the cage. Off unless the operator says so.
    pub allow_uncaged: bool,
}

impl SandboxSettings {
    /// The usual limits.
    pub fn new(executable: PathBuf) -> Self {
        Self {
            executable,
            deadline: Duration::from_secs(30),
            cpu: Duration::from_secs(10),
            memory_bytes: 512 * 1024 * 1024,
            output_bytes: 64 * 1024 * 1024,
            allow_uncaged: false,
        }
    }

    /// What becomes of renderers on this system. Closes nothing.
    pub fn cage(&self) -> Cage {
        Cage::of(
            ruleset(CompatLevel::HardRequirement).is_ok(),
            self.allow_uncaged,
        )
    }
}

/// Runs a renderer in the folder and gives what it printed.
pub(super) async fn run(
    settings: &SandboxSettings,
    tool: Tool,
    program: &Path,
    folder: &Folder,
    arguments: Vec<String>,
    subject: &str,
) -> Result<String, RenderError> {
    let mut command = tokio::process::Command::new(&settings.executable);
    command
        .env_clear()
        .arg(SUBCOMMAND)
        .arg(folder.path())
        .arg(settings.memory_bytes.to_string())
        .arg(settings.cpu.as_secs().max(1).to_string())
        .arg(if settings.allow_uncaged {
            "uncaged"
        } else {
            "caged"
        })
        .arg(program)
        .args(arguments)
        .current_dir(folder.path());
    let limits = Limits {
        deadline: settings.deadline,
        stdout: settings.output_bytes,
        stderr: 64 * 1024,
        file: MAX_FILE_BYTES,
    };
    let stopped = |why: String| RenderError::Stopped {
        tool: tool.word(),
        path: subject.to_owned(),
        why,
    };
    let finished = child::run(command, Vec::new(), limits)
        .await
        .map_err(|error| match error {
            ChildError::Deadline => stopped(format!(
                "it did not finish within {} s",
                settings.deadline.as_secs()
            )),
            ChildError::TooMuchOutput(limit) => {
                stopped(format!("it wrote more than {} MiB", limit >> 20))
            }
            error => RenderError::Internal(error.to_string()),
        })?;
    let errors = folder.without_own_path(&String::from_utf8_lossy(&finished.stderr));
    if finished.status.code() == Some(i32::from(NO_CAGE)) {
        return Err(RenderError::NoTool {
            tool: tool.word(),
            why: errors.trim().to_owned(),
        });
    }
    if !finished.status.success() {
        if finished.status.code().is_none()
            || errors.contains("out of memory")
            || errors.contains("cannot allocate memory")
        {
            return Err(stopped(format!(
                "it used more than {} s of processor time or {} MiB of memory",
                settings.cpu.as_secs(),
                settings.memory_bytes >> 20
            )));
        }
        return Err(RenderError::Tool {
            tool: tool.word(),
            path: subject.to_owned(),
            message: readable(&errors),
        });
    }
    String::from_utf8(finished.stdout).map_err(|_| RenderError::Invalid {
        path: subject.to_owned(),
        line: None,
        message: "the rendered text is not UTF-8".to_owned(),
    })
}

/// What the tool said, without control characters and not endless. Usage hints are of no use here.
fn readable(errors: &str) -> String {
    let text: String = errors
        .lines()
        .filter(|line| {
            !line.trim().is_empty()
                && !line.starts_with("Use --debug")
                && !line.starts_with("# Warning")
        })
        .map(|line| line.strip_prefix("Error: ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    match text.char_indices().nth(2000) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The hidden subcommand: `FOLDER MEMORY CPU caged|uncaged PROGRAM ARGUMENT…` (what follows [`SUBCOMMAND`]).
/// Only returns when something failed.
pub fn child_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let message = match enter(arguments.into_iter().collect()) {
        Ok(never) => match never {},
        Err(message) => message,
    };
    // The parent reads it from there.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
    ExitCode::from(NO_CAGE)
}

enum Never {}

fn enter(arguments: Vec<OsString>) -> Result<Never, String> {
    let [folder, memory, cpu, caged, program, rest @ ..] = arguments.as_slice() else {
        return Err("the sandbox was called with too few arguments".to_owned());
    };
    let folder = Path::new(folder);
    let number = |text: &OsString| text.to_str().and_then(|text| text.parse::<u64>().ok());
    let (Some(memory), Some(cpu)) = (number(memory), number(cpu)) else {
        return Err("the sandbox was called without limits".to_owned());
    };
    limit(memory, cpu).map_err(|error| format!("the sandbox's limits cannot be set: {error}"))?;
    leave_the_network();
    lock(Some((folder, Path::new(program))), caged == "caged")
        .map_err(|error| format!("the sandbox cannot be closed: {error}"))?;
    let error = Command::new(program)
        .args(rest)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.join("home"))
        .env("TMPDIR", folder.join("home"))
        .env("HELM_CACHE_HOME", folder.join("home/cache"))
        .env("HELM_CONFIG_HOME", folder.join("home/config"))
        .env("HELM_DATA_HOME", folder.join("home/data"))
        .env("HELM_PLUGINS", folder.join("home/plugins"))
        .env("KUBECONFIG", "/dev/null")
        // Fixed, so that two renders are equal.
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        // Go's own limit: reserving address space is not using it. It collects before the hard limit strikes.
        .env("GOMEMLIMIT", format!("{}", memory / 4 * 3))
        .env("GOMAXPROCS", "2")
        .exec();
    Err(format!("the renderer cannot be started: {error}"))
}

/// Locks the calling process in for good, before it has a second thread: no files, no network, so much memory and
/// processor time.
pub(crate) fn close(memory: u64, cpu: u64, required: bool) -> Result<(), String> {
    limit(memory, cpu).map_err(|error| format!("the sandbox's limits cannot be set: {error}"))?;
    leave_the_network();
    lock(None, required).map_err(|error| format!("the sandbox cannot be closed: {error}"))
}

fn limit(memory: u64, cpu: u64) -> std::io::Result<()> {
    let hard = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(Resource::Core, hard(0))?;
    setrlimit(Resource::Cpu, hard(cpu))?;
    setrlimit(Resource::Data, hard(memory))?;
    setrlimit(Resource::Fsize, hard(MAX_FILE_BYTES))?;
    setrlimit(Resource::Nofile, hard(1024))?;
    Ok(())
}

/// Into a network of its own without any interface that is up: what landlock does not filter, UDP, leads nowhere. Where
/// the system allows no namespaces, landlock still forbids TCP.
#[expect(
    deprecated,
    reason = "the successor is unsafe for shared file tables; this process has one thread and shares nothing"
)]
fn leave_the_network() {
    // With the right to do so at once, else through a user namespace, which ordinary users may make on most systems.
    if rustix::thread::unshare(UnshareFlags::NEWNET).is_err() {
        let _ = rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET);
    }
}

/// The first that can forbid TCP; what newer kernels add is used where it is there.
const LEAST: ABI = ABI::V4;
const BEST: ABI = ABI::V6;

/// The rules before anything is permitted. Nothing is closed by making them.
fn ruleset(level: CompatLevel) -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(level)
        .handle_access(AccessFs::from_all(LEAST))?
        .handle_access(AccessNet::from_all(LEAST))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(BEST))?
        .scope(Scope::from_all(BEST))?
        .create()
}

/// From here on this process and what it becomes sees only its folder, its program and the system's libraries; without
/// a folder, nothing at all.
fn lock(own: Option<(&Path, &Path)>, required: bool) -> Result<(), Box<dyn std::error::Error>> {
    let level = if required {
        CompatLevel::HardRequirement
    } else {
        CompatLevel::BestEffort
    };
    let best = BEST;
    let read = AccessFs::from_read(best);
    let libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].map(Path::new);
    let devices = ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"].map(Path::new);
    let facts = [
        "/proc/self",
        "/sys/kernel/mm/transparent_hugepage",
        "/etc/ld.so.cache",
    ]
    .map(Path::new);
    let there = |paths: &[&'static Path]| {
        paths
            .iter()
            .copied()
            .filter(|path| path.exists())
            .collect::<Vec<_>>()
    };
    let rules = ruleset(level)?;
    let Some((folder, program)) = own else {
        rules.restrict_self()?;
        return Ok(());
    };
    rules
        .add_rules(path_beneath_rules(
            [folder],
            AccessFs::from_all(best) & !AccessFs::Execute,
        ))?
        .add_rules(path_beneath_rules([program], read))?
        .add_rules(path_beneath_rules(there(&libraries), read))?
        .add_rules(path_beneath_rules(
            there(&devices),
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?
        .add_rules(path_beneath_rules(
            there(&facts),
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))?
        .restrict_self()?;
    Ok(())
}
