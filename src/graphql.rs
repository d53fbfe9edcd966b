//! The GraphQL API: schema and its limits.

mod connection;
mod documents;
mod engine;
mod error_code;
mod errors;
mod guard;
mod http;
mod loaders;
mod mutation;
mod params;
mod playground;
mod query;
mod relations;
mod root;
mod socket;
mod subscription;
mod task_output;
mod validation;

use async_graphql::{SDLExportOptions, Schema as AsyncSchema, ValidationMode};

pub use self::{
    engine::{Engine, EngineError},
    http::{GraphqlState, rejection_response, serve},
    playground::{Playground, is_whole},
};
use self::{error_code::ErrorCode, mutation::Mutation, query::Query, root::NullableFields, subscription::Subscription};

/// The schema that Docket serves.
type Schema = AsyncSchema<NullableFields<Query>, NullableFields<Mutation>, Subscription>;

/// The path of the GraphQL API.
pub const PATH: &str = "/graphql";
/// How deep the executor follows a document; the front has counted already.
const MAX_RECURSION: usize = 1000;

/// Builds the schema. What documents may say and cost is judged by the front; nothing else is left to the executor.
fn schema() -> Schema {
    Schema::build(NullableFields(Query), NullableFields(Mutation::default()), Subscription)
        // No field has it: clients generate their list of codes from it.
        .register_output_type::<ErrorCode>()
        .validation_mode(ValidationMode::Fast)
        .limit_recursive_depth(MAX_RECURSION)
        .finish()
}

/// The schema in its own language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    sdl_of(&schema())
}

fn sdl_of(schema: &Schema) -> String {
    schema.sdl_with_options(SDLExportOptions::new().include_specified_by())
}
