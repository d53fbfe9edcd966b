//! What stands between the text of a document and its execution: it judges documents as graphql-js does (parsing,
//! validation, coercion of variables: GraphQL, September 2025), bounds what they cost, and hands the executor one
//! operation whose fragments are expanded and whose fields are merged.

mod cost;
mod literal;
mod merge;
mod outcome;
mod scalars;
mod syntax;
mod variables;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use apollo_compiler::{
    ExecutableDocument, Node, Schema, ast,
    executable::{Operation, OperationType, Selection, VariableDefinition},
    introspection,
    parser::Parser,
    request::{RequestError, coerce_variable_values},
    response::JsonMap,
    validation::Valid,
};
use async_graphql::{Request, ServerError, parser::types::ExecutableDocument as Executable};
use quick_cache::Equivalent;
use serde_json::Value;

pub(super) use self::outcome::limit_exceeded;
use self::{
    cost::Costs,
    merge::{Conditions, Merge},
    outcome::DocumentErrorKind,
};
use super::errors;
use crate::{
    cache::{ByteBoundedCache, byte_bounded},
    config::{Config, Limits},
    telemetry::metrics::OperationLabels,
};

/// How many bytes of plans are cached.
const CACHE_BYTES: u64 = 16 << 20;
/// What a plan takes beside what it is made of.
const PLAN_BYTES: usize = 2048;
/// What a token of a document takes in what is parsed of it.
const TOKEN_BYTES: usize = 200;
/// What a field or an argument takes in what is executed.
const NODE_BYTES: usize = 400;
/// How many documents are expected.
const EXPECTED: usize = 512;

/// Judges documents and plans them, once each.
#[derive(Debug)]
pub(super) struct DocumentValidator {
    schema: Valid<Schema>,
    limits: Limits,
    /// What documents of those may say who are not signed in: little, because reading it is work.
    anonymous_limits: Limits,
    is_explorable: bool,
    plans: ByteBoundedCache<PlanKey, Arc<OperationPlan>>,
}

/// An operation of a document that may be executed.
#[derive(Debug)]
pub(super) struct OperationPlan {
    document: Valid<ExecutableDocument>,
    operation: Node<Operation>,
    /// The operation as the executor takes it, if that depends on no variable.
    fixed: Option<Executable>,
    /// What it costs, if that depends on no variable.
    cost: Option<usize>,
    /// Variables whose values are read once more when they come.
    to_read: Vec<Node<VariableDefinition>>,
    labels: OperationLabels,
    /// About how many bytes it takes.
    bytes: usize,
}

/// Why a request is refused before it is executed.
pub(super) type DocumentErrors = Vec<ServerError>;

