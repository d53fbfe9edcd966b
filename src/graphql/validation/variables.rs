//! Values of variables: what is wrong with them, and where. The library that coerces them (GraphQL, 6.1.2) takes values
//! of the schema's own scalars as they come, and does not say which row or field it refuses.

use apollo_compiler::{
    Name, Node, Schema,
    ast::{Type, VariableDefinition},
    collections::HashSet,
    executable::Operation,
    response::{JsonMap, JsonValue},
    schema::{ExtendedType, InputObjectType},
};
use async_graphql::{PathSegment, ServerError, Value};

use super::{literal::constant, outcome::DocumentErrorKind, scalars::fields_of};
use crate::{graphql::errors, view::scalar_fault};

/// What is wrong with a value of a variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VariableProblem {
    variable: String,
    /// Names of fields and indexes of entries, from the value of the variable down to the value.
    path: Vec<PathSegment>,
    /// What is wrong, in words that follow a name.
    rule: String,
}

/// The way from a variable down to a value.
#[derive(Clone, Copy)]
enum Way<'a> {
    Variable(&'a str),
    Field(&'a Way<'a>, &'a str),
    Entry(&'a Way<'a>, usize),
}

/// The variables of an operation that may have scalars of the schema in them.
pub(super) fn variables_to_read(schema: &Schema, operation: &Operation) -> Vec<Node<VariableDefinition>> {
    let has_scalars = |it: &&Node<VariableDefinition>| has_scalars(schema, &it.ty, &mut HashSet::default());
    operation.variables.iter().filter(has_scalars).cloned().collect()
}

fn has_scalars<'a>(schema: &'a Schema, of: &'a Type, visited: &mut HashSet<&'a Name>) -> bool {
    let name = of.inner_named_type();
    if scalar_fault(name, &Value::Null).is_some() {
        return true;
    }
    let fields = fields_of(schema, name).filter(|_| visited.insert(name));
    fields.is_some_and(|fields| fields.values().any(|it| has_scalars(schema, &it.ty, visited)))
}

/// The first problems with the values of these variables.
pub(super) fn problems(
    schema: &Schema,
    variables: &[Node<VariableDefinition>],
    values: &JsonMap,
    most: usize,
) -> Vec<VariableProblem> {
    let mut search = ProblemSearch { schema, most, problems: Vec::new() };
    for variable in variables {
        let way = Way::Variable(&variable.name);
        match values.get(variable.name.as_str()) {
            Some(value) => search.value(&way, &variable.ty, value),
            None if variable.ty.is_non_null() && variable.default_value.is_none() => {
                search.refuse(&way, "must be given");
            }
            None => {}
        }
    }
    search.problems
}

/// The error that names these problems. There is one at least.
pub(super) fn error(problems: &[VariableProblem]) -> ServerError {
    let texts: Vec<String> = problems.iter().map(VariableProblem::text).collect();
    let mut error = errors::error(DocumentErrorKind::BadInput.code(), texts.join("; "));
    let extensions = error.extensions.get_or_insert_default();
    if let Some(first) = problems.first() {
        extensions.set("field", first.field());
    }
    extensions.set("problems", Value::List(problems.iter().map(VariableProblem::value).collect()));
    error
}

impl VariableProblem {
    /// Name of the field, or of the variable.
    fn field(&self) -> &str {
        let names = self.path.iter().rev().filter_map(|it| match it {
            PathSegment::Field(name) => Some(name),
            PathSegment::Index(_) => None,
        });
        names.into_iter().next().unwrap_or(&self.variable)
    }

    fn text(&self) -> String {
        let inner = self.path.iter().fold(String::new(), |text, segment| match segment {
            PathSegment::Index(index) => format!("{text}[{index}]"),
            PathSegment::Field(name) if text.is_empty() => name.clone(),
            PathSegment::Field(name) => format!("{text}.{name}"),
        });
        match inner.is_empty() {
            true => format!("the variable `${}` {}", self.variable, self.rule),
            false => format!("the variable `${}` is not valid: `{inner}` {}", self.variable, self.rule),
        }
    }

