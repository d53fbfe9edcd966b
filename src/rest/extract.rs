//! Extractors of the task routes, in the order of their checks: token 401, path user 403, size 413, fields 422.
//! See docs/contracts/legacy-rest.md#order-of-checks.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request},
    http::{Extensions, HeaderMap, Uri, header, request::Parts},
};
use entity::id::{TaskId, UserId};
use serde_json::{Map, Value};
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::{
    errors::RestError,
    fields::BodyFields,
    json,
    pydantic::PydanticError,
    query::{CompletionQuery, USER, refuse_parameters},
};
use crate::{
    error::{Error, Thing},
    media_type::MediaType,
    service::{
        RequestScope, Services,
        auth::{Client, CurrentUser},
        changes::Changes,
        labels::Labels,
        tasks::{TaskRef, Tasks},
        user_data::UserData,
    },
    telemetry::SecurityEvent,
    view::User,
};

/// How many bytes a body has at most: a task of the greatest size has less, with a description of the usual length less
/// than a third, however it is escaped.
pub(crate) const MAX_BODY: usize = 64 << 10;
/// The user of the token, who is also the user of the path.
pub(super) struct Caller {
    services: Arc<Services>,
    user: CurrentUser,
}

/// The path's task id and the parameters behind it, read only after the caller is known.
pub(super) struct TaskPath {
    id: String,
    query: String,
}

/// A body within its limit, not yet looked into.
pub(super) struct TaskBody {
    bytes: Bytes,
    is_json: bool,
}

/// Which state a task is to have, said in the query, in the body, in both or nowhere.
pub(super) struct Completion {
    query: String,
    body: TaskBody,
}

impl Caller {
    /// Who it is.
    pub(super) fn id(&self) -> &UserId {
        self.user.id()
    }

    /// The caller's tasks.
    pub(super) fn tasks(&self) -> Tasks<'_> {
        self.services.tasks(&self.user)
    }

    /// The caller's labels.
    pub(super) fn labels(&self) -> Labels<'_> {
        self.services.labels(&self.user)
    }

    /// The feed of the caller's changes.
    pub(super) fn changes(&self) -> Changes<'_> {
        self.services.changes(&self.user)
    }

    /// Reads some more of the caller's data, when the answer has begun already.
    pub(super) async fn read_on<T>(&self, read: impl Future<Output = T>) -> T {
        self.services.read_for(&self.user, read).await
    }

    /// Notes that the client has seen that revision.
    pub(super) fn note_seen(&self, revision: i64) {
        self.services.note_seen(revision);
    }

    /// Takes out of the caller's quota what it costs to write so many rows.
    pub(super) fn count(&self, rows: usize) -> Result<(), Error> {
        self.services.count_rows(&self.user, rows)
    }

    /// The caller's account; of an account that is elsewhere only the id is known.
    pub(super) async fn account(&self) -> Result<User, Error> {
        let account = self.services.auth().account(&self.user).await?;
        Ok(account.map_or_else(|| User::elsewhere(&self.user), User::from))
    }

    /// All of the caller's data.
    pub(super) fn data(&self) -> UserData<'_> {
        self.services.data(&self.user)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RestError> {
        let scope = scope_of(&parts.extensions)?;
        let (services, user) = (Arc::clone(&scope.services), scope.identity.user()?.clone());
        // A path without a user is about the token's.
        let names_user = parts.extensions.get::<MatchedPath>().is_some_and(|it| it.as_str().contains("{user_id}"));
        let is_user = |id: &str| id == user.id().0;
        let is_of_path = !names_user || path_parameter(parts, "user_id").await.as_deref().is_some_and(is_user);
        if !is_of_path || !query_users(&parts.uri).all(|id| is_user(&id)) {
            let client = parts.extensions.get::<Client>().cloned().unwrap_or_default();
            SecurityEvent::AccessDenied.log(&user.id().0, client);
            return Err(Error::Forbidden.into());
        }
        let user = if parts.method.is_safe() { user } else { services.auth().as_owner(user).await? };
        Ok(Self { services, user })
    }
}

/// The users that the query names.
fn query_users(uri: &Uri) -> impl Iterator<Item = Cow<'_, str>> {
    let parameters = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    parameters.filter(|(name, _)| name == USER).map(|(_, id)| id)
}

/// What authentication found out about the request, which every task route is behind.
pub(super) fn scope_of(extensions: &Extensions) -> Result<&RequestScope, Error> {
    extensions.get().ok_or(Error::Unauthenticated)
}

impl FromRequestParts<Arc<Services>> for TaskPath {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Services>) -> Result<Self, RestError> {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let id = path_parameter(parts, "task_id").await.ok_or(Error::NotFound(Thing::Task))?;
        Ok(Self { id, query })
    }
}

impl TaskPath {
    /// The task's key, on routes that take no parameters.
    pub(super) fn key(&self, problems: &mut Vec<PydanticError>) -> Option<TaskRef> {
        let key = self.id(problems);
        problems.extend(refuse_parameters(&self.query).err().unwrap_or_default());
        key
    }

