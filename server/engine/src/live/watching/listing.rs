//! Reading a kind at once: whole lists, missing bodies, and the empty read that makes a server send a bookmark.

use super::Watching;
use crate::live::now;
use crate::live::request::{RequestError, escaped, get, send};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    more: String,
}

/// Objects of a page; fewer where so many take more than an answer may.
const PAGES: [u32; 4] = [500, 50, 5, 1];
/// What a page counts besides its objects.
const PAGE_WEIGHT: u64 = 1024;
const LIST_WITHIN: Duration = Duration::from_secs(60);
const READ_WITHIN: Duration = Duration::from_secs(10);
const NUDGE_WITHIN: Duration = Duration::from_secs(3);
/// More missing bodies than this are read by a new list.
const SINGLE_READS: usize = 30;

impl Watching {
    /// Reads the whole kind; answers with the version to watch from.
    pub(super) async fn list(&self) -> Result<String, RequestError> {
        let Ok(_permit) = self.live.lists.acquire().await else {
            return Err(RequestError::Unreachable(
                "the cluster is being closed".to_owned(),
            ));
        };
        let asked_at = now();
        let mut objects = Vec::new();
        let mut more = String::new();
        let mut restarted = false;
        let mut sizes = PAGES.into_iter();
        let mut size = PAGES[0];
        sizes.next();
        let mut kept: u64 = 0;
        let version = loop {
            let mut path = format!("{}?limit={size}", self.resource.collection(""));
            if !more.is_empty() {
                path.push_str("&continue=");
                path.push_str(&escaped(&more));
            }
            let page: Page = match send(
                &self.client,
                self.request(&path, "PartialObjectMetadataList")?,
                LIST_WITHIN,
            )
            .await
            {
                // The pages' snapshot has expired: begin anew, once.
                Err(error) if error.code() == Some(410) && !more.is_empty() && !restarted => {
                    restarted = true;
                    more.clear();
                    objects.clear();
                    kept = 0;
                    continue;
                }
                Err(RequestError::Refused(refusal)) if refusal.is_long() => match sizes.next() {
                    Some(smaller) => {
                        size = smaller;
                        continue;
                    }
                    None => return Err(RequestError::Refused(refusal)),
                },
                answer => answer?,
            };
            {
                let store = self.live.store();
                for body in page.items.into_iter().flatten() {
                    if let Some(object) = self.object(&store, body) {
                        kept = kept.saturating_add(object.weight());
                        objects.push(object);
                    }
                }
            }
            // Pages may go on for ever, empty ones too.
            kept = kept.saturating_add(PAGE_WEIGHT);
            if kept > self.most {
                return Err(self.too_many());
            }
            if page.metadata.more.is_empty() {
                break page.metadata.resource_version;
            }
            more = page.metadata.more;
        };
        let touched = self
            .live
            .store_mut()
            .replace(&self.kind, self.writer, objects, asked_at);
        self.live.dirty.add(touched);
        self.changed();
        self.fill.notify_one();
        Ok(version)
    }

    /// Servers send no bookmarks for kinds of which they have not heard since they started. A consistent read that
    /// finds nothing makes them hear, at next to no cost, and the bookmark follows through the watch.
    pub(super) async fn nudge(&self) {
        let path = format!(
            "{}?fieldSelector=metadata.name%3D-",
            self.resource.collection("")
        );
        if let Ok(request) = self.request(&path, "PartialObjectMetadataList") {
            let _ = send::<Page>(&self.client, request, NUDGE_WITHIN).await;
        }
    }

    /// Reads bodies of wanted objects that were not wanted when they were listed; `true` asks for a new list instead.
    pub(super) async fn fill(&self) -> bool {
        let missing = self.live.store().missing(&self.kind);
        if missing.len() > SINGLE_READS || self.metadata_only && !missing.is_empty() {
            return true;
        }
        for key in missing {
            let path = self.resource.object(&key.namespace, &key.name);
            match get::<Value>(&self.client, &path, READ_WITHIN).await {
                Ok(body) => {
                    if let Some((_, touched)) = self.upsert(body) {
                        self.live.dirty.add(touched);
                    }
                }
                // Gone meanwhile: the watch says so too.
                Err(error) if error.code() == Some(404) => {}
                Err(_) => return true,
            }
        }
        false
    }
}
