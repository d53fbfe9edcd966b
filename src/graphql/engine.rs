//! Executing an operation, from its parameters to its response, over any transport.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use apollo_compiler::executable::OperationType;
use async_graphql::{Request, Response, ServerError, Value as Data};
use entity::id::UserId;
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use serde_json::Value;
use tokio::time;
use tracing::{Instrument, debug_span, error};

use super::{
    Schema,
    documents::{Documents, DocumentsError},
    errors,
    loaders::Loaders,
    params::Params,
    validation::{DocumentErrors, DocumentValidator, OperationPlan},
};
use crate::{
    config::{Config, Limits},
    in_flight::{InFlight, InFlightGuard},
    service::{RequestScope, auth::Identity},
    telemetry::metrics::{Metrics, OperationLabels},
};

/// How many fields of a response make one unit of a user's quota.
const FIELDS_OF_UNIT: usize = 100;
/// How many bytes of a document that is new do.
const BYTES_OF_UNIT: usize = 1000;

/// Executes operations within limits.
pub struct Engine {
    schema: Schema,
    front: DocumentValidator,
    documents: Documents,
    metrics: Metrics,
    pub(super) limits: Limits,
    streams: InFlight<UserId>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Why GraphQL cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file of trusted documents.
    #[error("DOCKET_PERSISTED_DOCUMENTS: {0}")]
    Documents(#[source] DocumentsError),
    /// The schema that the resolvers make is not one.
    #[error("the GraphQL schema is not valid: {0}")]
    Schema(String),
}

/// A stream of a user's that is open until this is dropped.
pub(super) type OpenStream = InFlightGuard<UserId>;

/// An operation that may be executed, with the variables that came with it.
pub(super) struct Prepared {
    plan: Arc<OperationPlan>,
    variables: Value,
    /// Whether the response says what the operation cost.
    shows_cost: bool,
}

impl Prepared {
    /// The same, with a response that says in `extensions.cost` what it cost if that is wanted.
    pub(super) fn showing_cost(self, shows_cost: bool) -> Self {
        Self { shows_cost, ..self }
    }

    /// What it is called in logs and metrics.
    pub(super) fn labels(&self) -> &OperationLabels {
        self.plan.labels()
    }

    pub(super) fn is_mutation(&self) -> bool {
        self.plan.kind() == OperationType::Mutation
    }

    pub(super) fn is_subscription(&self) -> bool {
        self.plan.kind() == OperationType::Subscription
    }
}

impl Engine {
    /// An engine for the schema.
    pub fn new(config: &Config, metrics: Metrics) -> Result<Self, EngineError> {
        let schema = super::schema();
        let documents = Documents::new(config.persisted_documents.as_deref(), config.persisted_only);
        Ok(Self {
            front: DocumentValidator::new(&super::sdl_of(&schema), config).map_err(EngineError::Schema)?,
            metrics,
            schema,
            documents: documents.map_err(EngineError::Documents)?,
            limits: config.graphql_limits,
            streams: InFlight::default(),
        })
    }

    /// How many bytes a body has at most.
    pub(crate) fn most_bytes(&self, is_of_user: bool) -> usize {
        if is_of_user { self.limits.body } else { self.limits.for_anonymous().body }
    }

    /// Whether the body of a request of somebody who is signed in has a mutation that would be executed.
    pub fn may_change(&self, body: &[u8]) -> bool {
        let is_mutation = |one: Value| {
            let params = Params::from_json(one).ok();
            let plan = |it: &Params| self.plan(it, true).map(|(plan, _)| plan);
            params.is_some_and(|it| plan(&it).is_ok_and(|it| it.kind() == OperationType::Mutation))
        };
        match serde_json::from_slice(body) {
            Ok(Value::Array(batch)) => batch.len() <= self.limits.batch && batch.into_iter().any(is_mutation),
            Ok(one) => is_mutation(one),
            // It is refused later on.
            Err(_) => false,
        }
    }

