//! Responses that are sent in chunks while they are read, so that any amount of data needs little memory.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep};
use tracing::error;

use crate::error::Error;

/// How long to retry a chunk that cannot be read now.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait before a retry.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// A body in chunks. An error cuts it off, which the client notices by the missing end.
pub(super) fn stream_body<P: Into<Bytes>>(
    start: impl Into<Bytes>,
    middle: impl Stream<Item = Result<P, Error>> + Send + 'static,
    end: impl Into<Bytes>,
) -> Body {
    let middle = middle.map(|piece| piece.map(Into::into));
    let pieces = stream::iter([Ok(start.into())]).chain(middle).chain(stream::iter([Ok(end.into())]));
    Body::from_stream(pieces.inspect(|piece| {
        if let Err(cause) = piece {
            error!(cause = cause.causes(), "a response was cut off");
        }
    }))
}

/// Reads a chunk after the first. The status is sent already, so that the client cannot be asked to retry: this does.
pub(super) async fn read_with_retries<T, F: Future<Output = Result<T, Error>>>(
    read: impl Fn() -> F,
) -> Result<T, Error> {
    let start = Instant::now();
    loop {
        match read().await {
            Err(cause) if cause.is_temporary() && start.elapsed() < CHUNK_TIMEOUT => sleep(RETRY_INTERVAL).await,
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_cannot_be_had_now_is_asked_for_again_for_a_while() {
        let asked = &Cell::new(0);
        let read = |failures: u32, cause: fn() -> Error| {
            asked.set(0);
            read_with_retries(move || {
                asked.set(asked.get() + 1);
                std::future::ready(if asked.get() > failures { Ok(()) } else { Err(cause()) })
            })
        };
        assert!(read(2, || Error::Busy).await.is_ok());
        assert_eq!(asked.get(), 3);
        assert!(matches!(read(1, || Error::Forbidden).await, Err(Error::Forbidden)));
        assert_eq!(asked.get(), 1);
    }
}
