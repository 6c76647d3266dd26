//! The theme that a visitor chose.

use super::*;

#[test]
fn the_theme_is_drawn_by_the_server() {
    on_server(async {
        let request = Request::get("/login")
            .header(header::COOKIE, "a=b; theme=dark")
            .body(Body::empty())
            .expect("a request");
        assert!(
            send(None, false, request)
                .await
                .html
                .contains("data-theme=\"dark\"")
        );
        let request = Request::get("/login")
            .header(header::COOKIE, "theme=\"><script>")
            .body(Body::empty())
            .expect("a request");
        assert!(!send(None, false, request).await.html.contains("data-theme"));
    });
}
