//! Documents that a request names instead of sending: trusted documents, read at the start and named by their hash, and
//! automatic persisted queries, which a client sends once with their hash.
//! See docs/contracts/graphql-http.md#known-documents.

use std::{borrow::Cow, collections::HashMap, fs, io, path::Path, sync::Arc};

use sha2::{Digest, Sha256};

use super::{errors, params::Named, validation::DocumentErrors};
use crate::cache::{ByteBoundedCache, byte_bounded};

/// How many bytes of text that clients have sent are kept.
const CACHE_BYTES: u64 = 1 << 20;
/// What a text takes besides, with its hash.
const OVERHEAD: usize = 256;
/// How many texts are expected.
const EXPECTED: usize = 1000;

/// Documents by hash.
#[derive(Debug)]
pub(super) struct Documents {
    trusted: HashMap<String, String>,
    is_only: bool,
    sent: ByteBoundedCache<Hash, Arc<str>>,
}

/// The SHA-256 of a text, in hexadecimal digits.
type Hash = String;

impl Documents {
    /// Reads the file of trusted documents, a JSON object of texts by hash, if there is one.
    pub(super) fn new(file: Option<&Path>, is_only: bool) -> io::Result<Self> {
        let trusted = match file {
            None => HashMap::new(),
            Some(path) => serde_json::from_slice(&fs::read(path)?)?,
        };
        let sent = byte_bounded(CACHE_BYTES, EXPECTED, |_, text: &Arc<str>| OVERHEAD + text.len());
        Ok(Self { trusted, is_only, sent })
    }

    /// The text that a request means. One that comes with its hash is kept if it comes from somebody who is signed in.
    pub(super) fn text<'a>(&'a self, document: &'a Named, is_signed_in: bool) -> Result<Cow<'a, str>, DocumentErrors> {
        match document {
            Named::Id(id) => self.trusted(id.strip_prefix("sha256:").unwrap_or(id)).ok_or_else(no_such_document),
            Named::Hash(hash) => match (self.trusted(hash), self.is_only) {
                (Some(text), _) => Ok(text),
                (None, true) => Err(document_error("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")),
                (None, false) => {
                    let sent = self.sent.get(hash).map(|text| Cow::Owned(text.to_string()));
                    sent.ok_or_else(|| document_error("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"))
                }
            },
            Named::Text(query, Some(hash)) if *hash != digest(query) => {
                Err(document_error("PERSISTED_QUERY_HASH_MISMATCH", "the hash is not that of the query"))
            }
            Named::Text(query, _) if self.is_only => self.trusted(&digest(query)).ok_or_else(not_known),
            Named::Text(query, hash) => {
                if let Some(hash) = hash.as_ref().filter(|_| is_signed_in) {
                    self.sent.insert(hash.clone(), query.as_str().into());
                }
                Ok(Cow::Borrowed(query))
            }
        }
    }

    fn trusted(&self, hash: &str) -> Option<Cow<'_, str>> {
        self.trusted.get(hash).map(|text| Cow::Borrowed(text.as_str()))
    }
}

fn digest(text: &str) -> Hash {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn no_such_document() -> DocumentErrors {
    document_error("PERSISTED_DOCUMENT_NOT_FOUND", "there is no document of this id")
}

fn not_known() -> DocumentErrors {
    document_error("PERSISTED_DOCUMENT_REQUIRED", "only known documents are executed here")
}

/// Clients of automatic persisted queries know some of the messages too.
fn document_error(code: &'static str, message: &'static str) -> DocumentErrors {
    vec![errors::error(code, message)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(refused: Result<Cow<'_, str>, DocumentErrors>) -> String {
        format!("{:?}", refused.unwrap_err()[0].extensions.as_ref().unwrap().get("code").unwrap())
    }

    fn text(query: &str, hash: Option<&str>) -> Named {
        Named::Text(query.to_owned(), hash.map(str::to_owned))
    }

    #[test]
    fn a_query_is_known_by_its_hash_once_it_was_sent_with_it() {
        let documents = Documents::new(None, false).unwrap();
        let hash = digest("{ me { id } }");
        let named = Named::Hash(hash.clone());
        let sent = text("{ me { id } }", Some(&hash));
        documents.text(&sent, false).unwrap();
        assert!(code(documents.text(&named, true)).contains("PERSISTED_QUERY_NOT_FOUND"));
        documents.text(&sent, true).unwrap();
        assert_eq!(&*documents.text(&named, false).unwrap(), "{ me { id } }");
        let other = text("{ me { name } }", Some(&hash));
        assert!(code(documents.text(&other, true)).contains("HASH_MISMATCH"));
    }

    #[test]
    fn where_only_trusted_documents_run_no_other_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("documents.json");
        let hash = digest("{ me { id } }");
        fs::write(&file, serde_json::json!({ &hash: "{ me { id } }" }).to_string()).unwrap();
        let documents = Documents::new(Some(&file), true).unwrap();
        for known in [
            Named::Id(hash.clone()),
            Named::Id(format!("sha256:{hash}")),
            Named::Hash(hash.clone()),
            text("{ me { id } }", None),
        ] {
            assert_eq!(&*documents.text(&known, true).unwrap(), "{ me { id } }");
        }
        for (unknown, expected) in [
            (text("{ me { name } }", None), "PERSISTED_DOCUMENT_REQUIRED"),
            (Named::Id("sha256:00".into()), "PERSISTED_DOCUMENT_NOT_FOUND"),
            (Named::Hash("00".into()), "PERSISTED_QUERY_NOT_SUPPORTED"),
        ] {
            assert!(code(documents.text(&unknown, true)).contains(expected));
        }
    }
}