    /// The task's key: its number, or its UUID. A number that is too large is one that no task has.
    pub(super) fn id(&self, problems: &mut Vec<PydanticError>) -> Option<TaskRef> {
        let text = self.id.as_str();
        if let Ok(number) = text.parse() {
            return Some(TaskRef::Number(number));
        }
        if let Ok(id) = text.parse() {
            return Some(TaskRef::Id(TaskId(id)));
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) {
            return Some(TaskRef::Number(0));
        }
        problems.push(PydanticError::not_an_integer(&["path", "task_id"]).of(&Value::from(text)));
        None
    }

    /// The key alone, where nothing else can be wrong.
    pub(super) fn only_key(&self) -> Result<TaskRef, RestError> {
        let mut problems = Vec::new();
        self.key(&mut problems).filter(|_| problems.is_empty()).ok_or(RestError::Validation(problems))
    }
}

impl IntoParams for TaskPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let number = i64::schema();
        let parameter = ParameterBuilder::new().name("task_id").parameter_in(ParameterIn::Path).schema(Some(number));
        let description = "The number of the task; its UUID works too.";
        vec![parameter.required(Required::True).description(Some(description)).build()]
    }
}

async fn path_parameter(parts: &mut Parts, name: &str) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    params.iter().find(|(it, _)| *it == name).map(|(_, value)| value.to_owned())
}

impl<S: Send + Sync> FromRequest<S> for TaskBody {
    type Rejection = RestError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RestError> {
        // FastAPI takes a body that names no media type for JSON.
        let is_json = MediaType::of_body(request.headers()).is_none_or(|it| it.is_json());
        Ok(Self { bytes: read(request, MAX_BODY).await?, is_json })
    }
}

impl<S: Send + Sync> FromRequest<S> for Completion {
    type Rejection = RestError;

    async fn from_request(request: Request, state: &S) -> Result<Self, RestError> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        Ok(Self { query, body: TaskBody::from_request(request, state).await? })
    }
}

impl Completion {
    /// The state to set; none where the task changes to the opposite.
    pub(super) fn read(self, problems: &mut Vec<PydanticError>) -> Option<bool> {
        let of_query = CompletionQuery::parse(&self.query).unwrap_or_else(|found| {
            problems.extend(found);
            None
        });
        let of_body = self.body.read_if_there(problems, |fields| fields.completed()).flatten();
        if of_query.zip(of_body).is_some_and(|(query, body)| query != body) {
            problems.push(PydanticError::contradicts(&["body", "completed"], "the query"));
        }
        of_body.or(of_query)
    }
}

/// How many bytes the body says it has, unless it is too many.
pub(super) fn content_length(headers: &HeaderMap, most: usize) -> Result<Option<usize>, RestError> {
    let bytes = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    if bytes.is_some_and(|bytes| bytes > most) { Err(RestError::TooLarge) } else { Ok(bytes) }
}

/// The body, unless it has, or says it has, too many bytes.
pub(super) async fn read(request: Request, most: usize) -> Result<Bytes, RestError> {
    content_length(request.headers(), most)?;
    to_bytes(request.into_body(), most).await.map_err(|_| RestError::TooLarge)
}

impl TaskBody {
    /// Reads the fields of a body that must be there.
    pub(super) fn read<T>(
        self,
        problems: &mut Vec<PydanticError>,
        read: impl FnOnce(BodyFields<'_>) -> T,
    ) -> Option<T> {
        match self.value() {
            Ok(Some(Value::Object(object))) => Some(read(BodyFields::new(&object, problems))),
            other => {
                problems.push(not_an_object(other));
                None
            }
        }
    }

    /// Reads the fields of a body that may be absent or `null`.
    pub(super) fn read_if_there<T>(
        self,
        problems: &mut Vec<PydanticError>,
        read: impl FnOnce(BodyFields<'_>) -> T,
    ) -> Option<T> {
        match self.value() {
            Ok(None | Some(Value::Null)) => Some(read(BodyFields::new(&Map::new(), problems))),
            Ok(Some(Value::Object(object))) => Some(read(BodyFields::new(&object, problems))),
            other => {
                problems.push(not_an_object(other));
                None
            }
        }
    }

    /// The JSON value, or nothing for no body; a body of another media type is text.
    fn value(&self) -> Result<Option<Value>, Box<PydanticError>> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        if !self.is_json {
            return Ok(Some(Value::String(String::from_utf8_lossy(&self.bytes).into_owned())));
        }
        json::parse(&self.bytes).map(Some)
    }
}

fn not_an_object(value: Result<Option<Value>, Box<PydanticError>>) -> PydanticError {
    match value {
        Err(fault) => *fault,
        Ok(None) => PydanticError::missing(&["body"]),
        Ok(Some(value)) => PydanticError::not_an_object().of(&value),
    }
}
