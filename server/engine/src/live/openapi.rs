//! Reads the OpenAPI documents of the group versions that are wanted, each once per hash, into the cluster's schema.
//! Owns the hashes; the schema itself is handed to [`super::Live`].

use super::Live;
use super::request::{RequestError, build, get, send_text};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Large documents of slow servers take their time.
const WITHIN: Duration = Duration::from_secs(30);
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Reads what is missing each time it is woken, until it is dropped.
pub(super) async fn run(live: Arc<Live>, client: kube::Client, woken: Arc<Notify>) {
    let mut read: HashMap<String, String> = HashMap::new();
    loop {
        woken.notified().await;
        while let Err(error) = refresh(&live, &client, &mut read).await {
            tracing::debug!(cluster = live.name(), error = %error, "reading the schemas of a cluster failed");
            tokio::select! {
                () = tokio::time::sleep(AGAIN_AFTER) => {}
                () = woken.notified() => {}
            }
        }
    }
}

async fn refresh(
    live: &Arc<Live>,
    client: &kube::Client,
    read: &mut HashMap<String, String>,
) -> Result<(), RequestError> {
    let wanted = live.store().wants.api_versions();
    if wanted.is_empty() {
        return Ok(());
    }
    let index: Value = get(client, "/openapi/v3", WITHIN).await?;
    let mut failed = None;
    for api_version in wanted {
        let root = if api_version.contains('/') {
            "apis"
        } else {
            "api"
        };
        let place = index
            .get("paths")
            .and_then(|paths| paths.get(format!("{root}/{api_version}")));
        let Some(url) = place
            .and_then(|place| place.get("serverRelativeURL"))
            .and_then(Value::as_str)
        else {
            continue;
        };
        if read.get(&api_version).is_some_and(|known| known == url) {
            continue;
        }
        match document(live, client, url).await {
            Ok(()) => {
                read.insert(api_version, url.to_owned());
            }
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn document(live: &Arc<Live>, client: &kube::Client, url: &str) -> Result<(), RequestError> {
    let text = send_text(
        client,
        build(http::Method::GET, url, &[], Vec::new())?,
        WITHIN,
    )
    .await?;
    let mut schema = (*live.schema()).clone();
    let read = tokio::task::spawn_blocking(move || {
        let document: Value = serde_json::from_str(&text)
            .map_err(|error| RequestError::Malformed(error.to_string()))?;
        schema.add_openapi_v3(&document);
        Ok::<_, RequestError>(schema)
    })
    .await
    .map_err(|error| RequestError::Malformed(error.to_string()))?;
    live.known_mut().schema = Arc::new(read?);
    let touched = live.store().wants.all_targets();
    live.dirty.add(touched);
    Ok(())
}
