//! Values of the schema's own scalars. The validator takes them as they come; here each is read before anything is
//! executed, so that one that is not of its type refuses the request (GraphQL, 5.6.1 and 6.1.2).

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{DirectiveList, InputValueDefinition, Type},
    collections::IndexMap,
    executable::{Selection, SelectionSet, Value as Literal},
    schema::ExtendedType,
    validation::Valid,
};
use async_graphql::{ServerError, Value};

use super::{literal::argument, outcome::DocumentErrorKind};
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

/// The fields of an input object.
pub(super) fn fields_of<'a>(schema: &'a Schema, name: &Name) -> Option<&'a IndexMap<Name, Node<InputValueDefinition>>> {
    match schema.types.get(name)? {
        ExtendedType::InputObject(object) => Some(&object.fields),
        _ => None,
    }
}
