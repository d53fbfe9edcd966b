//! What an operation costs, found in time that is linear in its text: each fragment is looked at once, however often
//! it is spread.

use std::cell::RefCell;

use apollo_compiler::{
    ExecutableDocument, Name, Schema,
    collections::HashMap,
    executable::{Field, Operation, Selection, SelectionSet, Value},
    response::JsonMap,
    validation::Valid,
};

use super::{DocumentErrors, limit_exceeded, outcome::cost_exceeded};
use crate::{config::Limits, service::labels::MAX_LABELS};

/// Costs of the operations of one document.
pub(super) struct Costs<'a> {
    schema: &'a Valid<Schema>,
    document: &'a Valid<ExecutableDocument>,
    limits: &'a Limits,
}

/// What a set of selections amounts to, whatever its variables.
#[derive(Clone, Copy, Default)]
struct SelectionShape {
    depth: usize,
    fields: usize,
    root_fields: usize,
}

/// How many rows a field gives.
enum Rows {
    Known(usize),
    /// The variables decide, and are not there.
    Unknown,
}

impl<'a> Costs<'a> {
    pub(super) fn new(schema: &'a Valid<Schema>, document: &'a Valid<ExecutableDocument>, limits: &'a Limits) -> Self {
        Self { schema, document, limits }
    }

    /// Refuses what is too deep or too wide.
    pub(super) fn check_shape(&self, operation: &Operation) -> Result<(), DocumentErrors> {
        let shape = self.shape(&operation.selection_set, &RefCell::default());
        let (name, most) = match operation.is_mutation() {
            true => ("mutations", self.limits.mutations),
            false => ("root_fields", self.limits.root_fields),
        };
        for (found, name, most) in [
            (shape.depth, "depth", self.limits.depth),
            (shape.fields, "fields", self.limits.fields),
            (shape.root_fields, name, most),
        ] {
            if found > most {
                return Err(limit_exceeded(name, most));
            }
        }
        Ok(())
    }

    fn shape(&self, set: &'a SelectionSet, known: &RefCell<HashMap<&'a Name, SelectionShape>>) -> SelectionShape {
        set.selections.iter().fold(SelectionShape::default(), |sum, selection| {
            let part = match selection {
                Selection::Field(field) => {
                    let below = field.selection_set.as_ref().map(|it| self.shape(it, known)).unwrap_or_default();
                    SelectionShape { depth: below.depth + 1, fields: below.fields.saturating_add(1), root_fields: 1 }
                }
                Selection::InlineFragment(fragment) => self.shape(&fragment.selection_set, known),
                Selection::FragmentSpread(spread) => self.shape_of_fragment(&spread.fragment_name, known),
            };
            SelectionShape {
                depth: sum.depth.max(part.depth),
                fields: sum.fields.saturating_add(part.fields),
                root_fields: sum.root_fields.saturating_add(part.root_fields),
            }
        })
    }

    fn shape_of_fragment(&self, name: &Name, known: &RefCell<HashMap<&'a Name, SelectionShape>>) -> SelectionShape {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return SelectionShape::default();
        };
        let before = known.borrow().get(name).copied();
        before.unwrap_or_else(|| {
            let shape = self.shape(&fragment.selection_set, known);
            known.borrow_mut().insert(name, shape);
            shape
        })
    }

    /// Refuses what costs too much. Without variables, the cost may be unknown.
    pub(super) fn cost(
        &self,
        operation: &'a Operation,
        variables: Option<&JsonMap>,
    ) -> Result<Option<usize>, DocumentErrors> {
        let sum = Sum { costs: self, variables, known: RefCell::default() };
        match sum.set(&operation.selection_set) {
            Some(cost) if cost > self.limits.cost => Err(cost_exceeded(cost, self.limits.cost)),
            cost => Ok(cost),
        }
    }
}

/// The cost of one operation with its variables.
struct Sum<'a, 'b> {
    costs: &'b Costs<'a>,
    variables: Option<&'b JsonMap>,
    known: RefCell<HashMap<&'a Name, Option<usize>>>,
}

