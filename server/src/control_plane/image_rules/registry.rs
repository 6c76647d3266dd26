//! What registries answer, each asked once in a look, whatever number of rules wants to know.

use super::super::{Plane, refuse};
use engine::source::{SourceError, registry_address};
use lockstep_types::PortError;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};

type Tags = Result<Arc<Vec<String>>, PortError>;

/// Tags by address.
#[derive(Default)]
pub(super) struct Answers(Mutex<BTreeMap<String, Arc<OnceCell<Tags>>>>);

impl Answers {
    /// All tags of an image.
    pub(super) async fn tags(&self, plane: &Plane, image: &str, plain_http: bool) -> Tags {
        let address = registry_address(image, plain_http);
        let cell = Arc::clone(self.0.lock().await.entry(address.clone()).or_default());
        cell.get_or_init(|| plane.registry_tags(&address))
            .await
            .clone()
    }
}

impl Plane {
    /// Asks a registry with the credentials that are registered for its address, within the time for repositories.
    async fn registry_tags(&self, address: &str) -> Tags {
        let credential = self.credential(address).await?;
        let _permit = self
            .runtime
            .limits()
            .fetches
            .acquire()
            .await
            .map_err(|_| PortError::Unavailable("the server is stopping".to_owned()))?;
        let within = self.runtime.settings().fetch_within;
        let asked = self.runtime.mirrors().image_tags(address, &credential);
        let too_slow = |_| SourceError::Deadline {
            url: address.to_owned(),
            seconds: within.as_secs(),
        };
        let answered = match tokio::time::timeout(within, asked).await.map_err(too_slow) {
            Ok(answered) => answered,
            Err(error) => Err(error),
        };
        let mut tags = answered.map_err(refuse::source)?;
        // What a registry calls a tag is written into files and messages: nothing but a tag may come through.
        tags.retain(|tag| is_tag(tag));
        Ok(Arc::new(tags))
    }
}

/// Whether a text is a tag as registries define it: a letter, digit or `_`, then these, `.` and `-`, 128 at most.
/// (OCI Distribution Specification: pulling manifests.)
fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::is_tag;

    #[test]
    fn what_is_no_tag_goes_into_no_file() {
        for good in ["1.2.3", "_a", "latest", "1.0-b_2"] {
            assert!(is_tag(good), "{good}");
        }
        let long = "a".repeat(129);
        for bad in [
            "",
            ".a",
            "-a",
            "a b",
            "a\"\n  hostPath: /",
            "a\n",
            "é",
            long.as_str(),
        ] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
