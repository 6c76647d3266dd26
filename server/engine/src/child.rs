//! Child processes that always end: own process group, a deadline, capped output. Knows not what they do.

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// What a child may use up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub deadline: Duration,
    pub stdout: usize,
    pub stderr: usize,
    /// Size of the largest file it may write.
    pub file: u64,
}

/// A child that came to its end by itself.
#[derive(Debug)]
pub(crate) struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    /// Cut at the limit.
    pub stderr: Vec<u8>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChildError {
    #[error("it could not be started: {0}")]
    Start(io::Error),
    #[error("it did not finish in time")]
    Deadline,
    #[error("it wrote more than {0} bytes")]
    TooMuchOutput(usize),
    #[error("its output could not be read: {0}")]
    Output(io::Error),
}

/// Kills the whole group unless told otherwise: also when the future is dropped half-way.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // ESRCH: nobody left, which is what we want.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs the command to its end, feeding `input`.
pub(crate) async fn run(
    mut command: Command,
    input: Vec<u8>,
    limits: Limits,
) -> Result<Finished, ChildError> {
    command
        .process_group(0)
        .kill_on_drop(true)
        .stdin(if input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(ChildError::Start)?;
    let mut group = Group(
        child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw),
    );
    if let Some(leader) = group.0 {
        let limit = Rlimit {
            current: Some(limits.file),
            maximum: Some(limits.file),
        };
        // A child that is gone already writes nothing.
        let _ = prlimit(Some(leader), Resource::Fsize, limit);
    }
    let finished = tokio::time::timeout(limits.deadline, finish(&mut child, input, limits))
        .await
        .unwrap_or(Err(ChildError::Deadline));
    if finished.is_ok() {
        group.0 = None;
    }
    finished
}

async fn finish(child: &mut Child, input: Vec<u8>, limits: Limits) -> Result<Finished, ChildError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A child that stops reading early tells more by its exit status.
            let _ = stdin.write_all(&input).await;
        }
        Ok(())
    };
    let (stdout, stderr, ()) = tokio::try_join!(
        read(stdout, limits.stdout, false),
        read(stderr, limits.stderr, true),
        feed
    )?;
    let status = child.wait().await.map_err(ChildError::Output)?;
    Ok(Finished {
        status,
        stdout,
        stderr,
    })
}

/// Reads to the end. What is beyond the limit is an error, or is swallowed when `cut`.
async fn read(
    from: Option<impl AsyncRead + Unpin>,
    limit: usize,
    cut: bool,
) -> Result<Vec<u8>, ChildError> {
    let mut bytes = Vec::new();
    let Some(mut from) = from else {
        return Ok(bytes);
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer).await.map_err(ChildError::Output)?;
        if count == 0 {
            return Ok(bytes);
        }
        let room = limit.saturating_sub(bytes.len());
        if count > room && !cut {
            return Err(ChildError::TooMuchOutput(limit));
        }
        bytes.extend_from_slice(&buffer[..count.min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        deadline: Duration::from_secs(20),
        stdout: 1000,
        stderr: 10,
        file: 1024 * 1024,
    };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn gives_status_and_both_outputs() {
        let finished = run(
            shell("cat; echo 0123456789abcdef >&2; exit 3"),
            b"in".to_vec(),
            LIMITS,
        )
        .await
        .unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(
            (finished.stdout.as_slice(), finished.stderr.as_slice()),
            (&b"in"[..], &b"0123456789"[..])
        );
    }

    #[tokio::test]
    async fn too_much_output_is_an_error_at_once() {
        let endless = run(
            shell("while :; do echo yyyyyyyyyyyyyyyy; done"),
            Vec::new(),
            LIMITS,
        )
        .await;
        assert!(
            matches!(endless, Err(ChildError::TooMuchOutput(1000))),
            "{endless:?}"
        );
    }

    #[tokio::test]
    async fn the_deadline_kills_grandchildren_too() {
        let marker = tempfile::tempdir().unwrap();
        let file = marker.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let limits = Limits {
            deadline: Duration::from_millis(800),
            ..LIMITS
        };
        let slow = run(shell(&script), Vec::new(), limits).await;
        assert!(matches!(slow, Err(ChildError::Deadline)), "{slow:?}");
        let grandchild = std::fs::read_to_string(&file).unwrap();
        let status = format!("/proc/{}/stat", grandchild.trim());
        let gone = || std::fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "));
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(std::time::Instant::now() < end, "the grandchild lives on");
            tokio::task::yield_now().await;
        }
    }
}
