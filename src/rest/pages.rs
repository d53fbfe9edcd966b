//! Lists of tasks that were answered lately: clients ask for the same list again and again, and until its owner writes
//! the answer is the same.

use axum::{
    body::Bytes,
    http::HeaderName,
    response::{IntoResponse, Response},
};
use entity::id::UserId;

use super::{etag::Tags, shape};
use crate::service::kept::{ByteBoundedCache, CacheKey, CacheKeyRef, Cached, byte_bounded};

/// How many bytes of lists are kept.
const KEPT_BYTES: u64 = 6 << 20;
/// How many lists are expected.
const EXPECTED: usize = 1000;
/// How many bytes a list has at most that is kept.
const MAX_BYTES: usize = 64 << 10;
/// What a list takes beside its text.
const OVERHEAD: usize = 256;
/// How many tasks there are in all, when a page of them is sent.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// The lists that were answered last, by whose they are and what was asked for.
#[derive(Debug)]
pub(super) struct Pages(ByteBoundedCache<Query, Cached<Page>>);

type Query = CacheKey<Box<str>>;

/// A list of tasks, or a part of it.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// The number of the owner's last write before it was read.
    pub(super) revision: i64,
    /// How many tasks meet the filter.
    pub(super) total: u64,
    /// The answer's JSON.
    pub(super) json: Bytes,
}

impl Default for Pages {
    fn default() -> Self {
        let bytes = |CacheKey(_, query): &Query, page: &Cached<Page>| OVERHEAD + query.len() + page.value().json.len();
        Self(byte_bounded((KEPT_BYTES, EXPECTED), bytes))
    }
}

impl Pages {
    /// The owner's answer to that query, if it may still hold.
    pub(super) fn kept(&self, owner: &UserId, query: &str) -> Option<Cached<Page>> {
        self.0.get(&CacheKeyRef(owner, query)).filter(Cached::is_believed)
    }

    /// Keeps an answer, which nothing but a write of its owner may change.
    pub(super) fn keep(&self, (owner, query): (&UserId, &str), page: &Page) {
        if page.json.len() <= MAX_BYTES {
            self.0.insert(CacheKey(owner.clone(), query.into()), Cached::new(page.revision, page.clone()));
        }
    }
}

impl Page {
    /// The answer with that page.
    pub(super) fn answer(self, tags: Tags) -> Response {
        list(tags, (self.revision, self.total), self.json)
    }
}

/// A list of so many tasks in all, or a part of it, as it was after that write.
pub(super) fn list(tags: Tags, (revision, total): (i64, u64), json: impl IntoResponse) -> Response {
    (tags.of(revision), [(TOTAL_COUNT, total)], shape::written(json)).into_response()
}