    /// The operation that is meant, if it may be executed.
    ///
    /// It is counted whatever becomes of it, and a document that is read for the first time by its length besides: one
    /// that is refused is work too.
    pub(super) fn prepare(&self, params: Params, caller: &RequestScope) -> Result<Prepared, DocumentErrors> {
        let Identity::User(user) = &caller.identity else {
            // A request without a user was counted by its address.
            let (plan, _) = self.plan(&params, false).map_err(|(refused, _)| refused)?;
            return Ok(Prepared { plan, variables: params.variables, shows_cost: false });
        };
        let count =
            |units| caller.services.count_work(user, units).map_err(|error| vec![errors::service_error(&error)]);
        count(1)?;
        let build_plan = self.plan(&params, true);
        let (Ok((_, read)) | Err((_, read))) = &build_plan;
        count(read / BYTES_OF_UNIT)?;
        let (plan, _) = build_plan.map_err(|(refused, _)| refused)?;
        Ok(Prepared { plan, variables: params.variables, shows_cost: false })
    }

    /// The plan, and how many bytes of a document were read to make it.
    fn plan(
        &self,
        params: &Params,
        is_signed_in: bool,
    ) -> Result<(Arc<OperationPlan>, usize), (DocumentErrors, usize)> {
        let text = self.documents.text(&params.document, is_signed_in).map_err(|refused| (refused, 0))?;
        let operation = params.operation_name.as_deref();
        match self.front.cached(&text, operation) {
            Some(plan) => Ok((plan, 0)),
            None => match self.front.plan(&text, operation, is_signed_in) {
                Ok(plan) => Ok((plan, text.len())),
                Err(refused) => Err((refused, text.len())),
            },
        }
    }

    /// Executes a query or mutation.
    pub(super) async fn execute(&self, prepared: Prepared, caller: RequestScope) -> Response {
        let plan = Arc::clone(&prepared.plan);
        let user = match &caller.identity {
            Identity::User(user) => Some((user.clone(), Arc::clone(&caller.services))),
            _ => None,
        };
        let (is_signed_in, shows_cost) = (user.is_some(), prepared.shows_cost);
        let (request, cost) = match self.request(prepared, caller).await {
            Ok(request) => request,
            Err(refused) => return self.error_response(refused),
        };
        let (start, labels) = (Instant::now(), plan.labels());
        let span = debug_span!("operation", otel.name = %labels, graphql.operation.name = %labels);
        // It is large, and each of the steps around it would hold it once more.
        let executed = Box::pin(catch_panic(self.schema.execute(request)).instrument(span));
        // Over a WebSocket or in a stream nothing has limited the user's share yet.
        let executed = async {
            match &user {
                Some((user, services)) => services.for_user(user, executed).await,
                None => executed.await,
            }
        };
        let response = time::timeout(self.time(), executed).await.unwrap_or_else(|_| self.timeout_response());
        self.metrics.executed(labels, start.elapsed(), is_signed_in && response.errors.is_empty());
        let response = self.finish(response);
        if shows_cost { response.extension("cost", cost.into()) } else { response }
    }

    /// Executes any operation; its responses come as a stream.
    pub(super) fn execute_stream(
        self: Arc<Self>,
        prepared: Prepared,
        caller: RequestScope,
    ) -> BoxStream<'static, Response> {
        if !prepared.is_subscription() {
            return async move { self.execute(prepared, caller).await }.into_stream().boxed();
        }
        let begun = async move {
            match self.request(prepared, caller).await {
                Ok((request, _)) => {
                    let answers = AssertUnwindSafe(self.schema.execute_stream(request)).catch_unwind();
                    answers.map(move |answer| self.finish(answer.unwrap_or_else(|_| panic_response()))).boxed()
                }
                Err(refused) => stream::iter([self.error_response(refused)]).boxed(),
            }
        };
        begun.into_stream().flatten().boxed()
    }

