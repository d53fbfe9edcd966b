//! The file of trusted documents, as graphql-codegen or Apollo's generator writes it.

use std::{collections::HashMap, fs, io, path::Path, sync::Arc};

use aws_lc_rs::digest;
use serde::Deserialize;
use serde_json::Value;

use super::{PREFIX, hexadecimal, is_hash, lookup_id, sha256};

/// What Apollo's manifest calls itself.
const MANIFEST: &str = "apollo-persisted-query-manifest";

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// There is none, or it may not be read.
    #[error("the file cannot be read")]
    Unreadable(#[from] io::Error),
    /// It is not JSON.
    #[error("the file is not JSON")]
    Unparsed(#[from] serde_json::Error),
    /// It is other JSON.
    #[error("the file must be an object of documents by id, or the manifest of Apollo in version 1")]
    Unknown,
    /// An id is not what it claims to be.
    #[error("the id {0} is not the hash of its document")]
    Hash(String),
    /// Two operations have one id.
    #[error("the id {0} stands for two documents")]
    Twice(String),
}

#[derive(Deserialize)]
struct Manifest {
    version: u64,
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents by their ids, and by the SHA-256 of their text.
pub(super) fn read(path: &Path) -> Result<HashMap<String, Arc<str>>, DocumentsError> {
    let mut documents = HashMap::new();
    for (id, text) in entries(serde_json::from_slice(&fs::read(path)?)?)? {
        if !fits(&id, &text) {
            return Err(DocumentsError::Hash(id));
        }
        let text: Arc<str> = text.into();
        documents.insert(sha256(&text), Arc::clone(&text));
        let before = documents.insert(lookup_id(&id), Arc::clone(&text));
        if before.is_some_and(|before| before != text) {
            return Err(DocumentsError::Twice(id));
        }
    }
    Ok(documents)
}

fn entries(content: Value) -> Result<Vec<(String, String)>, DocumentsError> {
    if content["format"] == MANIFEST {
        let manifest: Manifest = serde_json::from_value(content).map_err(|_| DocumentsError::Unknown)?;
        let pairs = manifest.operations.into_iter().map(|it| (it.id, it.body)).collect();
        return if manifest.version == 1 { Ok(pairs) } else { Err(DocumentsError::Unknown) };
    }
    let object: HashMap<String, String> = serde_json::from_value(content).map_err(|_| DocumentsError::Unknown)?;
    Ok(object.into_iter().collect())
}

/// Whether an id that looks like a hash is that of the text.
fn fits(id: &str, text: &str) -> bool {
    let digits = lookup_id(id);
    match digits.len() {
        _ if id.starts_with(PREFIX) => digits == sha256(text),
        40 if is_hash(&digits) => digits == hexadecimal(&digest::SHA1_FOR_LEGACY_USE_ONLY, text),
        64 if is_hash(&digits) => digits == sha256(text),
        _ => true,
    }
}
