//! Values of the schema's own scalars. The validator takes them as they come; here each is read before anything is
//! executed, so that one that is not of its type refuses the request (GraphQL, 5.6.1 and 6.1.2).

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{DirectiveList, InputValueDefinition, Type},
    collections::HashSet,
    executable::{Operation, Selection, SelectionSet, Value as Literal, VariableDefinition},
    response::{JsonMap, JsonValue},
    schema::ExtendedType,
    validation::Valid,
};
use async_graphql::{ServerError, Value};

use super::{
    literal::{argument, constant},
    outcome::DocumentErrorKind,
};
use crate::view::scalar_fault;

/// A scalar of the schema that nothing here can read.
pub(super) fn unknown(schema: &Schema) -> Option<&Name> {
    let mut scalars = schema.types.iter().filter(|(_, it)| it.is_scalar() && !it.is_built_in());
    scalars.find_map(|(name, _)| scalar_fault(name, &Value::Null).is_none().then_some(name))
}

/// What is wrong with the literals of a valid document.
pub(super) fn faults(schema: &Schema, document: &Valid<ExecutableDocument>) -> Vec<ServerError> {
    let mut search = ScalarSearch { schema, document, faults: Vec::new() };
    for operation in document.operations.iter() {
        for variable in &operation.variables {
            search.directives(&variable.directives);
            if let Some(value) = &variable.default_value {
                search.literal(&variable.ty, value, &variable.name);
            }
        }
        search.directives(&operation.directives);
        search.selections(&operation.selection_set);
    }
    for fragment in document.fragments.values() {
        search.directives(&fragment.directives);
        search.selections(&fragment.selection_set);
    }
    search.faults
}

struct ScalarSearch<'a> {
    schema: &'a Schema,
    document: &'a Valid<ExecutableDocument>,
    faults: Vec<ServerError>,
}

impl ScalarSearch<'_> {
    fn selections(&mut self, set: &SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    for given in &field.arguments {
                        if let Some(definition) = field.definition.argument_by_name(&given.name) {
                            self.literal(&definition.ty, &given.value, &given.name);
                        }
                    }
                    self.directives(&field.directives);
                    field.selection_set.iter().for_each(|it| self.selections(it));
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.directives),
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives);
                    self.selections(&fragment.selection_set);
                }
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        let schema = self.schema;
        for directive in directives.iter() {
            let Some(definition) = schema.directive_definitions.get(&directive.name) else { continue };
            let type_of = |name: &Name| definition.arguments.iter().find(|it| it.name == *name).map(|it| &it.ty);
            for given in &directive.arguments {
                if let Some(of) = type_of(&given.name) {
                    self.literal(of, &given.value, &given.name);
                }
            }
        }
    }

    /// A variable is of its own type, and its value is looked at when it comes.
    fn literal(&mut self, of: &Type, value: &Node<Literal>, name: &Name) {
        match (&**value, of) {
            (Literal::Null | Literal::Variable(_), _) => {}
            (Literal::List(items), Type::List(of) | Type::NonNullList(of)) => {
                items.iter().for_each(|it| self.literal(of, it, name));
            }
            (_, Type::List(of) | Type::NonNullList(of)) => self.literal(of, value, name),
            (Literal::Object(fields), Type::Named(of) | Type::NonNullNamed(of)) => match fields_of(self.schema, of) {
                Some(definitions) => {
                    for (name, value) in fields {
                        definitions.get(name).into_iter().for_each(|it| self.literal(&it.ty, value, name));
                    }
                }
                None => self.scalar(of, value, name),
            },
            (_, Type::Named(of) | Type::NonNullNamed(of)) => self.scalar(of, value, name),
        }
    }

    fn scalar(&mut self, scalar: &Name, value: &Node<Literal>, name: &Name) {
        // What has a variable inside is no value of a scalar.
        let constant = argument(value).into_const().unwrap_or_default();
        if let Some(Some(fault)) = scalar_fault(scalar, &constant) {
            let message = format!("`{name}` {fault}");
            self.faults.push(DocumentErrorKind::Invalid.error(message, value.location(), &self.document.sources));
        }
    }
}

/// The variables of an operation that may have such scalars in them.
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

/// What is wrong with the values of these variables, which are of their types otherwise.
pub(super) fn variable_fault(
    schema: &Schema,
    variables: &[Node<VariableDefinition>],
    values: &JsonMap,
) -> Option<String> {
    variables.iter().find_map(|variable| {
        let value = values.get(variable.name.as_str())?;
        let fault = value_fault(schema, &variable.ty, value)?;
        Some(match fault {
            (None, fault) => format!("the variable `${}` {fault}", variable.name),
            (Some(field), fault) => format!("the variable `${}` is not valid: `{field}` {fault}", variable.name),
        })
    })
}

/// The field of an input object that it is in, and the fault.
type ScalarProblem<'a> = (Option<&'a Name>, &'static str);

fn value_fault<'a>(schema: &'a Schema, of: &'a Type, value: &JsonValue) -> Option<ScalarProblem<'a>> {
    match (value, of) {
        (JsonValue::Null, _) => None,
        (JsonValue::Array(items), Type::List(of) | Type::NonNullList(of)) => {
            items.iter().find_map(|it| value_fault(schema, of, it))
        }
        (_, Type::List(of) | Type::NonNullList(of)) => value_fault(schema, of, value),
        (JsonValue::Object(fields), Type::Named(of) | Type::NonNullNamed(of)) if fields_of(schema, of).is_some() => {
            fields.iter().find_map(|(name, value)| {
                let (name, definition) = fields_of(schema, of)?.get_key_value(name.as_str())?;
                let (field, fault) = value_fault(schema, &definition.ty, value)?;
                Some((field.or(Some(name)), fault))
            })
        }
        (_, Type::Named(of) | Type::NonNullNamed(of)) => {
            // Most are of scalars that the language has.
            let is_own = scalar_fault(of, &Value::Null).is_some();
            let fault = is_own.then(|| scalar_fault(of, &constant(value))).flatten().flatten();
            fault.map(|fault| (None, fault))
        }
    }
}

fn fields_of<'a>(
    schema: &'a Schema,
    name: &Name,
) -> Option<&'a apollo_compiler::collections::IndexMap<Name, Node<InputValueDefinition>>> {
    match schema.types.get(name)? {
        ExtendedType::InputObject(object) => Some(&object.fields),
        _ => None,
    }
}
