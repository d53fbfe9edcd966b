//! Compression of answers, for clients that take it. Where a secret could stand beside text that somebody else chose, the
//! size of what is compressed would tell of it: the auth routes are left out.

use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{And, NotForContentType, Predicate, SizeAbove},
    },
};

/// From how many bytes on an answer is compressed.
const LEAST: u64 = 1024;

/// Compresses what is long enough and ends: an event of a stream would wait for others.
pub(in crate::server) fn compression() -> CompressionLayer<And<And<SizeAbove, NotForContentType>, NotForContentType>> {
    let streams = NotForContentType::const_new("text/event-stream");
    let parts = NotForContentType::const_new("multipart/");
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(LEAST).and(streams).and(parts))
}
