//! `/`: a page for browsers, which says what there is, and a word for programs.

use crate::support::{Answer, App};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_browser_gets_a_page_whose_links_lead_somewhere_and_a_program_a_word() {
    let app = App::spawn().await;
    let get = |path: &str, accept: &str| Answer::of(app.request("GET", path).header("accept", accept));
    let page = get("/", BROWSER).await;
    assert!(page.header("content-type").starts_with("text/html") && page.header("vary") == "accept", "{page:?}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("style-src 'sha256-") && !policy.contains("script-src") && !policy.contains("unsafe"));
    assert!(!page.text.contains("<script") && page.text.contains(env!("CARGO_PKG_VERSION")), "{page:?}");
    let links: Vec<&str> = page.text.split("href=\"").skip(1).map(|it| it.split('"').next().unwrap()).collect();
    let links: Vec<&str> = links.into_iter().filter(|it| !it.starts_with("data:")).collect();
    assert!(links.len() >= 5, "{links:?}");
    for link in links {
        assert!(!link.starts_with('/'), "a proxy may have the page below a path: {link}");
        assert_eq!(get(&format!("/{link}"), BROWSER).await.status, 200, "{link}");
    }
    let schema = get("/schema.graphql", "*/*").await;
    assert_eq!(schema.text, docket::graphql::sdl());
    for accept in ["application/json", "*/*", "application/json, text/html"] {
        let word = get("/", accept).await.expect(200);
        assert_eq!((&word["name"], &word["status"]), (&"Docket".into(), &"healthy".into()), "{accept}");
    }
}

#[tokio::test]
async fn a_server_that_shows_neither_app_nor_playground_has_no_page_and_no_schema() {
    let app = App::spawn_with(&[("DOCKET_PLAYGROUND", "off"), ("DOCKET_APP", "off")]).await;
    let word = Answer::of(app.request("GET", "/").header("accept", BROWSER)).await.expect(200);
    assert_eq!(word["name"], "Docket");
    assert_eq!(Answer::of(app.request("GET", "/schema.graphql")).await.status, 404);
}
