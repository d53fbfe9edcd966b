//! What users say of themselves.

use entity::{id::UserId, time::Millis, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::Auth;
use crate::{error::Error, service::values::UserName};

/// Changes to a user: an absent field stays, an inner `None` clears.
#[derive(Clone, Debug, Default)]
pub struct ProfilePatch {
    /// Shown to people.
    pub name: Option<UserName>,
    /// URL of a picture; at most 2,048 characters.
    pub image: Option<Option<String>>,
}

impl Auth<'_> {
    /// Changes what the user says of themselves.
    pub async fn edit_profile(self, user: &UserId, edit: ProfilePatch) -> Result<(), Error> {
        let ProfilePatch { name, image } = edit;
        let mut update = user::Entity::update_many().filter(user::Column::Id.eq(user.clone()));
        if let Some(name) = name {
            update = update.col_expr(user::Column::Name, Expr::value(String::from(name)));
        }
        if let Some(image) = image {
            update = update.col_expr(user::Column::Image, Expr::value(image));
        }
        update.col_expr(user::Column::UpdatedAt, Expr::value(Millis::now())).exec(self.db.writer()).await?;
        Ok(())
    }
}
