//! The codes that `extensions.code` of an error can have, as the schema names them.

use async_graphql::Enum;

/// Code of an error: `extensions.code` of every entry of `errors`. New codes may come; take one that is not known for
/// `INTERNAL_SERVER_ERROR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum ErrorCode {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document breaks a rule of the language or does not fit the schema.
    GraphqlValidationFailed,
    /// A variable or argument is not valid or breaks a rule. `extensions.field` names the first field, and
    /// `extensions.problems` all of them with a message each, and with their `path` from the name of the variable if the
    /// request was refused for it. `extensions.index` is the index of the first entry of a list that is wrong.
    BadUserInput,
    /// The document is beyond a limit. `extensions.limit` names it, `extensions.most` is its value, and for the limit
    /// `cost` `extensions.cost` is what the document costs.
    QueryTooExpensive,
    /// The operation took longer than the limit `seconds`.
    Timeout,
    /// No credential was sent, or it is invalid or has expired. Sign in, or get a new token.
    Unauthenticated,
    /// The page that sent the request with a cookie is of an origin that is not trusted.
    Forbidden,
    /// There is no such object, or it belongs to another user.
    NotFound,
    /// The object is not at the expected revision. `extensions.current` is its current state.
    Conflict,
    /// The user has a label with this name.
    NameTaken,
    /// The feed of changes does not reach back to this sync token. Start again without one.
    ResyncRequired,
    /// The `Idempotency-Key` was used for another request.
    IdempotencyKeyReused,
    /// The quota of the user or address is used up, or too many streams are open. `extensions.retryAfter` is how many
    /// seconds to wait.
    RateLimited,
    /// The server is overloaded, or its database is away. Try again.
    ServiceUnavailable,
    /// A fault of the server; its log has the cause.
    InternalServerError,
    /// No document of the server has this `documentId`.
    PersistedDocumentNotFound,
    /// The server executes documents of its file only.
    PersistedDocumentRequired,
    /// The server does not know the query of this hash. Send hash and query together.
    PersistedQueryNotFound,
    /// The server does not take queries by hash. Send the query.
    PersistedQueryNotSupported,
    /// The hash is not that of the query.
    PersistedQueryHashMismatch,
    /// The HTTP request is not well formed.
    BadRequest,
    /// Only GET, HEAD and POST are allowed, and mutations only by POST.
    MethodNotAllowed,
    /// `Accept` allows none of the media types of the answer.
    NotAcceptable,
    /// The body of the request did not arrive in time.
    RequestTimeout,
    /// The body of the request is too large.
    PayloadTooLarge,
    /// The body of the request must be JSON in UTF-8, and not compressed.
    UnsupportedMediaType,
}
