//! CollectFields (GraphQL, 6.3.2), ahead of execution: fragments are expanded and fields of one response key are one
//! field, so that the executor does everything once.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{Argument, DirectiveList},
    collections::HashSet,
    executable::{Field, Operation, OperationType, Selection, SelectionSet, Value},
    parser::SourceSpan,
    response::JsonMap,
    schema::ExtendedType,
    validation::Valid,
};
use async_graphql::{
    Name as Word, Pos, Positioned,
    indexmap::IndexMap,
    parser::types::{
        DocumentOperations, ExecutableDocument as Executable, Field as FieldNode, InlineFragment, OperationDefinition,
        OperationType as Kind, Selection as SelectionNode, SelectionSet as SelectionNodes, Type, TypeCondition,
        VariableDefinition,
    },
};

use super::literal::argument;

/// Turns an operation of one library into one of the other.
pub(super) struct Merge<'a> {
    schema: &'a Schema,
    document: &'a Valid<ExecutableDocument>,
    conditions: Conditions<'a>,
}

/// What decides about `@skip` and `@include`.
#[derive(Clone, Copy)]
pub(super) enum Conditions<'a> {
    /// Nothing: all is selected.
    Ignored,
    /// Literals alone: the result must hold for all variables.
    Unknown,
    /// These variables.
    By(&'a JsonMap),
}

/// The name of two fields of an operation that cannot be one, which the validator does not see: it compares lists only
/// as far as the shorter one goes (GraphQL, 5.3.2).
pub(super) fn conflict<'a>(
    schema: &'a Valid<Schema>,
    document: &'a Valid<ExecutableDocument>,
    operation: &'a Operation,
) -> Option<&'a Name> {
    let all = Merge::new(schema, document, Conditions::Ignored);
    all.conflict(&operation.selection_set.ty, &[&operation.selection_set])
}

/// Whether something is selected; nothing when that depends on a variable.
type Selected = Option<bool>;

/// Fields by response key, in the order of the answer.
type FieldsByKey<'a> = IndexMap<&'a Name, Vec<&'a Node<Field>>>;

