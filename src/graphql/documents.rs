//! Documents that a request names instead of sending: trusted documents, read at the start and named by their hash, and
//! automatic persisted queries, which a client sends once with their hash.
//! See docs/contracts/graphql-http.md#known-documents.

mod file;

use std::{borrow::Cow, collections::HashMap, path::Path, sync::Arc};

use aws_lc_rs::digest;

pub use self::file::DocumentsError;
use super::{errors, params::Named, validation::DocumentErrors};
use crate::cache::{ByteBoundedCache, byte_bounded};

/// How many bytes of text that clients have sent are kept.
const CACHE_BYTES: u64 = 1 << 20;
/// What a text takes besides, with its hash.
const OVERHEAD: usize = 256;
/// How many texts are expected.
const EXPECTED: usize = 1000;

/// Documents by id. Those of the file are known by the SHA-256 of their text too, whatever their ids are.
#[derive(Debug)]
pub(super) struct Documents {
    trusted: HashMap<String, Arc<str>>,
    is_only: bool,
    sent: ByteBoundedCache<Hash, Arc<str>>,
}

/// The SHA-256 of a text, in hexadecimal digits.
type Hash = String;

impl Documents {
    /// Reads the file of trusted documents, if there is one.
    pub(super) fn new(file: Option<&Path>, is_only: bool) -> Result<Self, DocumentsError> {
        let trusted = file.map(file::read).transpose()?.unwrap_or_default();
        let sent = byte_bounded(CACHE_BYTES, EXPECTED, |_, text: &Arc<str>| OVERHEAD + text.len());
        Ok(Self { trusted, is_only, sent })
    }

    /// The text that a request means. One that comes with its hash is kept if it comes from somebody who is signed in.
    pub(super) fn text<'a>(&'a self, document: &'a Named, is_signed_in: bool) -> Result<Cow<'a, str>, DocumentErrors> {
        match document {
            Named::Id(id) => self.trusted(&lookup_id(id)).ok_or_else(no_such_document),
            Named::Hash(hash) => self.by_hash(&lookup_id(hash)),
            Named::Text(query, Some(hash)) if lookup_id(hash) != sha256(query) => {
                Err(document_error("PERSISTED_QUERY_HASH_MISMATCH", "the hash is not that of the query"))
            }
            Named::Text(query, _) if self.is_only => self.trusted(&sha256(query)).ok_or_else(not_known),
            Named::Text(query, hash) => {
                if let Some(hash) = hash.as_ref().filter(|_| is_signed_in) {
                    self.sent.insert(lookup_id(hash), query.as_str().into());
                }
                Ok(Cow::Borrowed(query))
            }
        }
    }

    fn by_hash(&self, hash: &str) -> Result<Cow<'_, str>, DocumentErrors> {
        match (self.trusted(hash), self.is_only) {
            (Some(text), _) => Ok(text),
            (None, true) => Err(document_error("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")),
            (None, false) => {
                let sent = self.sent.get(hash).map(|text| Cow::Owned(text.to_string()));
                sent.ok_or_else(|| document_error("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"))
            }
        }
    }

    fn trusted(&self, id: &str) -> Option<Cow<'_, str>> {
        self.trusted.get(id).map(|text| Cow::Borrowed(&**text))
    }
}

/// What a SHA-256 begins with in an id (GraphQL over HTTP, appendix A).
const PREFIX: &str = "sha256:";

/// An id as documents are found by it: a hash is without its prefix and in small letters.
fn lookup_id(id: &str) -> String {
    let digits = id.strip_prefix(PREFIX).unwrap_or(id);
    if is_hash(digits) { digits.to_ascii_lowercase() } else { id.to_owned() }
}

/// Whether this is as long as a SHA-1 or SHA-256 in hexadecimal digits.
fn is_hash(digits: &str) -> bool {
    matches!(digits.len(), 40 | 64) && digits.bytes().all(|it| it.is_ascii_hexdigit())
}

fn sha256(text: &str) -> Hash {
    hexadecimal(&digest::SHA256, text)
}

fn hexadecimal(algorithm: &'static digest::Algorithm, text: &str) -> Hash {
    hex::encode(digest::digest(algorithm, text.as_bytes()))
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
    use std::fs;

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
        let hash = sha256("{ me { id } }");
        let named = Named::Hash(hash.clone());
        let sent = text("{ me { id } }", Some(&hash));
        documents.text(&sent, false).unwrap();
        assert!(code(documents.text(&named, true)).contains("PERSISTED_QUERY_NOT_FOUND"));
        documents.text(&sent, true).unwrap();
        assert_eq!(&*documents.text(&named, false).unwrap(), "{ me { id } }");
        let other = text("{ me { name } }", Some(&hash));
        assert!(code(documents.text(&other, true)).contains("HASH_MISMATCH"));
    }

    fn documents(content: &serde_json::Value, is_only: bool) -> Result<Documents, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("documents.json");
        fs::write(&file, content.to_string()).unwrap();
        Documents::new(Some(&file), is_only).map_err(|error| error.to_string())
    }

    const TEXT: &str = "{ me { id } }";

    #[test]
    fn where_only_trusted_documents_run_no_other_does() {
        let hash = sha256(TEXT);
        for key in [hash.clone(), format!("sha256:{hash}"), hash.to_uppercase(), "x-mine".to_owned()] {
            let documents = documents(&serde_json::json!({ &key: TEXT }), true).unwrap();
            for known in [
                Named::Id(key),
                Named::Id(hash.clone()),
                Named::Id(format!("sha256:{hash}")),
                Named::Hash(hash.to_uppercase()),
                text(TEXT, None),
                text(TEXT, Some(&format!("sha256:{hash}"))),
            ] {
                assert_eq!(&*documents.text(&known, true).unwrap(), TEXT, "{known:?}");
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

    #[test]
    fn an_entry_under_the_hash_of_another_text_is_refused_by_its_id() {
        let (sha1, other) = (hexadecimal(&digest::SHA1_FOR_LEGACY_USE_ONLY, TEXT), sha256("{ me { name } }"));
        documents(&serde_json::json!({ &sha1: TEXT }), true).unwrap().text(&Named::Id(sha1), true).unwrap();
        for id in ["0".repeat(40), format!("sha256:{other}"), other, "sha256:00".to_owned()] {
            let refused = documents(&serde_json::json!({ &id: TEXT }), false).unwrap_err();
            assert!(refused.contains(&id) && !refused.contains("{ me"), "{refused}");
        }
    }

    #[test]
    fn the_manifest_of_apollo_is_read_too() {
        let manifest = |version: u8, operations: &[(&str, &str)]| {
            let of =
                |(id, body): &(&str, &str)| serde_json::json!({ "id": id, "body": body, "name": "A", "type": "query" });
            let operations: Vec<_> = operations.iter().map(of).collect();
            let format = "apollo-persisted-query-manifest";
            documents(&serde_json::json!({ "format": format, "version": version, "operations": operations }), true)
        };
        let hash = sha256(TEXT);
        let read = manifest(1, &[(&hash, TEXT), ("a", "{ me { name } }")]).unwrap();
        assert_eq!(&*read.text(&Named::Hash(hash), true).unwrap(), TEXT);
        assert_eq!(&*read.text(&Named::Id("a".into()), true).unwrap(), "{ me { name } }");
        assert!(manifest(2, &[]).unwrap_err().contains("version"));
        assert!(manifest(1, &[("a", TEXT), ("a", "{ me { name } }")]).unwrap_err().contains("the id a"));
        assert!(documents(&serde_json::json!([TEXT]), true).unwrap_err().contains("object"));
    }
}
