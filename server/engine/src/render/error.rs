//! Why there are no manifests. Never quotes file content beyond what a renderer itself says.

use crate::source::SourceError;

/// A failure of the render stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The files could not be read from Git.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file asks for something that rendering never does.
    #[error("{path}: {why}")]
    Refused { path: String, why: String },
    /// A file cannot be read as what it must be.
    #[error("{path}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Invalid {
        path: String,
        line: Option<u32>,
        message: String,
    },
    /// A file names another one that does not exist.
    #[error("{path} names {missing}, which does not exist in the repository")]
    Missing { path: String, missing: String },
    /// There is nothing to render: never taken for an application without objects.
    #[error("{path} gives no manifests: {why}")]
    Nothing { path: String, why: String },
    /// The same object twice.
    #[error("{object} is declared twice: in {first} and in {second}")]
    Duplicate {
        object: String,
        first: String,
        second: String,
    },
    /// Two renders of the same files gave two results.
    #[error("{path} renders differently every time: {fields}")]
    Varies { path: String, fields: String },
    /// Too large to be sane.
    #[error("{subject} is larger than {limit}")]
    TooLarge { subject: String, limit: String },
    /// The renderer refused.
    #[error("{tool} failed for {path}: {message}")]
    Tool {
        tool: &'static str,
        path: String,
        message: String,
    },
    /// The renderer was stopped.
    #[error("{tool} was stopped for {path}: {why}")]
    Stopped {
        tool: &'static str,
        path: String,
        why: String,
    },
    /// The renderer is not installed.
    #[error("{tool} is not available: {why}")]
    NoTool { tool: &'static str, why: String },
    /// Our own disk or process.
    #[error("rendering could not be carried out: {0}")]
    Internal(String),
}

impl RenderError {
    /// The file to blame, where there is one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Refused { path, .. }
            | Self::Invalid { path, .. }
            | Self::Missing { path, .. }
            | Self::Nothing { path, .. }
            | Self::Varies { path, .. }
            | Self::Tool { path, .. }
            | Self::Stopped { path, .. } => Some(path),
            Self::Source(
                SourceError::NoSuchPath { path, .. }
                | SourceError::Submodule { path }
                | SourceError::LfsPointer { path },
            ) => Some(path),
            _ => None,
        }
    }

    /// 1-based.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Invalid { line, .. } => *line,
            _ => None,
        }
    }

    /// What a person can do, as a sentence.
    pub fn next(&self) -> &'static str {
        match self {
            Self::Source(error) => error.next(),
            Self::Refused { .. } => "Put what is needed into the repository itself.",
            Self::Invalid { .. } | Self::Tool { .. } => "Correct the file in Git.",
            Self::Missing { .. } => "Add the file, or remove the line that names it.",
            Self::Nothing { .. } => {
                "Check the path and its filters; to remove the application, remove its definition."
            }
            Self::Duplicate { .. } => "Remove one of the two, or rename it.",
            Self::Varies { .. } => {
                "Set these values in Git instead of having the template make them from time or chance."
            }
            Self::TooLarge { .. } => "Split the application.",
            Self::Stopped { .. } => {
                "Look for endless loops in templates; the limits are in the configuration."
            }
            Self::NoTool { .. } => {
                "Install it beside Lockstep, or name its path in the configuration."
            }
            Self::Internal(_) => "Check free space and permissions of the data folder.",
        }
    }
}
