//! The pages that this server has: what `/` and the bar link.

use crate::{
    app,
    config::{Config, Environment},
    page_bar::{BarLink, PageBar},
};

/// A page that is linked. Its path is relative, for a proxy may have Docket below a path.
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    is_there: bool,
    is_in_bar: bool,
}

/// The pages that are there, in order.
pub(super) fn pages(config: &Config) -> Vec<Page> {
    let Config { playground, docs, .. } = *config;
    let page = |path, name, about, is_there, is_in_bar| Page { path, name, about, is_there, is_in_bar };
    let all = [
        page("app/", "App", "tasks in the browser, live and offline", config.app && app::is_there(), true),
        page("graphiql", "Playground", "try the GraphQL API", playground, true),
        page("schema.graphql", "Schema", "of the GraphQL API", playground, true),
        page("docs/", "REST API", "its routes, to read and to try", docs, true),
        page("openapi.json", "OpenAPI", "what clients are generated from", docs, false),
        page("health/ready", "Health", "whether it can work", true, false),
    ];
    all.into_iter().filter(|it| it.is_there).collect()
}

/// The bar of the pages that are made of files.
pub(super) fn bar(config: &Config) -> PageBar {
    let links = pages(config).into_iter().filter(|it| it.is_in_bar);
    PageBar {
        links: links.map(|Page { path, name, .. }| BarLink { path, name }).collect(),
        has_guides: config.has_guides(),
        has_demo: config.environment == Environment::Development,
    }
}
