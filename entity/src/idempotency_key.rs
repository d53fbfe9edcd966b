//! The `idempotency_keys` table: the responses to writes with an `Idempotency-Key`, for a day.

use sea_orm::entity::prelude::*;

use crate::{id::OwnerId, time::Micros};

/// A response that is sent again when the same request is repeated.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// Who sent the request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: OwnerId,
    /// The client's key: at most 255 characters.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 of the request.
    pub fingerprint: Vec<u8>,
    /// HTTP status.
    pub status: i32,
    /// Headers that belong to the answer, as JSON.
    pub headers: String,
    /// The body.
    pub body: String,
    /// When the request came first.
    pub created_at: Micros,
}

impl ActiveModelBehavior for ActiveModel {}
