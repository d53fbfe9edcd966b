//! `/guides/`: the guides of this repository as pages, for those who have a server and no repository. The documents are in
//! the binary as they are in docs/, and become HTML when they are asked for.

use std::{collections::HashMap, path::Path as FilePath};

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::home::page_policy;

const PAGE: &str = include_str!("guides/page.html");
const STYLE: &str = concat!(include_str!("home/style.css"), include_str!("guides/style.css"));

/// A document that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guide {
    /// Its path below `/guides/`, and below docs/ with `.md` behind it.
    pub(super) path: &'static str,
    /// What links to it say.
    pub(super) name: &'static str,
    text: &'static str,
}

/// All of them, in the order in which they are listed.
pub(super) const GUIDES: [Guide; 12] = [
    Guide { path: "graphql", name: "GraphQL API", text: include_str!("../../docs/graphql.md") },
    Guide { path: "frontend", name: "Front-ends", text: include_str!("../../docs/frontend.md") },
    Guide { path: "rest", name: "REST clients", text: include_str!("../../docs/rest.md") },
    Guide { path: "takeover", name: "Databases that are there", text: include_str!("../../docs/takeover.md") },
    Guide { path: "deploy", name: "Deploying", text: include_str!("../../docs/deploy.md") },
    Guide { path: "operations", name: "Operations", text: include_str!("../../docs/operations.md") },
    Guide { path: "commands", name: "Commands", text: include_str!("../../docs/commands.md") },
    Guide { path: "settings", name: "Settings", text: include_str!("../../docs/settings.md") },
    Guide {
        path: "contracts/graphql-http",
        name: "GraphQL over HTTP",
        text: include_str!("../../docs/contracts/graphql-http.md"),
    },
    Guide {
        path: "contracts/better-auth",
        name: "Better Auth",
        text: include_str!("../../docs/contracts/better-auth.md"),
    },
    Guide {
        path: "contracts/legacy-rest",
        name: "Legacy REST",
        text: include_str!("../../docs/contracts/legacy-rest.md"),
    },
    Guide {
        path: "contracts/reliability",
        name: "Reliability",
        text: include_str!("../../docs/contracts/reliability.md"),
    },
];

/// The routes.
pub(super) fn router() -> Router {
    // Relative, for a proxy may have them below a path.
    let first = |path: &'static str| get(move || async move { (StatusCode::SEE_OTHER, [(header::LOCATION, path)]) });
    Router::new()
        .route("/guides", first("guides/graphql"))
        .route("/guides/", first("graphql"))
        .route("/guides/{*path}", get(page))
}

async fn page(Path(path): Path<String>) -> Response {
    let Some(guide) = GUIDES.into_iter().find(|it| it.path == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, page_policy(STYLE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, Html(guide.html())).into_response()
}

impl Guide {
    fn html(self) -> String {
        let mut body = String::new();
        html::push_html(&mut body, self.events().into_iter());
        let links = GUIDES.map(|it| {
            let here = if it.path == self.path { " aria-current=\"page\"" } else { "" };
            format!("<a href=\"{}\"{here}>{}</a>", self.to(it.path), it.name)
        });
        PAGE.replace("{style}", STYLE)
            .replace("{title}", self.name)
            .replace("{home}", &format!("{}../", self.up()))
            .replace("{links}", &links.join("\n"))
            .replace("{body}", &body)
    }

    /// The document, with links that lead to the other pages, and headings that can be linked.
    fn events(self) -> Vec<Event<'static>> {
        let mut anchors = Anchors::default();
        let mut events: Vec<Event<'static>> = Vec::new();
        // Of links that lead nowhere here, the text stays.
        let mut is_dropped = false;
        for event in Parser::new_ext(self.text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { link_type, dest_url, title, id }) => match self.link(&dest_url) {
                    Some(url) => events.push(Event::Start(Tag::Link { link_type, dest_url: url.into(), title, id })),
                    None => is_dropped = true,
                },
                Event::End(TagEnd::Link) if is_dropped => is_dropped = false,
                // A page loads nothing: what a picture shows is said instead.
                Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
                Event::Start(Tag::CodeBlock(_)) => {
                    events.push(Event::Html(CowStr::Borrowed("<pre tabindex=\"0\"><code>")));
                }
                Event::End(TagEnd::CodeBlock) => events.push(Event::Html(CowStr::Borrowed("</code></pre>\n"))),
                // One that is wider than the page scrolls by itself.
                Event::Start(Tag::Table(columns)) => {
                    events.push(Event::Html(CowStr::Borrowed("<div class=\"table\" tabindex=\"0\">")));
                    events.push(Event::Start(Tag::Table(columns)));
                }
                Event::End(TagEnd::Table) => {
                    events.push(Event::End(TagEnd::Table));
                    events.push(Event::Html(CowStr::Borrowed("</div>")));
                }
                Event::End(TagEnd::Heading(level)) => anchors.close(&mut events, level),
                other => events.push(other),
            }
        }
        events
    }

    /// Where a link of the document leads here, if anywhere.
    fn link(self, url: &str) -> Option<String> {
        if url.starts_with('#') || url.starts_with("https://") || url.starts_with("http://") {
            return Some(url.to_owned());
        }
        let (file, anchor) = url.split_once('#').map_or((url, String::new()), |(file, it)| (file, format!("#{it}")));
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        for part in file.strip_suffix(".md")?.split('/') {
            match part {
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        let path = parts.join("/");
        GUIDES.iter().any(|it| it.path == path).then(|| format!("{}{anchor}", self.to(&path)))
    }

    /// The way from this page to another one: a proxy may have them below a path.
    fn to(self, path: &str) -> String {
        format!("{}{path}", self.up())
    }

    /// The way from this page to `/guides/`.
    fn up(self) -> String {
        "../".repeat(FilePath::new(self.path).components().count() - 1)
    }
}

/// What headings are linked by, as in the repository.
#[derive(Default)]
struct Anchors(HashMap<String, usize>);

impl Anchors {
    /// Ends a heading, which gets the id that its text makes.
    fn close(&mut self, events: &mut Vec<Event<'static>>, level: HeadingLevel) {
        let start = events.iter().rposition(|it| matches!(it, Event::Start(Tag::Heading { .. }))).unwrap_or_default();
        let text: String = events[start..]
            .iter()
            .filter_map(|it| match it {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let kept = text.trim().chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        let slug: String = kept.map(|it| if it == ' ' { '-' } else { it }).flat_map(char::to_lowercase).collect();
        let times = self.0.entry(slug.clone()).or_default();
        let name = if *times == 0 { slug } else { format!("{slug}-{times}") };
        *times += 1;
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
            *id = Some(name.into());
        }
        events.push(Event::End(TagEnd::Heading(level)));
    }
}
