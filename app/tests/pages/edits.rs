//! Editing definitions: every state of the page, with plain forms.

use super::*;

const SOURCE: &str = "00000000-0000-0000-0000-000000000001";

fn form(kind: &str, text: &str, step: &str, digest: &str, reason: &str) -> String {
    let text = text
        .replace('%', "%25")
        .replace('\n', "%0D%0A")
        .replace(' ', "+")
        .replace(':', "%3A");
    format!(
        "source={SOURCE}&kind={kind}&path=apps%2Fcheckout.yaml&text={text}&base=3fa91c2&back=%2Fapps%2Fx%2Fcheckout&step={step}&digest={digest}&reason={reason}"
    )
}

const CHANGED: &str = "kind: Application\nmetadata:\n  name: checkout\n";

#[test]
fn a_definition_is_edited_with_a_preview_before_the_commit() {
    on_server(async {
        let app = checkout().await;
        let tab = get(&format!("{app}?tab=definition")).await;
        assert!(tab.html.contains(&format!("{app}/edit")), "{}", tab.text);
        let address = format!("{app}/edit");
        let page = get(&address).await;
        for words in [
            "Edit checkout",
            "branch main",
            "namespace: shop",
            "Preview removing the file",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        assert!(page.html.contains("value=\"apps/checkout.yaml\""));
        let area = page.html.split("</textarea>").next().unwrap_or_default();
        assert!(
            area.ends_with("    namespace: shop\n") && !area.contains("<!>apiVersion"),
            "the text stands alone in its field"
        );

        let looked = post(
            Role::Operator,
            &address,
            &address,
            &form("replace", CHANGED, "preview", "", ""),
        )
        .await;
        assert_eq!(looked.status, StatusCode::OK);
        for words in [
            "This commit changes checkout.",
            "namespace: store",
            "checkout on prod-eu",
            "syncs by itself",
            "checkout no longer goes to prod-us",
            "name: checkout",
        ] {
            assert!(looked.text.contains(words), "{words}: {}", looked.text);
        }
        assert!(
            looked
                .html
                .contains(&format!("value=\"{}\"", "e1".repeat(32))),
            "the commit is bound to the preview"
        );

        let digest = "e1".repeat(32);
        let commit = |reason: &'static str| form("replace", CHANGED, "commit", &digest, reason);
        let done = post(Role::Operator, &address, &address, &commit("why")).await;
        assert_eq!(
            (done.status, done.location.as_str()),
            (StatusCode::SEE_OTHER, "/apps/x/checkout")
        );
        for (reason, says) in [
            ("protected", "nothing was changed: branch main is protected"),
            ("moved", "the branch moved to deadbee since this preview"),
        ] {
            let refused = post(Role::Operator, &address, &address, &commit(reason)).await;
            assert!(refused.text.contains(says), "{reason}: {}", refused.text);
            // Nothing that was typed is lost.
            assert!(
                refused
                    .text
                    .contains("kind: Application metadata: name: checkout")
            );
            assert!(refused.html.contains(&format!("value=\"{reason}\"")));
        }
        let stale = form("replace", CHANGED, "commit", "other", "why");
        let stale = post(Role::Operator, &address, &address, &stale).await;
        assert!(stale.text.contains("it has changed since it was shown"));
    });
}

#[test]
fn problems_stand_at_their_line_and_block_the_commit() {
    on_server(async {
        let address = format!("{}/edit", checkout().await);
        let text = "kind: Application\nmetadata:\n  name: broken\n";
        let page = post(
            Role::Operator,
            &address,
            &address,
            &form("replace", text, "preview", "", ""),
        )
        .await;
        for words in [
            "apps/checkout.yaml:3",
            "spec.source is missing",
            "Add it to the definition.",
            "mend it first",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        let commit = page.html.find("value=\"commit\"").expect("the button");
        let button = &page.html[commit..commit + 400];
        assert!(button.contains("disabled"), "{button}");
    });
}

#[test]
fn a_viewer_reads_and_is_told_what_is_missing() {
    on_server(async {
        let address = format!("{}/edit", checkout().await);
        let page = get_as(Some(Role::Viewer), &address).await;
        assert!(page.text.contains("namespace: shop"));
        assert!(
            page.text.contains("Needs the permission “edit”"),
            "{}",
            page.text
        );
        let refused = post(
            Role::Viewer,
            &address,
            &address,
            &form("replace", CHANGED, "preview", "", ""),
        )
        .await;
        assert!(refused.text.contains("Not permitted"), "{}", refused.text);
    });
}

#[test]
fn a_new_application_begins_with_a_form() {
    on_server(async {
        let address = format!("/sources/{SOURCE}/new");
        let page = get(&address).await;
        for words in [
            "Add application",
            "Write the manifest",
            "prod-eu",
            "Heal drift",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        let filled = get(&format!("{address}?name=cart&cluster=prod-eu&automated=1")).await;
        assert!(
            filled
                .text
                .contains("kind: Application metadata: name: cart"),
            "{}",
            filled.text
        );
        assert!(filled.html.contains("value=\"apps/cart.yaml\""));
        let unfit = get(&format!("{address}?name=a+b")).await;
        assert!(
            unfit.text.contains("name: use small letters"),
            "{}",
            unfit.text
        );
        let done = post(
            Role::Operator,
            &address,
            &address,
            &form("add", CHANGED, "commit", &"e1".repeat(32), ""),
        )
        .await;
        assert_eq!(
            (done.status, done.location.as_str()),
            (StatusCode::SEE_OTHER, "/")
        );
        let settings = get_as(Some(Role::Admin), "/settings?tab=sources").await;
        assert!(settings.html.contains("/new\""), "{}", settings.text);
    });
}
