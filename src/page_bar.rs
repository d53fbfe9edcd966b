//! The bar at the head of the playground and of the REST page: links to the other pages, and who is signed in.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::embedded::File;

const BAR: &str = include_str!("page_bar/bar.html");
const DEMO_BUTTON: &str = "<button type=\"button\" name=\"demo\" hidden>Try a demo account</button>\n";

const FILES: &[File] = &[
    File { name: "bar.css", bytes: include_bytes!("page_bar/bar.css"), is_gzip: false },
    File { name: "bar.js", bytes: include_bytes!("page_bar/bar.js"), is_gzip: false },
    File { name: "demo.js", bytes: include_bytes!("page_bar/demo.js"), is_gzip: false },
];

/// A page that the bar links.
#[derive(Debug)]
pub struct BarLink {
    /// Its path from the root of Docket, without a slash at its beginning.
    pub path: &'static str,
    /// What it is called.
    pub name: &'static str,
}

/// What the bar of this server has.
#[derive(Debug)]
pub struct PageBar {
    /// The pages, in order.
    pub links: Vec<BarLink>,
    /// Whether the guides are there.
    pub has_guides: bool,
    /// Whether it makes accounts to try things with.
    pub has_demo: bool,
}

/// Where a page is that has the bar. All is relative, for a proxy may have the page below a path.
#[derive(Debug)]
pub struct PageLocation {
    /// Its path from the root of Docket, as links have it.
    pub path: &'static str,
    /// The path of the guide to what the page is about.
    pub guide: &'static str,
    /// The way from the page to the root.
    pub root: &'static str,
    /// The way from the page to the files of the bar.
    pub files: &'static str,
}

impl PageBar {
    /// The page, with the bar in the place of `{bar}`.
    pub fn fill(&self, page: &str, location: &PageLocation) -> String {
        let link = |path: &str, name: &str| {
            let current = if path == location.path { " aria-current=\"page\"" } else { "" };
            format!("<a href=\"{}{path}\"{current}>{name}</a>\n", location.root)
        };
        let mut links: String = self.links.iter().map(|BarLink { path, name }| link(path, name)).collect();
        if self.has_guides {
            links.push_str(&link(location.guide, "Guide"));
        }
        let bar = BAR
            .replace("{links}", &links)
            .replace("{demo}", if self.has_demo { DEMO_BUTTON } else { "" })
            .replace("{root}", location.root)
            .replace("{files}", location.files);
        page.replace("{bar}", &bar)
    }
}

/// The files of the bar, at that path and two folders below the root.
pub fn router<S: Clone + Send + Sync + 'static>(path: &str) -> Router<S> {
    Router::new().route(&format!("{path}/{{name}}"), get(file))
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match File::find(FILES, &name) {
        Some(file) => file.response(&headers, "no-cache"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
