//! The proof that a cluster can be rebuilt from Git: what Git would not bring back, and what would come back otherwise.

use crate::application::TargetRef;
use crate::orphan::Orphan;
use crate::resource::ResourceKey;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What a new, empty cluster would lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RebuildView {
    pub cluster: String,
    pub at: Micros,
    /// Percent of all objects that Git brings back; 100 only when nothing is missing.
    pub score: u32,
    /// Objects that Git declares for this cluster.
    pub declared: u32,
    /// Objects that come with every new cluster, or that Kubernetes makes itself.
    pub given: u32,
    /// Objects that other objects own: they come back with their owners.
    pub owned: u32,
    /// Objects that nobody declares and nothing owns.
    pub undeclared: Vec<Orphan>,
    /// What declared objects need and Git does not hold.
    pub missing: Vec<Missing>,
    /// Images that are not named by a digest, those that move most at the top.
    pub images: Vec<MovingImage>,
    /// Volumes with data, which no Git brings back.
    pub volumes: u32,
    /// Kinds that could not be listed, with why: there may be more.
    pub unread: Vec<(String, String)>,
    /// Applications whose objects are not known yet: theirs may be among the undeclared.
    pub unsure: Vec<String>,
}

/// Something that declared objects need and Git does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Missing {
    pub key: ResourceKey,
    /// It is in the cluster now: by hand, or by a tool that nobody sees here.
    pub live: bool,
    /// Who needs it; some of them when there are many.
    pub needed_by: Vec<(TargetRef, ResourceKey)>,
    /// How many need it.
    pub count: u32,
}

/// An image that may be another one when it is pulled again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MovingImage {
    pub image: String,
    /// `latest` or no tag; otherwise a tag, which can be pushed again.
    pub always: bool,
    pub used_by: Vec<(TargetRef, ResourceKey)>,
    pub count: u32,
}
