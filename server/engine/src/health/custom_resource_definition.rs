//! CustomResourceDefinition: are its names accepted, and is it served?

use super::fields::{condition, degraded, healthy, progressing};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if let Some(names) = condition(body, "NamesAccepted").filter(|names| names.is("False")) {
        return degraded(format!(
            "its names are not accepted: {}",
            names.words("they are taken")
        ));
    }
    if let Some(schema) = condition(body, "NonStructuralSchema").filter(|schema| schema.is("True"))
    {
        return degraded(format!(
            "its schema is not structural: {}",
            schema.words("it violates the rules")
        ));
    }
    match condition(body, "Established") {
        Some(established) if established.is("True") => healthy(),
        _ => progressing("not served yet"),
    }
}
