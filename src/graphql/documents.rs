//! Documents that a request names instead of sending: trusted ones, known from the start by their hash, and automatic
//! persisted queries, which a client sends once with their hash.

use std::{collections::HashMap, fs, io, path::Path, sync::Arc};

use async_graphql::{ErrorExtensionValues, ServerError};
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};

use super::{front::Refused, params::Params};

/// How many bytes of text that clients have sent are kept.
const KEPT_TEXT: u64 = 1 << 20;
/// What a text weighs at least.
const LEAST_WEIGHT: u64 = 256;
/// How many texts are expected.
const EXPECTED: usize = 1000;

/// Documents by hash.
#[derive(Debug)]
pub(super) struct Documents {
    trusted: HashMap<String, Arc<str>>,
    is_only: bool,
    sent: Cache<Hash, Arc<str>, ByText>,
}

/// The SHA-256 of a text, in hexadecimal digits.
type Hash = String;

#[derive(Clone, Debug)]
struct ByText;

impl Weighter<Hash, Arc<str>> for ByText {
    fn weight(&self, _: &Hash, text: &Arc<str>) -> u64 {
        u64::try_from(text.len()).unwrap_or(u64::MAX).max(LEAST_WEIGHT)
    }
}

impl Documents {
    /// Reads the file of trusted documents, a JSON object of texts by hash, if there is one.
    pub(super) fn new(file: Option<&Path>, is_only: bool) -> io::Result<Self> {
        let trusted = match file {
            None => HashMap::new(),
            Some(path) => serde_json::from_slice(&fs::read(path)?)?,
        };
        Ok(Self { trusted, is_only, sent: Cache::with_weighter(EXPECTED, KEPT_TEXT, ByText) })
    }

    /// The text that a request means.
    pub(super) fn text(&self, params: &Params) -> Result<Arc<str>, Refused> {
        match (&params.query, &params.document_id, &params.persisted_hash) {
            (None, Some(id), _) => {
                let hash = id.strip_prefix("sha256:").unwrap_or(id);
                self.trusted.get(hash).cloned().ok_or_else(|| refused("PERSISTED_DOCUMENT_NOT_FOUND"))
            }
            (None, None, Some(hash)) => self.known(hash),
            (Some(query), _, Some(hash)) if *hash != digest(query) => Err(refused("PERSISTED_QUERY_HASH_MISMATCH")),
            (Some(query), _, _) if self.is_only => {
                self.trusted.get(&digest(query)).cloned().ok_or_else(|| refused("PERSISTED_DOCUMENT_REQUIRED"))
            }
            (Some(query), _, Some(hash)) => {
                let text: Arc<str> = query.as_str().into();
                self.sent.insert(hash.clone(), Arc::clone(&text));
                Ok(text)
            }
            (Some(query), _, None) => Ok(query.as_str().into()),
            (None, None, None) => Err(refused("BAD_REQUEST")),
        }
    }

    fn known(&self, hash: &str) -> Result<Arc<str>, Refused> {
        match self.trusted.get(hash).cloned() {
            Some(text) => Ok(text),
            None if self.is_only => Err(refused("PERSISTED_QUERY_NOT_SUPPORTED")),
            None => self.sent.get(hash).ok_or_else(|| refused("PERSISTED_QUERY_NOT_FOUND")),
        }
    }
}

fn digest(text: &str) -> Hash {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An error with this code; clients of automatic persisted queries know two of the messages too.
fn refused(code: &'static str) -> Refused {
    let message = match code {
        "PERSISTED_QUERY_NOT_FOUND" => "PersistedQueryNotFound",
        "PERSISTED_QUERY_NOT_SUPPORTED" => "PersistedQueryNotSupported",
        "PERSISTED_QUERY_HASH_MISMATCH" => "the hash is not that of the query",
        "PERSISTED_DOCUMENT_REQUIRED" => "only known documents are executed here",
        "PERSISTED_DOCUMENT_NOT_FOUND" => "there is no document of this id",
        _ => "query must be a string",
    };
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    let error = ServerError { extensions: Some(extensions), ..ServerError::new(message, None) };
    vec![error]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: Option<&str>, id: Option<&str>, hash: Option<&str>) -> Params {
        let owned = |it: Option<&str>| it.map(str::to_owned);
        Params { query: owned(query), document_id: owned(id), persisted_hash: owned(hash), ..Params::default() }
    }

    fn code(refused: Result<Arc<str>, Refused>) -> String {
        format!("{:?}", refused.unwrap_err()[0].extensions.as_ref().unwrap().get("code").unwrap())
    }

    #[test]
    fn a_query_is_known_by_its_hash_once_it_was_sent_with_it() {
        let documents = Documents::new(None, false).unwrap();
        let hash = digest("{ me { id } }");
        let named = params(None, None, Some(&hash));
        assert!(code(documents.text(&named)).contains("PERSISTED_QUERY_NOT_FOUND"));
        documents.text(&params(Some("{ me { id } }"), None, Some(&hash))).unwrap();
        assert_eq!(&*documents.text(&named).unwrap(), "{ me { id } }");
        let other = params(Some("{ me { name } }"), None, Some(&hash));
        assert!(code(documents.text(&other)).contains("HASH_MISMATCH"));
    }

    #[test]
    fn where_only_trusted_documents_run_no_other_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("documents.json");
        let hash = digest("{ me { id } }");
        fs::write(&file, serde_json::json!({ &hash: "{ me { id } }" }).to_string()).unwrap();
        let documents = Documents::new(Some(&file), true).unwrap();
        for known in [
            params(None, Some(&hash), None),
            params(None, Some(&format!("sha256:{hash}")), None),
            params(None, None, Some(&hash)),
            params(Some("{ me { id } }"), None, None),
        ] {
            assert_eq!(&*documents.text(&known).unwrap(), "{ me { id } }");
        }
        for (unknown, expected) in [
            (params(Some("{ me { name } }"), None, None), "PERSISTED_DOCUMENT_REQUIRED"),
            (params(None, Some("sha256:00"), None), "PERSISTED_DOCUMENT_NOT_FOUND"),
            (params(None, None, Some("00")), "PERSISTED_QUERY_NOT_SUPPORTED"),
        ] {
            assert!(code(documents.text(&unknown)).contains(expected));
        }
    }
}
