//! Exit codes as users of Argo CD's command line know them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; for `diff`: no difference.
    Done,
    /// It did not come out as asked; for `diff`: there is a difference.
    Failed,
    /// `diff` could not compare.
    Broken,
}

impl Exit {
    /// 0, 1 or 2.
    pub fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Broken => 2,
        })
    }
}
