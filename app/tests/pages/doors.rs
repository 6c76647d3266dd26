//! Whoever is not logged in, what is not there, and a server with nothing on it.

use super::{get, get_as, on_server, send};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use lockstep_types::account::Role;

#[test]
fn nobody_is_led_to_the_login_and_back() {
    on_server(async {
        let page = get_as(None, "/drift?q=cart").await;
        assert_eq!(page.status, StatusCode::FOUND);
        assert_eq!(page.location, "/login?next=/drift%3Fq%3Dcart");
        let login = get_as(None, "/login?next=//evil.example").await;
        assert!(
            login.html.contains("name=\"next\" value=\"/\""),
            "{}",
            login.html
        );
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    on_server(async {
        for address in [
            "/apps/6b1c0d5e-0000-5000-8000-000000000001/gone",
            "/apps/nonsense/gone",
            "/clusters/gone",
            "/syncs/6b1c0d5e-0000-5000-8000-000000000001",
            "/commits/shop/0000000000000000000000000000000000000000",
        ] {
            let page = get(address).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{address}");
            assert!(page.text.contains("Not found"), "{address}: {}", page.text);
        }
        let page = get("/there/is/no/such/page").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.text.contains("There is no such page"), "{}", page.text);
    });
}

#[test]
fn a_fresh_server_says_how_to_begin() {
    on_server(async {
        let request = Request::get("/")
            .header(header::ACCEPT, "text/html")
            .body(Body::empty())
            .expect("a request");
        let page = send(Some(Role::Admin), true, request).await;
        assert!(page.text.contains("No applications yet"), "{}", page.text);
        for step in ["lockstep cluster add", "lockstep source add", "Take over"] {
            assert!(page.text.contains(step), "{step}: {}", page.text);
        }
        let next = page
            .html
            .find("aria-current=\"step\"")
            .expect("a next step");
        let cluster = page.html.find("/settings?tab=clusters").expect("its form");
        let source = page
            .html
            .find("/settings?tab=sources")
            .expect("the form after it");
        assert!(next < cluster && cluster < source, "{}", page.html);
    });
}

#[test]
fn a_server_function_tells_its_error_by_status() {
    on_server(async {
        let ask = |role: Option<Role>, body: &'static str| async move {
            let request = Request::builder()
                .method(Method::POST)
                .uri("/sfn/application")
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body))
                .expect("a request");
            send(role, false, request).await
        };
        let unknown = r#"{"id":"6b1c0d5e-0000-5000-8000-000000000001","cluster":""}"#;
        let gone = ask(Some(Role::Viewer), unknown).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        assert!(gone.html.contains("NotFound"), "{}", gone.html);
        assert_eq!(ask(None, unknown).await.status, StatusCode::UNAUTHORIZED);
    });
}