/// One object type's part of what is selected.
struct Collected<'a> {
    on: &'a str,
    fields: FieldsByKey<'a>,
    visited: HashSet<&'a Name>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        schema: &'a Valid<Schema>,
        document: &'a Valid<ExecutableDocument>,
        conditions: Conditions<'a>,
    ) -> Self {
        Self { schema, document, conditions }
    }

    fn conflict(&self, on: &'a str, sets: &[&'a SelectionSet]) -> Option<&'a Name> {
        let objects = self.objects_of(on).unwrap_or_else(|| vec![on]);
        let mut groups = objects.into_iter().filter_map(|on| self.collected(on, sets)).flat_map(IndexMap::into_values);
        groups.find_map(|same| {
            let first = same.first()?;
            let other = same.iter().find(|it| !same_lists(&first.arguments, &it.arguments));
            let sets: Vec<&SelectionSet> = same.iter().filter_map(|it| it.selection_set.as_ref()).collect();
            other.map(|it| &it.name).or_else(|| self.conflict(first.definition.ty.inner_named_type(), &sets))
        })
    }

    /// The operation; nothing when a variable decides what is selected and there are none.
    pub(super) fn operation(&self, operation: &'a Operation) -> Option<Executable> {
        let selected = self.selection(&operation.selection_set.ty, &[&operation.selection_set])?;
        let variables = operation.variables.iter().filter_map(|it| {
            Some(at(
                Pos::default(),
                VariableDefinition {
                    name: at(Pos::default(), Word::new(&it.name)),
                    var_type: at(Pos::default(), Type::new(&it.ty.to_string())?),
                    directives: Vec::new(),
                    default_value: None,
                },
            ))
        });
        let definition = OperationDefinition {
            ty: match operation.operation_type {
                OperationType::Query => Kind::Query,
                OperationType::Mutation => Kind::Mutation,
                OperationType::Subscription => Kind::Subscription,
            },
            variable_definitions: variables.collect(),
            directives: Vec::new(),
            selection_set: at(Pos::default(), selected),
        };
        let operations = DocumentOperations::Single(at(Pos::default(), definition));
        Some(Executable { operations, fragments: HashMap::new() })
    }

    /// What is selected of a type.
    fn selection(&self, on: &'a str, sets: &[&'a SelectionSet]) -> Option<SelectionNodes> {
        let Some(objects) = self.objects_of(on) else {
            return Some(SelectionNodes { items: self.fields(on, sets)? });
        };
        let mut items = Vec::new();
        for object in objects {
            let selection_set = SelectionNodes { items: self.fields(object, sets)? };
            let condition = TypeCondition { on: at(Pos::default(), Word::new(object)) };
            let fragment = InlineFragment {
                type_condition: Some(at(Pos::default(), condition)),
                directives: Vec::new(),
                selection_set: at(Pos::default(), selection_set),
            };
            items.push(at(Pos::default(), SelectionNode::InlineFragment(at(Pos::default(), fragment))));
        }
        Some(SelectionNodes { items })
    }

    /// The object types that an abstract type may be; nothing for an object type.
    fn objects_of(&self, on: &str) -> Option<Vec<&'a str>> {
        match self.schema.types.get(on)? {
            ExtendedType::Union(union) => Some(union.members.iter().map(|it| it.as_str()).collect()),
            ExtendedType::Interface(_) => {
                let objects = self.schema.types.iter().filter(|(_, it)| it.is_object()).map(|(name, _)| name.as_str());
                Some(objects.filter(|it| self.schema.is_subtype(on, it)).collect())
            }
            _ => None,
        }
    }

    fn fields(&self, on: &'a str, sets: &[&'a SelectionSet]) -> Option<Vec<Positioned<SelectionNode>>> {
        self.collected(on, sets)?.into_values().map(|it| self.field(&it)).collect()
    }

    fn collected(&self, on: &'a str, sets: &[&'a SelectionSet]) -> Option<FieldsByKey<'a>> {
        let mut collected = Collected { on, fields: FieldsByKey::default(), visited: HashSet::default() };
        for set in sets {
            self.collect(&set.selections, &mut collected)?;
        }
        Some(collected.fields)
    }

    fn collect(&self, selections: &'a [Selection], into: &mut Collected<'a>) -> Option<()> {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    if self.is_selected(&field.directives)? {
                        into.fields.entry(field.response_name()).or_default().push(field);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let applies = fragment.type_condition.as_ref().is_none_or(|it| self.applies(it, into.on));
                    if self.is_selected(&fragment.directives)? && applies {
                        self.collect(&fragment.selection_set.selections, into)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if !self.is_selected(&spread.directives)? || !into.visited.insert(&spread.fragment_name) {
                        continue;
                    }
                    let fragment = self.document.fragments.get(&spread.fragment_name)?;
                    if self.applies(fragment.type_condition(), into.on) {
                        self.collect(&fragment.selection_set.selections, into)?;
                    }
                }
            }
        }
        Some(())
    }

    fn applies(&self, condition: &Name, object: &str) -> bool {
        condition == object || self.schema.is_subtype(condition, object)
    }

    fn is_selected(&self, directives: &DirectiveList) -> Selected {
        if matches!(self.conditions, Conditions::Ignored) {
            return Some(true);
        }
        let condition = |name: &str| match directives.get(name) {
            None => Some(None),
            Some(directive) => self.truth(directive.specified_argument_by_name("if")?).map(Some),
        };
        let (skip, include) = (condition("skip")?, condition("include")?);
        Some(skip != Some(true) && include != Some(false))
    }

    fn truth(&self, value: &Value) -> Selected {
        match (value, self.conditions) {
            (Value::Boolean(value), _) => Some(*value),
            // The validator has seen that the variable cannot be null or absent.
            (Value::Variable(name), Conditions::By(variables)) => {
                Some(variables.get(name.as_str()).and_then(|it| it.as_bool()) == Some(true))
            }
            _ => None,
        }
    }

    /// One field of all that have its response key.
    fn field(&self, same: &[&'a Node<Field>]) -> Option<Positioned<SelectionNode>> {
        let first = same.first()?;
        let sets: Vec<&SelectionSet> = same.iter().filter_map(|it| it.selection_set.as_ref()).collect();
        let selected = match sets.first() {
            None => SelectionNodes::default(),
            Some(_) => self.selection(first.definition.ty.inner_named_type(), &sets)?,
        };
        let place = self.place(first.location());
        let given = first.arguments.iter().filter(|it| self.is_given(&it.value));
        let field = FieldNode {
            alias: first.alias.as_ref().map(|it| at(place, Word::new(it))),
            name: at(place, Word::new(&first.name)),
            arguments: given.map(|it| (at(place, Word::new(&it.name)), at(place, argument(&it.value)))).collect(),
            directives: Vec::new(),
            selection_set: at(place, selected),
        };
        Some(at(place, SelectionNode::Field(at(place, field))))
    }

    /// An argument whose variable is not given is not given either, so that its default holds (GraphQL, 6.4.1).
    fn is_given(&self, value: &Value) -> bool {
        match (value, self.conditions) {
            (Value::Variable(name), Conditions::By(variables)) => variables.contains_key(name.as_str()),
            _ => true,
        }
    }

    fn place(&self, span: Option<SourceSpan>) -> Pos {
        let place = span.and_then(|it| it.line_column(&self.document.sources));
        place.map(|it| Pos { line: it.line, column: it.column }).unwrap_or_default()
    }
}

/// Whether arguments that the validator takes for the same are.
fn same_lists(left: &[Node<Argument>], right: &[Node<Argument>]) -> bool {
    let value = |name: &Name| right.iter().find(|it| it.name == *name).map(|it| &*it.value);
    left.iter().all(|it| value(&it.name).is_some_and(|other| same_lengths(&it.value, other)))
}

fn same_lengths(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_lengths(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let value = |name: &Name| right.iter().find(|(it, _)| it == name).map(|(_, value)| value);
            left.iter().all(|(name, left)| value(name).is_some_and(|right| same_lengths(left, right)))
        }
        _ => true,
    }
}

/// How many fields and arguments an operation has as the executor takes it.
pub(super) fn nodes(executable: &Executable) -> usize {
    executable.operations.iter().map(|(_, operation)| nodes_of(&operation.node.selection_set.node)).sum()
}

fn nodes_of(set: &SelectionNodes) -> usize {
    let nodes = set.items.iter().map(|it| match &it.node {
        SelectionNode::Field(field) => 1 + field.node.arguments.len() + nodes_of(&field.node.selection_set.node),
        SelectionNode::InlineFragment(fragment) => 1 + nodes_of(&fragment.node.selection_set.node),
        SelectionNode::FragmentSpread(_) => 1,
    });
    nodes.sum()
}

fn at<T>(pos: Pos, node: T) -> Positioned<T> {
    Positioned::new(node, pos)
}
