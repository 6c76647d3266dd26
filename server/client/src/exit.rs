//! Exit codes as users of Argo CD's command line know them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; for `diff`: no difference.
    Done,
    /// It did not come out as asked; for `diff`: there is a difference.
    Failed,
    /// `diff` could not compare; `wait` could not ask.
    Broken,
    /// `wait`, `app wait` or `app sync --wait` ran out of time.
    TimedOut,
}

impl Exit {
    /// 0 to 3.
    pub fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Broken => 2,
            Self::TimedOut => 3,
        })
    }
}
