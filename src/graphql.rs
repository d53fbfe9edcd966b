//! Door 1: the GraphQL schema and its limits.

mod connection;
mod failure;
mod guard;
mod http;
mod loaders;
mod mutation;
mod playground;
mod query;
mod relations;
mod subscription;

use async_graphql::Schema as AsyncSchema;

pub use self::{
    http::{Door, refused, serve},
    playground::{boot, page},
};
use self::{mutation::Mutation, query::Query, subscription::Subscription};

/// The schema that Docket serves.
pub type Schema = AsyncSchema<Query, Mutation, Subscription>;

/// Where the door is.
pub const PATH: &str = "/graphql";
/// How deep a document may nest its selections.
const MAX_DEPTH: usize = 15;
/// How many fields a document may cost, each list counted as many times as it may have rows.
const MAX_COMPLEXITY: usize = 10_000;
/// How deep the parser follows a document.
const MAX_RECURSION: usize = 64;
/// How many directives one field may have.
const MAX_DIRECTIVES: usize = 10;
/// How many aliases a document may use.
const MAX_ALIASES: usize = 100;

/// Builds the schema; introspection and suggestions only where people explore.
pub fn schema(is_explorable: bool) -> Schema {
    let builder = Schema::build(Query, Mutation::default(), Subscription)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .limit_recursive_depth(MAX_RECURSION)
        .limit_directives(MAX_DIRECTIVES)
        .limit_aliases(MAX_ALIASES);
    if is_explorable { builder.finish() } else { builder.disable_introspection().disable_suggestions().finish() }
}

/// The schema in its own language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    schema(true).sdl()
}
