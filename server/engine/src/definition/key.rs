//! The identity of a definition. Immutable: links, history and ownership hang on it.

use lockstep_types::application::Dialect;
use lockstep_types::id::{ApplicationId, SourceId};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Names a definition within its root source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DefinitionKey {
    pub dialect: Dialect,
    pub namespace: String,
    pub name: String,
    /// The home cluster of a Flux definition, the parent of a child application, else empty: sixty
    /// `flux-system/apps` of one repository stay apart.
    pub scope: String,
}

impl DefinitionKey {
    /// The id of the application: the same key of the same source gives the same id on every installation
    /// start, so links survive a lost database.
    pub fn application_id(&self, source: SourceId) -> ApplicationId {
        ApplicationId(Uuid::new_v5(&source.0, self.to_string().as_bytes()))
    }
}

fn dialect_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::ArgoApplication => "ArgoApplication",
        Dialect::FluxKustomization => "FluxKustomization",
        Dialect::FluxHelmRelease => "FluxHelmRelease",
        Dialect::FleetBundle => "FleetBundle",
    }
}

/// `Dialect/namespace/name` and, where there is one, `/scope`.
impl fmt::Display for DefinitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            dialect_word(self.dialect),
            self.namespace,
            self.name
        )?;
        if !self.scope.is_empty() {
            write!(f, "/{}", self.scope)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scope: &str) -> DefinitionKey {
        DefinitionKey {
            dialect: Dialect::FluxKustomization,
            namespace: "flux-system".to_owned(),
            name: "apps".to_owned(),
            scope: scope.to_owned(),
        }
    }

    #[test]
    fn text_form_names_every_part() {
        assert_eq!(key("").to_string(), "FluxKustomization/flux-system/apps");
        assert_eq!(
            key("prod").to_string(),
            "FluxKustomization/flux-system/apps/prod"
        );
    }

    #[test]
    fn ids_follow_source_and_key_and_never_change() {
        let source = SourceId(Uuid::from_u128(1));
        let id = key("prod").application_id(source);
        assert_eq!(id.to_string(), "123b0bc8-befb-54b7-a5af-02ed50440ab5");
        assert_ne!(id, key("staging").application_id(source));
        assert_ne!(id, key("prod").application_id(SourceId(Uuid::from_u128(2))));
    }
}
