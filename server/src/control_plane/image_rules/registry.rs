//! What registries answer, each asked once in a look, whatever number of rules wants to know.

use super::super::{Plane, refuse};
use engine::render::is_tag;
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
