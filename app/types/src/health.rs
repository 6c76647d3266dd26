//! How an object or a target fares, apart from whether it matches Git.

use serde::{Deserialize, Serialize};

/// Ordered from best to worst: the worst of many is their `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum HealthStatus {
    Healthy,
    Suspended,
    Progressing,
    Missing,
    Degraded,
    Unknown,
}

impl HealthStatus {
    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        }
    }

    /// Reads what [`HealthStatus::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Healthy,
            Self::Suspended,
            Self::Progressing,
            Self::Missing,
            Self::Degraded,
            Self::Unknown,
        ]
        .into_iter()
        .find(|status| status.word() == word)
    }
}

/// A health status with the sentence that explains it; empty for plain health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    pub status: HealthStatus,
    pub message: String,
}

impl Health {
    /// Healthy, with nothing to say.
    pub fn healthy() -> Self {
        Self {
            status: HealthStatus::Healthy,
            message: String::new(),
        }
    }

    /// A status with its explanation.
    pub fn new(status: HealthStatus, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

/// The worst of many; Healthy for none. The first of equally bad ones wins, so that the message is stable.
pub fn worst_of<'a>(all: impl IntoIterator<Item = &'a Health>) -> Health {
    let mut worst = Health::healthy();
    for health in all {
        if health.status > worst.status {
            worst = health.clone();
        }
    }
    worst
}
