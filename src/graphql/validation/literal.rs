//! Values: the rules for literals and selections that the validator lacks, and the way between the two libraries and JSON.

use apollo_compiler::{
    Node,
    ast::{self, Definition},
    collections::HashSet,
    executable::Value as Literal,
    parser::{SourceMap, SourceSpan},
    response::{JsonMap, JsonValue},
    validation::Valid,
};
use async_graphql::{Name, Number, ServerError, Value, Variables, indexmap::IndexMap};
use async_graphql_value::Value as Argument;
use serde_json::Value as Json;

use super::outcome::DocumentErrorKind;

/// Input objects that give a field twice (GraphQL, 5.6.3), and selections of nothing (GraphQL, 2.8).
pub(super) fn faults(document: &ast::Document) -> Vec<ServerError> {
    let mut search = LiteralSearch { sources: &document.sources, faults: Vec::new() };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                for variable in &operation.variables {
                    search.directives(&variable.directives);
                    variable.default_value.iter().for_each(|it| search.value(it));
                }
                search.directives(&operation.directives);
                search.set(&operation.selection_set, definition.location());
            }
            Definition::FragmentDefinition(fragment) => {
                search.directives(&fragment.directives);
                search.set(&fragment.selection_set, definition.location());
            }
            _ => {}
        }
    }
    search.faults
}

/// The document for the rule that a variable with a default may stand where null may not: a default of null does not
/// count for it (GraphQL, 5.8.5). Nothing when there is none.
pub(super) fn without_null_defaults(document: &ast::Document) -> Option<ast::Document> {
    let is_null = |variable: &Node<ast::VariableDefinition>| variable.default_value.as_deref() == Some(&Literal::Null);
    let has_null = |definition: &Definition| match definition {
        Definition::OperationDefinition(operation) => operation.variables.iter().any(is_null),
        _ => false,
    };
    document.definitions.iter().any(has_null).then(|| {
        let mut document = document.clone();
        for definition in &mut document.definitions {
            if let Definition::OperationDefinition(operation) = definition {
                for variable in operation.make_mut().variables.iter_mut().filter(|it| is_null(it)) {
                    variable.make_mut().default_value = None;
                }
            }
        }
        document
    })
}

struct LiteralSearch<'a> {
    sources: &'a SourceMap,
    faults: Vec<ServerError>,
}

impl LiteralSearch<'_> {
    /// What is in braces: nothing is not allowed.
    fn set(&mut self, selections: &[ast::Selection], at: Option<SourceSpan>) {
        if selections.is_empty() {
            let message = "expected a selection between the braces".to_owned();
            self.faults.push(DocumentErrorKind::Unparsed.error(message, at, self.sources));
        }
        for selection in selections {
            match selection {
                ast::Selection::Field(field) => {
                    field.arguments.iter().for_each(|it| self.value(&it.value));
                    self.directives(&field.directives);
                    field.selection_set.iter().for_each(|it| self.set(it, field.name.location()));
                }
                ast::Selection::FragmentSpread(spread) => self.directives(&spread.directives),
                ast::Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives);
                    self.set(&fragment.selection_set, fragment.location());
                }
            }
        }
    }

    fn directives(&mut self, directives: &ast::DirectiveList) {
        directives.iter().flat_map(|it| &it.arguments).for_each(|it| self.value(&it.value));
    }

    fn value(&mut self, value: &Node<Literal>) {
        match &**value {
            Literal::List(values) => values.iter().for_each(|it| self.value(it)),
            Literal::Object(fields) => {
                let mut names = HashSet::default();
                for (name, value) in fields {
                    if !names.insert(name) {
                        let message = format!("there can be only one input field named `{name}`");
                        self.faults.push(DocumentErrorKind::Invalid.error(message, name.location(), self.sources));
                    }
                    self.value(value);
                }
            }
            _ => {}
        }
    }
}

/// The variables of a request. A number without a fraction is an integer however it is written, as in JavaScript.
pub(super) fn given(variables: Json) -> JsonMap {
    match variables {
        Json::Object(object) => object.into_iter().map(|(name, value)| (name.into(), json(value))).collect(),
        _ => JsonMap::new(),
    }
}

/// What a double holds exactly.
const MAX_SAFE: f64 = 9_007_199_254_740_992.0;

fn json(value: Json) -> JsonValue {
    match value {
        Json::Null => JsonValue::Null,
        Json::Bool(value) => JsonValue::Bool(value),
        Json::String(text) => JsonValue::String(text.into()),
        Json::Array(values) => JsonValue::Array(values.into_iter().map(json).collect()),
        Json::Object(object) => object.into_iter().map(|(name, value)| (name, json(value))).collect(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= MAX_SAFE => {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the bounds of i64")]
                let whole = float as i64;
                JsonValue::Number(whole.into())
            }
            _ => JsonValue::Number(number),
        },
    }
}

/// Coerced variables for the executor.
pub(super) fn variables(coerced: &Valid<JsonMap>) -> Variables {
    let mut variables = Variables::default();
    for (name, value) in coerced.iter() {
        variables.insert(Name::new(name.as_str()), constant(value));
    }
    variables
}

pub(super) fn constant(value: &JsonValue) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => Value::Boolean(*value),
        JsonValue::Number(number) => Value::Number(number.clone()),
        JsonValue::String(text) => Value::String(text.as_str().to_owned()),
        JsonValue::Array(values) => Value::List(values.iter().map(constant).collect()),
        JsonValue::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (Name::new(name.as_str()), constant(value))).collect())
        }
    }
}

/// A literal for the executor.
pub(super) fn argument(literal: &Literal) -> Argument {
    match literal {
        Literal::Null => Argument::Null,
        Literal::Boolean(value) => Argument::Boolean(*value),
        Literal::String(text) => Argument::String(text.clone()),
        Literal::Enum(name) => Argument::Enum(Name::new(name)),
        Literal::Variable(name) => Argument::Variable(Name::new(name)),
        Literal::Int(int) => number(int.as_str()),
        Literal::Float(float) => number(float.as_str()),
        Literal::List(values) => Argument::List(values.iter().map(|it| argument(it)).collect()),
        Literal::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (Name::new(name), argument(value)));
            Argument::Object(fields.collect::<IndexMap<_, _>>())
        }
    }
}

/// A number is kept as exactly as JSON can.
fn number(text: &str) -> Argument {
    text.parse::<Number>().map_or(Argument::Null, Argument::Number)
}