    fn value(&self) -> Value {
        let variable = PathSegment::Field(self.variable.clone());
        let path: Vec<&PathSegment> = [&variable].into_iter().chain(&self.path).collect();
        let json = serde_json::json!({ "field": self.field(), "message": self.rule, "path": path });
        Value::from_json(json).unwrap_or_default()
    }
}

impl Way<'_> {
    fn problem(&self, rule: String) -> VariableProblem {
        let (outer, segment) = match self {
            Self::Variable(name) => return VariableProblem { variable: (*name).to_owned(), path: Vec::new(), rule },
            Self::Field(outer, name) => (outer, PathSegment::Field((*name).to_owned())),
            Self::Entry(outer, index) => (outer, PathSegment::Index(*index)),
        };
        let mut problem = outer.problem(rule);
        problem.path.push(segment);
        problem
    }
}

struct ProblemSearch<'a> {
    schema: &'a Schema,
    most: usize,
    problems: Vec<VariableProblem>,
}

impl ProblemSearch<'_> {
    fn refuse(&mut self, way: &Way<'_>, rule: impl Into<String>) {
        if self.problems.len() < self.most {
            self.problems.push(way.problem(rule.into()));
        }
    }

    fn value(&mut self, way: &Way<'_>, of: &Type, value: &JsonValue) {
        match (value, of) {
            (JsonValue::Null, Type::Named(_) | Type::List(_)) => {}
            (JsonValue::Null, Type::NonNullNamed(_) | Type::NonNullList(_)) => self.refuse(way, "must not be null"),
            (JsonValue::Array(entries), Type::List(of) | Type::NonNullList(of)) => {
                entries.iter().enumerate().for_each(|(index, it)| self.value(&Way::Entry(way, index), of, it));
            }
            // One entry may stand for a list of it.
            (_, Type::List(of) | Type::NonNullList(of)) => self.value(way, of, value),
            (_, Type::Named(name) | Type::NonNullNamed(name)) => self.named(way, name, value),
        }
    }

    fn named(&mut self, way: &Way<'_>, name: &Name, value: &JsonValue) {
        match (self.schema.types.get(name), value) {
            (Some(ExtendedType::InputObject(object)), JsonValue::Object(fields)) => self.object(way, object, fields),
            (Some(ExtendedType::InputObject(_)), _) => self.refuse(way, "must be an object"),
            (Some(ExtendedType::Enum(of)), value) => {
                if !value.as_str().is_some_and(|it| of.values.contains_key(it)) {
                    let names: Vec<&str> = of.values.keys().map(Name::as_str).collect();
                    self.refuse(way, format!("must be one of {}", names.join(", ")));
                }
            }
            _ => scalar_problem(name, value).into_iter().for_each(|rule| self.refuse(way, rule)),
        }
    }

    fn object(&mut self, way: &Way<'_>, object: &InputObjectType, given: &JsonMap) {
        for (name, value) in given {
            let way = Way::Field(way, name.as_str());
            match object.fields.get(name.as_str()) {
                Some(definition) => self.value(&way, &definition.ty, value),
                None => self.refuse(&way, format!("is no field of {}", object.name)),
            }
        }
        for (name, _) in object.fields.iter().filter(|(_, it)| it.is_required()) {
            if !given.contains_key(name.as_str()) {
                self.refuse(&Way::Field(way, name), "must be given");
            }
        }
        let is_one_of = object.directives.has("oneOf");
        if is_one_of && (given.len() != 1 || given.values().any(|it| *it == JsonValue::Null)) {
            self.refuse(way, "must have exactly one field, which is not null");
        }
    }
}

fn scalar_problem(name: &str, value: &JsonValue) -> Option<&'static str> {
    let is_of_language = match name {
        "Int" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        "Float" => value.is_number(),
        "String" => value.is_string(),
        "Boolean" => value.is_boolean(),
        "ID" => value.is_string() || value.is_i64(),
        _ => return scalar_fault(name, &constant(value)).flatten(),
    };
    (!is_of_language).then_some(match name {
        "Int" => "must be a whole number of 32 bits",
        "Float" => "must be a number",
        "String" => "must be a string",
        "Boolean" => "must be true or false",
        _ => "must be a string or a whole number",
    })
}
