//! What stands between the text of a document and its execution: it judges documents as graphql-js does (parsing,
//! validation, coercion of variables: GraphQL, September 2025), bounds what they cost, and hands the executor one
//! operation whose fragments are expanded and whose fields are merged.

mod cost;
mod literal;
mod merge;
mod scalars;
mod syntax;
mod verdict;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use apollo_compiler::{
    ExecutableDocument, Node, Schema, ast,
    executable::{Operation, OperationType, Selection, VariableDefinition},
    introspection,
    parser::Parser,
    request::coerce_variable_values,
    validation::Valid,
};
use async_graphql::{Request, ServerError, parser::types::ExecutableDocument as Executable};
use quick_cache::Equivalent;
use serde_json::Value;

pub(super) use self::verdict::beyond;
use self::{
    cost::Costs,
    merge::{Conditions, Merge},
    verdict::Verdict,
};
use super::failure;
use crate::{
    config::{Config, Limits},
    service::kept::{Bounded, bounded},
    telemetry::metrics::{Metrics, OperationLabels},
};

/// How many bytes of document text are kept planned.
const KEPT_TEXT: u64 = 1 << 20;
/// What a document weighs at least, so that many small ones are not too many.
const LEAST_WEIGHT: usize = 1024;
/// How many documents are expected.
const EXPECTED: usize = 512;

/// Judges documents and plans them, once each.
#[derive(Debug)]
pub(super) struct Front {
    schema: Valid<Schema>,
    limits: Limits,
    is_explorable: bool,
    metrics: Metrics,
    plans: Bounded<Key, Arc<Plan>>,
}

/// An operation of a document that may be executed.
#[derive(Debug)]
pub(super) struct Plan {
    document: Valid<ExecutableDocument>,
    operation: Node<Operation>,
    /// The operation as the executor takes it, if that depends on no variable.
    fixed: Option<Executable>,
    /// What it costs, if that depends on no variable.
    cost: Option<usize>,
    /// Variables whose values are read once more when they come.
    to_read: Vec<Node<VariableDefinition>>,
    labels: OperationLabels,
}

/// Why a request is refused before it is executed.
pub(super) type Refused = Vec<ServerError>;

