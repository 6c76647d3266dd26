//! The one error of all server functions, and what a page says about it.

use lockstep_types::PortError;
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

/// Why a server function gave no answer. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ApiError {
    /// A port refused.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The request did not reach the server, or its answer did not reach us.
    #[error("the Lockstep server does not answer: {0}")]
    Unreachable(String),
    /// Neither side expected this.
    #[error("something unexpected happened: {0}")]
    Unexpected(String),
}

impl ApiError {
    /// Nobody is logged in (any more).
    pub fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Port(PortError::Unauthenticated))
    }

    /// What a call brought cannot be read: the caller's mistake, and answered as one.
    #[cfg(feature = "ssr")]
    fn unreadable(why: &str) -> Self {
        let why = format!("they cannot be read: {why}");
        let error = Self::Port(PortError::invalid("arguments", why));
        if !crate::context::is_plain_form() {
            crate::context::tell_status(&error);
        }
        error
    }

    /// A heading of a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Port(PortError::NotFound(_)) => "Not found",
            Self::Port(PortError::Unauthenticated) => "You are not logged in",
            Self::Port(PortError::Denied { .. }) => "Not permitted",
            Self::Port(PortError::Conflict(_)) => "The state has changed",
            Self::Port(PortError::Invalid { .. }) => "This cannot be used",
            Self::Port(PortError::Unavailable(_)) => "Not available now",
            Self::Port(PortError::Internal(_)) | Self::Unexpected(_) => "Something went wrong",
            Self::Unreachable(_) => "The server does not answer",
        }
    }

    /// What a person can do about it.
    pub fn next(&self) -> &'static str {
        match self {
            Self::Port(PortError::NotFound(_)) => {
                "It may have left Git, or you may not have permission to see it. Look for it in the fleet."
            }
            Self::Port(PortError::Unauthenticated) => {
                "Log in to go on; you come back to this page."
            }
            Self::Port(PortError::Denied { .. }) => {
                "Ask an administrator for the role, or somebody who has it to do this for you."
            }
            Self::Port(PortError::Conflict(_)) => "Load the page again and look at the new state.",
            Self::Port(PortError::Invalid { .. }) => "Correct the field and try again.",
            Self::Port(PortError::Unavailable(_)) => {
                "Lockstep keeps trying; this page follows by itself as soon as it answers."
            }
            Self::Port(PortError::Internal(_)) | Self::Unexpected(_) => {
                "Load the page again. If it stays, give the id above to whoever runs this server."
            }
            Self::Unreachable(_) => "Check your network. What you see is the last known state.",
        }
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(why) | ServerFnErrorErr::Response(why) => {
                Self::Unreachable(why)
            }
            // In the browser it is an answer that cannot be read.
            #[cfg(feature = "ssr")]
            ServerFnErrorErr::Args(why)
            | ServerFnErrorErr::MissingArg(why)
            | ServerFnErrorErr::Deserialization(why) => Self::unreadable(&why),
            other => Self::Unexpected(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_error_survives_the_wire() {
        let error = ApiError::Port(PortError::NotFound("application web".into()));
        assert_eq!(ApiError::de(error.ser()), error);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn arguments_that_cannot_be_read_are_the_callers_mistake() {
        for error in [
            ServerFnErrorErr::Args("x".into()),
            ServerFnErrorErr::MissingArg("x".into()),
            ServerFnErrorErr::Deserialization("x".into()),
        ] {
            let ApiError::Port(error) = ApiError::from_server_fn_error(error) else {
                panic!("not a port's");
            };
            assert_eq!(error.http_status(), 422);
        }
    }

    #[test]
    fn a_lost_connection_is_told_apart_from_a_fault() {
        let error = ApiError::from_server_fn_error(ServerFnErrorErr::Request("offline".into()));
        assert_eq!(error, ApiError::Unreachable("offline".into()));
        assert_eq!(error.title(), "The server does not answer");
    }
}