impl DocumentValidator {
    /// A front for the schema of this text.
    pub(super) fn new(sdl: &str, config: &Config) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").map_err(|refused| refused.errors.to_string())?;
        if let Some(scalar) = scalars::unknown(&schema) {
            return Err(format!("values of the scalar {scalar} cannot be checked"));
        }
        let plans =
            byte_bounded(CACHE_BYTES, EXPECTED, |key: &PlanKey, plan: &Arc<OperationPlan>| key.text.len() + plan.bytes);
        let limits = config.graphql_limits;
        let anonymous_limits = limits.for_anonymous();
        Ok(Self { schema, limits, anonymous_limits, is_explorable: config.playground, plans })
    }

    /// The plan of an operation of a document, if it was made before.
    pub(super) fn cached(&self, text: &str, operation: Option<&str>) -> Option<Arc<OperationPlan>> {
        self.plans.get(&PlanKeyRef { operation, text })
    }

    /// Makes the plan of an operation of a document. That of somebody who is not signed in is not cached.
    pub(super) fn plan(
        &self,
        text: &str,
        operation: Option<&str>,
        is_signed_in: bool,
    ) -> Result<Arc<OperationPlan>, DocumentErrors> {
        if !is_signed_in {
            return self.build_plan(text, operation, &self.anonymous_limits).map(Arc::new);
        }
        let plan = Arc::new(self.build_plan(text, operation, &self.limits)?);
        let key = PlanKey { operation: operation.map(Into::into), text: text.into() };
        self.plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }

    fn build_plan(
        &self,
        text: &str,
        operation: Option<&str>,
        limits: &Limits,
    ) -> Result<OperationPlan, DocumentErrors> {
        let (document, tokens) = self.validate(text, limits)?;
        let operation = document.operations.get(operation).map_err(|error| {
            vec![DocumentErrorKind::Invalid.error(error.message().to_string(), error.location(), &document.sources)]
        })?;
        introspection::check_max_depth(&document, operation).map_err(|error| {
            vec![DocumentErrorKind::TooExpensive.error(
                error.message().to_string(),
                error.location(),
                &document.sources,
            )]
        })?;
        if !self.is_explorable && operation.root_fields(&document).any(|it| matches!(&*it.name, "__schema" | "__type"))
        {
            return Err(vec![DocumentErrorKind::Invalid.error(
                "introspection is off".to_owned(),
                None,
                &document.sources,
            )]);
        }
        let costs = Costs::new(&self.schema, &document, limits);
        costs.check_shape(operation)?;
        let (cost, operation) = (costs.cost(operation, None)?, operation.clone());
        if let Some(name) = merge::conflict(&self.schema, &document, &operation) {
            let message = format!("fields `{name}` conflict, as they have lists of different lengths for arguments");
            return Err(vec![DocumentErrorKind::Invalid.error(message, name.location(), &document.sources)]);
        }
        let fixed = Merge::new(&self.schema, &document, Conditions::Unknown).operation(&operation);
        let labels =
            OperationLabels::new(operation.operation_type.name(), operation.name.as_ref().map(|it| it.as_str()));
        let nodes = fixed.as_ref().map_or(0, merge::nodes);
        let bytes = PLAN_BYTES + 2 * text.len() + tokens * TOKEN_BYTES + nodes * NODE_BYTES;
        let to_read = variables::variables_to_read(&self.schema, &operation);
        Ok(OperationPlan { document, operation, fixed, cost, to_read, labels, bytes })
    }

    /// The document, and how many tokens it has.
    fn validate(&self, text: &str, limits: &Limits) -> Result<(Valid<ExecutableDocument>, usize), DocumentErrors> {
        let mut parser = Parser::new().recursion_limit(limits.recursion).token_limit(limits.tokens);
        let parsed = parser.parse_ast(text, "document");
        let tokens = parser.tokens_reached();
        if tokens > limits.tokens {
            return Err(limit_exceeded("tokens", limits.tokens));
        }
        if parser.recursion_reached() > limits.recursion {
            return Err(limit_exceeded("recursion", limits.recursion));
        }
        let document =
            parsed.map_err(|refused| DocumentErrorKind::Unparsed.errors(&refused.errors, self.limits.errors))?;
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
                .map_err(|refused| DocumentErrorKind::Invalid.errors(&refused.errors, self.limits.errors))
        };
        if let Some(stricter) = literal::without_null_defaults(&document) {
            validated(&stricter)?;
        }
        let document = validated(&document)?;
        let mut faults = scalars::faults(&self.schema, &document);
        faults.truncate(self.limits.errors);
        if faults.is_empty() { Ok((document, tokens)) } else { Err(faults) }
    }

    /// The request that executes a plan with these variables, an object or null, and how many fields its answer may
    /// have.
    pub(super) fn request(&self, plan: &OperationPlan, variables: Value) -> Result<(Request, usize), DocumentErrors> {
        let given = literal::given(variables);
        let problems = |variables: &[_], values: &JsonMap| {
            let problems = variables::problems(&self.schema, variables, values, self.limits.errors);
            if problems.is_empty() { Ok(()) } else { Err(vec![variables::error(&problems)]) }
        };
        let refused = |error: RequestError| {
            let (message, sources) = (error.message().to_string(), &plan.document.sources);
            vec![DocumentErrorKind::BadInput.error(message, error.location(), sources)]
        };
        let coerced = coerce_variable_values(&self.schema, &plan.operation, &given)
            .map_err(|error| problems(&plan.operation.variables, &given).err().unwrap_or_else(|| refused(error)))?;
        problems(&plan.to_read, &coerced)?;
        let cost = match plan.cost {
            Some(cost) => cost,
            None => Costs::new(&self.schema, &plan.document, &self.limits)
                .cost(&plan.operation, Some(&coerced))?
                .unwrap_or(0),
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

impl OperationPlan {
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
fn undecided() -> DocumentErrors {
    vec![errors::error("INTERNAL_SERVER_ERROR", "internal error")]
}

/// What a plan is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PlanKey {
    operation: Option<Box<str>>,
    text: Box<str>,
}

/// A key that is looked for.
struct PlanKeyRef<'a> {
    operation: Option<&'a str>,
    text: &'a str,
}

impl Hash for PlanKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        PlanKeyRef { operation: self.operation.as_deref(), text: &self.text }.hash(state);
    }
}

impl Hash for PlanKeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.operation, self.text).hash(state);
    }
}

impl Equivalent<PlanKey> for PlanKeyRef<'_> {
    fn equivalent(&self, key: &PlanKey) -> bool {
        self.operation == key.operation.as_deref() && *self.text == *key.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front() -> DocumentValidator {
        let config = Config::from_vars(|name| {
            (name == "BETTER_AUTH_SECRET").then(|| "a-secret-of-tests-0123456789-ABCDEFGHIJ".to_owned())
        })
        .unwrap();
        DocumentValidator::new(&crate::graphql::sdl(), &config).unwrap()
    }

    #[test]
    fn plans_of_strangers_do_not_outlive_their_requests() {
        let (front, text) = (front(), "{ me { id } }");
        front.plan(text, None, false).unwrap();
        assert!(front.cached(text, None).is_none());
        front.plan(text, None, true).unwrap();
        assert!(front.cached(text, None).is_some());
    }

    #[test]
    fn a_plan_weighs_what_its_text_expands_to() {
        let front = front();
        let levels: String =
            (0..7).map(|it| format!("fragment F{it} on Query {{ a{it}: me {{ id }} ...F{} }} ", it + 1)).collect();
        let text = |selected: &str| format!("{{ {selected} }} {levels} fragment F7 on Query {{ __typename }}");
        let weight = |selected: &str| front.plan(&text(selected), None, true).unwrap().bytes;
        let many = (0..8).map(|it| {
            format!("t{it}: node(id: 1) {{ ... on Task {{ list {{ id name tasks {{ nodes {{ id title }} }} }} }} }} ")
        });
        let (small, large) = (weight("...F0"), weight(&format!("...F0 {}", many.collect::<String>())));
        assert!(small < 64_000 && large > 2 * small, "{small} {large}");
        for number in 0..2000 {
            front.plan(&text(&format!("n{number}: __typename ...F0")), None, true).unwrap();
        }
        let cached = front.plans.weight();
        assert!(cached <= CACHE_BYTES && front.plans.len() < 1000, "{cached} bytes of {} plans", front.plans.len());
    }
}
