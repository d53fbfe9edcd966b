//! The app at `/app`: where it is, what may load it, and how long browsers keep it.

use std::collections::BTreeSet;

use docket::app::is_there;
use reqwest::{Client, redirect::Policy};

use crate::support::{Answer, App};

/// The files that a text names, relative to the page.
fn named(text: &str) -> BTreeSet<String> {
    let quoted = text.split('"').filter_map(|it| it.strip_prefix("./"));
    quoted.filter(|it| it.contains('.') && !it.contains(' ')).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_app_is_a_page_whose_files_come_from_here_and_are_kept_as_long_as_they_hold() {
    let app = App::spawn().await;
    let page = Answer::of(app.request("GET", "/app/")).await;
    // A build without npm has no app, and says so at its start.
    assert_eq!(page.status == 200, is_there(), "{page:?}");
    if !is_there() {
        return;
    }
    assert_eq!(page.header("cache-control"), "no-cache");
    assert!(page.text.contains("<title>Docket</title>") && !page.text.contains("<script>"), "{page:?}");
    let worker = Answer::of(app.request("GET", "/app/sw.js")).await;
    assert_eq!((worker.status.as_u16(), worker.header("cache-control")), (200, "no-cache"));
    let files: BTreeSet<_> = named(&page.text).into_iter().chain(named(&worker.text)).collect();
    assert!(files.iter().any(|it| it.ends_with(".js")) && files.iter().any(|it| it.ends_with(".css")), "{files:?}");
    for file in &files {
        let plain = Answer::of(app.request("GET", &format!("/app/{file}"))).await;
        let policy = plain.header("content-security-policy");
        assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"), "{file}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{file}: {policy}");
        let is_hashed = file.starts_with("assets/");
        assert_eq!(plain.status, 200, "{file}");
        assert_eq!(plain.header("cache-control").contains("immutable"), is_hashed, "{file}");
        assert!(!plain.header("content-type").starts_with("text/plain"), "{file}");
    }
}

#[tokio::test]
async fn the_app_is_compressed_for_those_who_take_it_and_found_below_any_path() {
    let app = App::spawn().await;
    let http = Client::builder().redirect(Policy::none()).build().unwrap();
    let moved = Answer::of(http.get(format!("{}/app", app.base))).await;
    assert_eq!(moved.status == 308, is_there(), "{moved:?}");
    if !is_there() {
        return;
    }
    assert_eq!(moved.header("location"), "app/");
    let gzip = Answer::of(http.get(format!("{}/app/", app.base)).header("accept-encoding", "br, gzip;q=0.8")).await;
    assert_eq!((gzip.header("content-encoding"), gzip.header("vary").contains("Accept-Encoding")), ("gzip", true));
    let plain = Answer::of(http.get(format!("{}/app/", app.base)).header("accept-encoding", "gzip;q=0")).await;
    assert_eq!(plain.header("content-encoding"), "");
    let nothing = Answer::of(app.request("GET", "/app/assets/nothing.js")).await;
    assert_eq!(nothing.status, 404);
}

#[tokio::test]
async fn the_app_is_there_only_where_it_is_on() {
    let off = App::spawn_with(&[("DOCKET_APP", "off")]).await;
    for path in ["/app", "/app/", "/app/sw.js"] {
        assert_eq!(Answer::of(off.request("GET", path)).await.status, 404, "{path}");
    }
}