    /// The request that executes the operation, and its cost, if its user may ask for so much now.
    async fn request(
        &self,
        prepared: Prepared,
        RequestScope { mut identity, services, is_once }: RequestScope,
    ) -> Result<(Request, usize), DocumentErrors> {
        let has_one_field = prepared.plan.has_one_field();
        let is_query = prepared.plan.kind() == OperationType::Query;
        let (request, cost) = self.front.request(&prepared.plan, prepared.variables)?;
        let refused = |error| vec![errors::service_error(&error)];
        if let Identity::User(user) = identity {
            services.count_work(&user, cost / FIELDS_OF_UNIT).map_err(refused)?;
            let auth = services.auth();
            let user = if is_query { auth.as_known_owner(user).await } else { auth.as_owner(user).await };
            identity = Identity::User(user.map_err(refused)?);
        }
        Ok((with_data(request, RequestScope { identity, services, is_once }, has_one_field), cost))
    }

    /// How many event streams and WebSockets are open.
    pub fn open_streams(&self) -> usize {
        self.streams.total()
    }

    /// Room for one more stream of this user's, or nothing when too many are open on this instance.
    pub(super) fn open_stream(&self, user: &UserId) -> Option<OpenStream> {
        let stream = self.streams.begin(user);
        (stream.others() < self.limits.streams).then_some(stream)
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.limits.seconds.try_into().unwrap_or(u64::MAX))
    }

    fn timeout_response(&self) -> Response {
        let most = self.limits.seconds;
        let message = format!("the operation took more than {most} seconds");
        Response::from_errors(vec![errors::limit_exceeded("seconds", most, "TIMEOUT", message)])
    }

    /// The response to an operation that is not executed.
    pub(super) fn error_response(&self, refused: DocumentErrors) -> Response {
        self.finish(Response::from_errors(refused))
    }

    /// Completes a response: every error gets a code, and there are not too many of them.
    fn finish(&self, mut response: Response) -> Response {
        response.errors.truncate(self.limits.errors);
        response.errors = response.errors.into_iter().map(add_code).collect();
        for error in &response.errors {
            let code = error.extensions.as_ref().and_then(|it| it.get("code"));
            if let Some(Data::String(code)) = code {
                self.metrics.failed(code);
            }
        }
        response
    }
}

/// Runs work that may panic.
async fn catch_panic(work: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| panic_response())
}

/// The response after a panic, which the log has.
fn panic_response() -> Response {
    error!("a resolver panicked");
    Response::from_errors(vec![mask(ServerError::new("", None))])
}

/// Whether the operation was executed; otherwise a response has errors and no data.
pub(super) fn is_executed(response: &Response) -> bool {
    let has_data = response.data != Data::Null || response.errors.iter().any(|error| !error.path.is_empty());
    has_data || response.errors.is_empty()
}

fn with_data(
    request: Request,
    RequestScope { identity, services, is_once: _ }: RequestScope,
    has_one_field: bool,
) -> Request {
    let request = match &identity {
        Identity::User(user) => request.data(Loaders::new(&services, user, has_one_field)),
        _ => request,
    };
    request.data(identity).data(services)
}

/// Errors of resolvers and of the validation have a code. One with a foreign source is masked; what is
/// left is what the executor says of arguments.
fn add_code(mut error: ServerError) -> ServerError {
    let has_code = error.extensions.as_ref().is_some_and(|it| it.get("code").is_some());
    if has_code {
        return error;
    }
    if error.source.is_some() {
        error!(cause = error.message, "a resolver failed with an error of no code");
        return mask(error);
    }
    error.extensions.get_or_insert_default().set("code", "BAD_USER_INPUT");
    error
}

fn mask(mut error: ServerError) -> ServerError {
    error.message = "internal error".to_owned();
    error.source = None;
    error.extensions.get_or_insert_default().set("code", "INTERNAL_SERVER_ERROR");
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_resolver_that_panics_becomes_a_masked_error() {
        let work = async { panic!("the value of a user") };
        let answer = serde_json::to_string(&catch_panic(work).await).unwrap();
        assert!(answer.contains("INTERNAL_SERVER_ERROR"), "{answer}");
        assert!(!answer.contains("the value of a user"), "{answer}");
    }
}