impl Front {
    /// A front for the schema of this text.
    pub(super) fn new(sdl: &str, config: &Config, metrics: Metrics) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").map_err(|refused| refused.errors.to_string())?;
        if let Some(scalar) = scalars::unknown(&schema) {
            return Err(format!("values of the scalar {scalar} cannot be checked"));
        }
        let plans = bounded((KEPT_TEXT, EXPECTED), |key: &Key, _| key.text.len().max(LEAST_WEIGHT));
        Ok(Self { schema, limits: config.graphql_limits, is_explorable: config.playground, metrics, plans })
    }

    /// The plan of an operation of a document.
    pub(super) fn plan(&self, text: &str, operation: Option<&str>) -> Result<Arc<Plan>, Refused> {
        if let Some(plan) = self.plans.get(&Sought { operation, text }) {
            return Ok(plan);
        }
        let plan = Arc::new(self.planned(text, operation)?);
        let key = Key { operation: operation.map(Into::into), text: text.into() };
        self.plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }

    fn planned(&self, text: &str, operation: Option<&str>) -> Result<Plan, Refused> {
        let document = self.judged(text)?;
        let operation = document.operations.get(operation).map_err(|error| {
            vec![Verdict::Invalid.error(error.message().to_string(), error.location(), &document.sources)]
        })?;
        introspection::check_max_depth(&document, operation).map_err(|error| {
            vec![Verdict::TooExpensive.error(error.message().to_string(), error.location(), &document.sources)]
        })?;
        if !self.is_explorable && operation.root_fields(&document).any(|it| matches!(&*it.name, "__schema" | "__type"))
        {
            return Err(vec![Verdict::Invalid.error("introspection is off".to_owned(), None, &document.sources)]);
        }
        let costs = Costs::new(&document, &self.limits);
        costs.check_shape(operation)?;
        let (cost, operation) = (costs.cost(operation, None)?, operation.clone());
        if let Some(name) = merge::conflict(&self.schema, &document, &operation) {
            let message = format!("fields `{name}` conflict, as they have lists of different lengths for arguments");
            return Err(vec![Verdict::Invalid.error(message, name.location(), &document.sources)]);
        }
        let fixed = Merge::new(&self.schema, &document, Conditions::Unknown).operation(&operation);
        let labels =
            self.metrics.operation(operation.operation_type.name(), operation.name.as_ref().map(|it| it.as_str()));
        let to_read = scalars::variables_to_read(&self.schema, &operation);
        Ok(Plan { document, operation, fixed, cost, to_read, labels })
    }

    fn judged(&self, text: &str) -> Result<Valid<ExecutableDocument>, Refused> {
        let mut parser = Parser::new().recursion_limit(self.limits.recursion).token_limit(self.limits.tokens);
        let parsed = parser.parse_ast(text, "document");
        if parser.tokens_reached() > self.limits.tokens {
            return Err(beyond("tokens", self.limits.tokens));
        }
        if parser.recursion_reached() > self.limits.recursion {
            return Err(beyond("recursion", self.limits.recursion));
        }
        let document = parsed.map_err(|refused| Verdict::Unparsed.errors(&refused.errors, self.limits.errors))?;
        if let Some(fault) = syntax::fault(text) {
            return Err(vec![fault]);
        }
        let faults = literal::faults(&document);
        if !faults.is_empty() {
            return Err(faults);
        }
        let validated = |document: &ast::Document| {
            document
                .to_executable_validate(&self.schema)
                .map_err(|refused| Verdict::Invalid.errors(&refused.errors, self.limits.errors))
        };
        if let Some(stricter) = literal::without_null_defaults(&document) {
            validated(&stricter)?;
        }
        let document = validated(&document)?;
        let mut faults = scalars::faults(&self.schema, &document);
        faults.truncate(self.limits.errors);
        if faults.is_empty() { Ok(document) } else { Err(faults) }
    }

    /// The request that executes a plan with these variables, an object or null, and how many fields its answer may
    /// have.
    pub(super) fn request(&self, plan: &Plan, variables: Value) -> Result<(Request, usize), Refused> {
        let given = literal::given(variables);
        let refused = |error: apollo_compiler::request::RequestError| {
            vec![Verdict::BadInput.error(error.message().to_string(), error.location(), &plan.document.sources)]
        };
        let coerced = coerce_variable_values(&self.schema, &plan.operation, &given).map_err(refused)?;
        if let Some(fault) = scalars::variable_fault(&self.schema, &plan.to_read, &coerced) {
            return Err(vec![Verdict::BadInput.error(fault, None, &plan.document.sources)]);
        }
        let cost = match plan.cost {
            Some(cost) => cost,
            None => Costs::new(&plan.document, &self.limits).cost(&plan.operation, Some(&coerced))?.unwrap_or(0),
        };
        // A variable that is not given is as if what it stands for was not written.
        let is_whole = coerced.len() == plan.operation.variables.len();
        let executable = match &plan.fixed {
            Some(fixed) if is_whole => fixed.clone(),
            _ => Merge::new(&self.schema, &plan.document, Conditions::By(&coerced))
                .operation(&plan.operation)
                .ok_or_else(undecided)?,
        };
        let mut request = Request::new(String::new()).variables(literal::variables(&coerced));
        request.set_parsed_query(executable);
        Ok((request, cost))
    }
}

impl Plan {
    /// What the operation is.
    pub(super) fn kind(&self) -> OperationType {
        self.operation.operation_type
    }

    /// Whether there is one field at its root.
    pub(super) fn has_one_field(&self) -> bool {
        matches!(&*self.operation.selection_set.selections, [Selection::Field(_)])
    }

    /// What it is called in metrics.
    pub(super) fn labels(&self) -> &OperationLabels {
        &self.labels
    }
}

/// With variables given, every condition can be decided, in a document that the validator has passed.
fn undecided() -> Refused {
    vec![failure::error("INTERNAL_SERVER_ERROR", "internal error")]
}

/// What a plan is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    operation: Option<Box<str>>,
    text: Box<str>,
}

/// A key that is looked for.
struct Sought<'a> {
    operation: Option<&'a str>,
    text: &'a str,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Sought { operation: self.operation.as_deref(), text: &self.text }.hash(state);
    }
}

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.operation, self.text).hash(state);
    }
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.operation == key.operation.as_deref() && *self.text == *key.text
    }
}
