//! What the results of all mutations have in common.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Object, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaType, Registry},
    resolver_utils::resolve_container,
};

use crate::{
    graphql::{errors::GraphqlError, guard::Guard},
    view::BigInt,
};

/// The result of a mutation, and the fields that all such results have.
pub(super) struct Payload<T>(pub(super) T);

/// The fields of every payload.
struct CommonFields;

/// Fields of every payload.
#[Object]
impl CommonFields {
    /// Revision of the user's data after the mutation: whatever it changed or deleted has this revision or a lower one.
    async fn revision(&self, ctx: &Context<'_>) -> Result<BigInt, GraphqlError> {
        let changes = ctx.changes()?;
        Ok(BigInt(changes.revision().await?))
    }
}

impl<T: ObjectType> ContainerType for Payload<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        match self.0.resolve_field(ctx).await? {
            Some(value) => Ok(Some(value)),
            None => CommonFields.resolve_field(ctx).await,
        }
    }
}

impl<T: ObjectType> OutputType for Payload<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = T::create_type_info(registry);
        let common = registry.create_fake_output_type::<CommonFields>();
        if let MetaType::Object { fields: common, .. } = common
            && let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(&*T::type_name())
        {
            fields.extend(common);
        }
        name
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<T: ObjectType> ObjectType for Payload<T> {}
