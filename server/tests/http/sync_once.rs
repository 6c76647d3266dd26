//! What one sync may be asked to do differently, as the API and the command line spell it.

use crate::harness::Server;
use http::StatusCode;
use lockstep_types::sync_once::SyncOnce;
use serde_json::json;

#[tokio::test]
async fn the_body_of_a_sync_is_read_whole_or_refused() {
    let server = Server::start().await;
    let token = server.token("ada").await;
    let nil = uuid::Uuid::nil();
    let path = format!("/apps/{nil}/targets/{nil}/sync");
    for (body, expected) in [
        (json!({}), Ok("")),
        (json!({"prune": true}), Ok("")),
        (
            json!({"resources": ["apps/Deployment:shop/cart"], "labels": ["tier=web"]}),
            Ok("1 selected object, objects with tier=web"),
        ),
        (
            json!({"dry_run": true, "force": true, "replace": true}),
            Ok("dry run, force, replace"),
        ),
        (json!({"resources": ["cart"]}), Err("resources")),
        (json!({"labels": ["tier"]}), Err("labels")),
        // The answer names no word of the body that nobody knows.
        (json!({"dryRun": true}), Err("\"field\":\"body\"")),
        (json!({"revision": "f00"}), Err("\"field\":\"body\"")),
    ] {
        let before = server.fake.acts();
        let answer = server.api("POST", &path, &token, Some(body.clone())).await;
        match expected {
            Ok(words) => {
                assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.text);
                let asked = server.fake.synced().expect("a sync was asked for");
                assert_eq!(asked.once.words(), words, "{body}");
                assert_eq!(asked.once == SyncOnce::default(), words.is_empty());
            }
            Err(named) => {
                assert!(answer.status.is_client_error(), "{body}");
                assert!(answer.text.contains(named), "{body}: {}", answer.text);
                assert_eq!(server.fake.acts(), before, "{body}");
            }
        }
    }
}
