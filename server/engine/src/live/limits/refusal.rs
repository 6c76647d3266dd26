//! An answer that is not taken, in words: which request, what is wrong, what to do.

use std::error::Error;

/// An answer that broke a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer to {request} is not taken: {cause}")]
pub struct Refusal {
    /// Method and path.
    pub request: String,
    pub cause: Cause,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    #[error("it is longer than {} MiB; {}, and how large the objects are", .most >> 20, WHO)]
    Long {
        /// Bytes.
        most: u64,
    },
    #[error("one event is longer than {} MiB; {}", .most >> 20, WHO)]
    Line {
        /// Bytes.
        most: u64,
    },
    #[error(
        "it is a redirect to {to}, and the credentials must not travel there; register the cluster with the address that serves the API itself"
    )]
    Redirect {
        /// Scheme and host.
        to: String,
    },
    #[error("it is of type {found:?}, not JSON; {}", WHO)]
    Type {
        /// As the answer says it; may be empty.
        found: String,
    },
    #[error("the objects take more than {} MiB; {}, and why there are so many", .most >> 20, WHO)]
    Many {
        /// Bytes.
        most: u64,
    },
}

const WHO: &str = "see whether an API server or something before it answers at this address";

impl Refusal {
    /// The refusal among the causes of an error, however wrapped on its way.
    pub(in crate::live) fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            // The source of an I/O error is that of the error within, not the error itself.
            next = match error.downcast_ref::<std::io::Error>() {
                Some(outer) => outer.get_ref().map(|inner| inner as &(dyn Error + 'static)),
                None => error.source(),
            };
        }
        None
    }

    /// A smaller question may get an answer that is short enough.
    pub(in crate::live) fn is_long(&self) -> bool {
        matches!(self.cause, Cause::Long { .. })
    }
}
