//! Answers that are sent while they are read, in pieces, so that any amount of them needs little memory.

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt, stream};
use tracing::error;

use crate::error::Error;

/// A body in pieces. What fails on the way cuts it off, which the client notices by the missing end.
pub(super) fn body<P: Into<Bytes>>(
    start: impl Into<Bytes>,
    middle: impl Stream<Item = Result<P, Error>> + Send + 'static,
    end: impl Into<Bytes>,
) -> Body {
    let middle = middle.map(|piece| piece.map(Into::into));
    let pieces = stream::iter([Ok(start.into())]).chain(middle).chain(stream::iter([Ok(end.into())]));
    Body::from_stream(pieces.inspect(|piece| {
        if let Err(cause) = piece {
            error!(cause = cause.causes(), "an answer was cut off");
        }
    }))
}
