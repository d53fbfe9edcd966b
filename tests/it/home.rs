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

/// The values of an attribute.
fn values<'a>(text: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(attribute).skip(1).filter_map(|it| it.split('"').next())
}

#[tokio::test]
async fn every_guide_is_a_page_and_its_links_lead_to_what_they_name() {
    let app = App::spawn().await;
    let base = url::Url::parse(&app.base).unwrap();
    let home = Answer::of(app.request("GET", "/").header("accept", BROWSER)).await.text;
    let guides: Vec<_> = values(&home, "href=\"").filter(|it| it.starts_with("guides/")).collect();
    let documents = ["docs", "docs/contracts"].into_iter().flat_map(|it| std::fs::read_dir(it).unwrap());
    let documents = documents.filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|it| it == "md"));
    // What is for those who change Docket is left out: security.md and performance.md.
    assert_eq!(guides.len(), documents.count() - 2, "{guides:?}");
    for guide in guides {
        let place = base.join(guide).unwrap();
        let page = Answer::of(app.request("GET", place.path())).await;
        assert!(page.status == 200 && page.header("content-type").starts_with("text/html"), "{guide}: {page:?}");
        assert!(!page.text.contains("<img") && !page.text.contains("<pre>"), "{guide}");
        assert!(!page.text.contains("<script") && page.header("content-security-policy").contains("sha256-"));
        for link in values(&page.text, "href=\"").filter(|it| !it.starts_with("data:") && !it.starts_with("http")) {
            let target = place.join(link).unwrap();
            let there = Answer::of(app.request("GET", target.path()).header("accept", BROWSER)).await;
            assert_eq!(there.status, 200, "{guide}: {link}");
            let is_named = |anchor: &str| values(&there.text, " id=\"").any(|it| it == anchor);
            assert!(target.fragment().is_none_or(is_named), "{guide}: {link}");
        }
    }
    assert_eq!(Answer::of(app.request("GET", "/guides/nothing")).await.status, 404);
    for path in ["/guides", "/guides/"] {
        assert!(Answer::of(app.request("GET", path)).await.text.contains("GraphQL API"), "{path}");
    }
}

#[tokio::test]
async fn a_server_that_shows_neither_app_nor_playground_has_no_page_and_no_schema() {
    let app = App::spawn_with(&[("DOCKET_PLAYGROUND", "off"), ("DOCKET_APP", "off")]).await;
    let word = Answer::of(app.request("GET", "/").header("accept", BROWSER)).await.expect(200);
    assert_eq!(word["name"], "Docket");
    for path in ["/schema.graphql", "/guides/graphql"] {
        assert_eq!(Answer::of(app.request("GET", path)).await.status, 404, "{path}");
    }
}
