//! Whole objects as text for people. Masked, like everything that leaves [`crate::diff`].

use super::{clean, mask};
use crate::manifest::Manifest;
use crate::masking::{Masking, MaskingRules};
use crate::yaml;
use serde_json::Value;

/// A live object with its status, without managed fields and copies of itself. `declared` is what Git says of it.
pub fn live_yaml(object: &Value, declared: Option<&Value>, rules: &MaskingRules) -> String {
    let mut object = mask::masked_beside(object, declared, rules);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        metadata.remove("selfLink");
    }
    yaml::text(&object)
}

/// A manifest as it was rendered, without our own mark.
pub fn manifest_yaml(manifest: &Manifest, rules: &MaskingRules) -> String {
    yaml::text(&mask::masked(
        &clean::desired(&manifest.body, true),
        rules,
        Masking::DeclaredText,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::NONE;
    use serde_json::json;

    #[test]
    fn shows_status_and_hides_values() {
        let live = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "managedFields": [{"manager": "x"}]},
            "data": {"password": "aHVudGVyMg=="}, "status": {"seen": true}
        });
        let text = live_yaml(&live, None, &NONE);
        assert!(
            text.contains("seen: true") && text.contains("password:"),
            "{text}"
        );
        assert!(
            !text.contains("aHVudGVyMg") && !text.contains("managedFields"),
            "{text}"
        );
        let noted = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {"note": "it was hunter2"}},
            "data": {"password": "Y2hhbmdlZA=="}
        });
        assert!(!live_yaml(&noted, Some(&live), &NONE).contains("hunter2"));
        let plain = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hunter2"}});
        let text = manifest_yaml(&Manifest::new(plain, None).unwrap(), &NONE);
        assert!(
            text.contains("password:") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