impl<'a> Sum<'a, '_> {
    /// The cost of what any object has, and of the most expensive of the object types that the fragments name: an object
    /// has one type.
    fn set(&self, set: &'a SelectionSet) -> Option<usize> {
        let (mut of_all, mut of_types) = (0_usize, HashMap::<&Name, usize>::default());
        for selection in &set.selections {
            let (part, ty) = match selection {
                Selection::Field(field) => (self.field(field, &set.ty)?, &set.ty),
                Selection::InlineFragment(fragment) => (self.set(&fragment.selection_set)?, &fragment.selection_set.ty),
                Selection::FragmentSpread(spread) => {
                    (self.fragment(&spread.fragment_name)?, spread.fragment_def(self.costs.document)?.type_condition())
                }
            };
            let is_of_one_type = *ty != set.ty && self.costs.schema.get_object(ty).is_some();
            let sum = if is_of_one_type { of_types.entry(ty).or_default() } else { &mut of_all };
            *sum = sum.saturating_add(part);
        }
        Some(of_all.saturating_add(of_types.into_values().max().unwrap_or_default()))
    }

    fn fragment(&self, name: &Name) -> Option<usize> {
        let (name, fragment) = self.costs.document.fragments.get_key_value(name)?;
        let before = self.known.borrow().get(name).copied();
        before.unwrap_or_else(|| {
            let cost = self.set(&fragment.selection_set);
            self.known.borrow_mut().insert(name, cost);
            cost
        })
    }

    fn field(&self, field: &'a Field, parent: &str) -> Option<usize> {
        let Some(below) = &field.selection_set else { return Some(1) };
        match self.rows(field, parent) {
            Rows::Known(rows) => Some(self.set(below)?.saturating_mul(rows.max(1)).saturating_add(1)),
            Rows::Unknown => None,
        }
    }

    /// A page counts as often as is asked for, what is in it once, and another list as often as the limit says.
    fn rows(&self, field: &Field, parent: &str) -> Rows {
        let is_described = parent.starts_with("__") || field.name.starts_with("__");
        let is_of_page = parent.ends_with("Connection") || parent.ends_with("Feed");
        if is_described || is_of_page {
            return Rows::Known(1);
        }
        let sizes: Vec<_> = ["first", "last", "ids"].into_iter().filter_map(|it| self.size(field, it)).collect();
        if sizes.iter().any(|it| matches!(it, Rows::Unknown)) {
            return Rows::Unknown;
        }
        let known = sizes.iter().filter_map(|it| if let Rows::Known(rows) = it { Some(*rows) } else { None }).max();
        let is_page = field.definition.argument_by_name("first").is_some();
        match known {
            Some(rows) => Rows::Known(rows),
            None if parent == "Task" && field.name == "labels" => Rows::Known(self.costs.limits.rows.min(MAX_LABELS)),
            None if is_page || field.definition.ty.is_list() => Rows::Known(self.costs.limits.rows),
            None => Rows::Known(1),
        }
    }

    /// How many rows an argument asks for, if it is given or has a default. Null is as if it was not given.
    fn size(&self, field: &Field, argument: &str) -> Option<Rows> {
        let definition = field.definition.argument_by_name(argument)?;
        let default = || definition.default_value.as_ref().and_then(|it| literal(it));
        let given = field.specified_argument_by_name(argument);
        match given.map(|it| &**it) {
            Some(Value::Variable(name)) => match self.variables {
                None => Some(Rows::Unknown),
                Some(variables) => match variables.get(name.as_str()).filter(|it| !it.is_null()) {
                    Some(value) => {
                        let length = value.as_array().map(Vec::len);
                        length.or_else(|| usize::try_from(value.as_i64()?).ok()).map(Rows::Known)
                    }
                    None => default(),
                },
            },
            // One id stands for a list of one.
            Some(Value::Int(_)) if argument == "ids" => None,
            None | Some(Value::Null) => default(),
            Some(value) => literal(value),
        }
    }
}

fn literal(value: &Value) -> Option<Rows> {
    match value {
        Value::Int(int) => int.as_str().parse().ok().map(Rows::Known),
        Value::List(values) => Some(Rows::Known(values.len())),
        _ => None,
    }
}
