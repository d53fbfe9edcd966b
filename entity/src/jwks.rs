//! The `jwks` table, as Better Auth's JWT plugin writes it: keys that sign access tokens.

use sea_orm::entity::prelude::*;

use crate::time::Millis;

/// A key pair.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jwks")]
pub struct Model {
    /// The `kid`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Public JWK, as JSON.
    #[sea_orm(column_name = "publicKey")]
    pub public_key: String,
    /// Private JWK: JSON of hex of nonce and ciphertext, or plain JWK JSON.
    #[sea_orm(column_name = "privateKey")]
    pub private_key: String,
    /// When the key was made; the newest one signs.
    #[sea_orm(column_name = "createdAt")]
    pub created_at: Millis,
    /// From then on the key no longer signs.
    #[sea_orm(column_name = "expiresAt")]
    pub expires_at: Option<Millis>,
    /// JWS algorithm; `EdDSA` when absent.
    pub alg: Option<String>,
    /// Curve; `Ed25519` when absent.
    pub crv: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
