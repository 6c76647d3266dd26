//! One newtype per entity, so that the id of one cannot pass for the id of another.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// A registered root source.
    SourceId,
    /// A definition read from Git: version 5 UUID of its key at first sight, immutable.
    ApplicationId,
    /// One application on one cluster: the unit of reconciling, locking and status.
    TargetId,
    /// A registered cluster.
    ClusterId,
    /// An intent written by a person, a token or automation.
    OperationId,
    /// One attempt to carry out an operation on one target.
    RunId,
    /// A row of the drift ledger.
    DriftId,
    /// A plan that waits for a person.
    ApprovalId,
    /// A rollback that waits for a second person.
    AskId,
    /// A pause of writes.
    HoldId,
    /// A target that stays at a revision for a while.
    PinId,
    /// A browser session; does not open it.
    SessionId,
    /// A person with a login.
    UserId,
    /// An API token.
    TokenId,
    /// Something that somebody should know of, from its opening to its end.
    IncidentId,
    /// Where messages go.
    ReceiverId,
    /// Which alerts go to a receiver, and when.
    RouteId,
    /// A Git host that is told how commits fare.
    StatusHostId,
    /// One message on its way out.
    MessageId,
}
