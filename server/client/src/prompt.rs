//! Asks a person at the terminal.

use crate::api::ClientError;
use std::io::{BufRead, IsTerminal, Write};

/// A line, shown while it is typed.
pub(crate) fn line(question: &str) -> Result<String, ClientError> {
    ask(question, false)
}

/// A line that is not shown. From a pipe it is simply read.
///
/// # Errors
/// The terminal cannot be read.
pub fn hidden(question: &str) -> Result<String, ClientError> {
    ask(question, true)
}

fn ask(question: &str, hide: bool) -> Result<String, ClientError> {
    let stdin = std::io::stdin();
    let terminal = stdin.is_terminal();
    let read = || -> std::io::Result<String> {
        if terminal {
            let mut stderr = std::io::stderr().lock();
            write!(stderr, "{question}: ")?;
            stderr.flush()?;
        }
        let mut text = String::new();
        if hide && terminal {
            let _quiet = Quiet::begin()?;
            stdin.lock().read_line(&mut text)?;
            writeln!(std::io::stderr().lock())?;
        } else {
            stdin.lock().read_line(&mut text)?;
        }
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    };
    read().map_err(ClientError::local("read from the terminal"))
}

/// The terminal without echo, until this is dropped.
#[cfg(unix)]
struct Quiet(rustix::termios::Termios);

#[cfg(unix)]
impl Quiet {
    fn begin() -> std::io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // Nothing can be done when the terminal has gone away.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(not(unix))]
struct Quiet;

#[cfg(not(unix))]
impl Quiet {
    fn begin() -> std::io::Result<Self> {
        Ok(Self)
    }
}
