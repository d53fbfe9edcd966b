//! Lists of tasks whose selection is plain, written to the answer in one go: no future and no map for each task. Any
//! other selection is resolved field by field, as everything else is.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
    resolver_utils::resolve_list,
};
use async_graphql_value::RAW_VALUE_TOKEN;
use entity::{
    id::{ListId, TaskId},
    label, list, task,
};
use futures_util::future::try_join_all;

use super::{
    connection::{Cursors, TaskEdge},
    loaders::Loaders,
};
use crate::view::{TASK_BYTES, Task, WriteField, array};

/// Tasks as a list of the schema.
pub(super) struct TaskRows<'a>(pub(super) &'a [task::Model]);

/// Tasks with their places in a list of this order.
pub(super) struct EdgeRows<'a>(pub(super) &'a [task::Model], pub(super) &'a Cursors);

/// One task.
#[derive(Clone, Debug)]
pub(super) struct TaskRow(task::Model);

/// What is selected of each task: response keys and what stands there.
struct NodePlan<'a>(Vec<(&'a str, NodeField<'a>)>);

enum NodeField<'a> {
    TypeName,
    Plain(&'a str),
    List(NodePlan<'a>),
    Labels(NodePlan<'a>),
    LabelIds,
}

/// What a plan needs besides the tasks.
#[derive(Default)]
struct Related {
    lists: HashMap<ListId, list::Model>,
    labels: HashMap<TaskId, Vec<label::Model>>,
}

impl Related {
    fn labels_of(&self, task: &task::Model) -> &[label::Model] {
        self.labels.get(&task.id).map(Vec::as_slice).unwrap_or_default()
    }
}

impl From<task::Model> for TaskRow {
    fn from(row: task::Model) -> Self {
        Self(row)
    }
}

impl OutputType for TaskRow {
    fn type_name() -> Cow<'static, str> {
        Task::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Task as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Self(row) = self;
        // Its relations are loaded together with those of others.
        if let Some(plan) = NodePlan::of_leaves(&field.node.selection_set.node) {
            let mut bytes = Vec::with_capacity(TASK_BYTES);
            plan.write(row, &mut bytes);
            return Ok(raw_value(bytes));
        }
        Task::from(row.clone()).resolve(ctx, field).await
    }
}

impl OutputType for TaskRows<'_> {
    fn type_name() -> Cow<'static, str> {
        Vec::<Task>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<Task>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<Task> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Self(rows) = self;
        if let Some(plan) = NodePlan::of_task(&field.node.selection_set.node)
            && let Some(related) = plan.related(ctx, rows).await
        {
            return Ok(list_of(rows, |row, into| plan.write_task(row, &related, into)));
        }
        let tasks = rows.iter().map(|row| Task::from(row.clone()));
        resolve_list(ctx, field, tasks, Some(rows.len())).await
    }
}

impl OutputType for EdgeRows<'_> {
    fn type_name() -> Cow<'static, str> {
        Vec::<TaskEdge>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<TaskEdge>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<TaskEdge> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Self(rows, cursors) = self;
        if let Some(edges) = Edge::all(&field.node.selection_set.node) {
            let plans =
                edges.iter().filter_map(|(_, edge)| if let Edge::Node(plan) = edge { Some(plan) } else { None });
            let loaded = try_join_all(plans.map(|plan| async { plan.related(ctx, rows).await.ok_or(()) })).await;
            if let Ok(related) = loaded {
                let mut indexes = 0..rows.len();
                return Ok(list_of(rows, |row, into| {
                    let index = indexes.next().unwrap_or_default();
                    write_edge(row, || cursors.cursor(index, row), &edges, &related, into);
                }));
            }
        }
        let edges = rows.iter().enumerate().map(|(index, row)| TaskEdge::new(row, cursors.cursor(index, row)));
        resolve_list(ctx, field, edges, Some(rows.len())).await
    }
}

/// What is selected of an edge.
enum Edge<'a> {
    TypeName,
    Cursor,
    Node(NodePlan<'a>),
}

impl<'a> Edge<'a> {
    fn all(set: &'a SelectionSet) -> Option<Vec<(&'a str, Self)>> {
        fields(set)?
            .map(|(key, field)| {
                let edge = match field.name.node.as_str() {
                    "__typename" => Self::TypeName,
                    "cursor" => Self::Cursor,
                    "node" => Self::Node(NodePlan::of_task(&field.selection_set.node)?),
                    _ => return None,
                };
                Some((key, edge))
            })
            .collect()
    }
}

fn write_edge(
    row: &task::Model,
    cursor: impl Fn() -> String,
    edges: &[(&str, Edge<'_>)],
    related: &[Related],
    into: &mut Vec<u8>,
) {
    let mut related = related.iter();
    object(edges, into, |edge, into| match edge {
        Edge::TypeName => into.extend_from_slice(b"\"TaskEdge\""),
        Edge::Cursor => {
            into.push(b'"');
            into.extend_from_slice(cursor().as_bytes());
            into.push(b'"');
        }
        Edge::Node(plan) => match related.next() {
            Some(related) => plan.write_task(row, related, into),
            None => into.extend_from_slice(b"null"),
        },
    });
}

/// The fields of a set by response key; nothing when it has fragments.
fn fields(set: &SelectionSet) -> Option<impl Iterator<Item = (&str, &Field)>> {
    let is_plain = set.items.iter().all(|it| matches!(it.node, Selection::Field(_)));
    is_plain.then(|| {
        set.items.iter().filter_map(|it| match &it.node {
            Selection::Field(field) => Some((field.node.response_key().node.as_str(), &field.node)),
            _ => None,
        })
    })
}

impl<'a> NodePlan<'a> {
    fn of_task(set: &'a SelectionSet) -> Option<Self> {
        Self::of(set, |field| match field.name.node.as_str() {
            "list" => Some(NodeField::List(Self::of_leaves(&field.selection_set.node)?)),
            "labels" => Some(NodeField::Labels(Self::of_leaves(&field.selection_set.node)?)),
            "labelIds" => Some(NodeField::LabelIds),
            _ => leaf(field),
        })
    }

    fn of_leaves(set: &'a SelectionSet) -> Option<Self> {
        Self::of(set, leaf)
    }

    fn of(set: &'a SelectionSet, part: impl Fn(&'a Field) -> Option<NodeField<'a>>) -> Option<Self> {
        fields(set)?.map(|(key, field)| Some((key, part(field)?))).collect::<Option<_>>().map(Self)
    }

    /// Loads what the plan needs, in one statement for each relation; nothing when that fails, so that each field of
    /// each task can say so.
    async fn related(&self, ctx: &ContextSelectionSet<'_>, rows: &[task::Model]) -> Option<Related> {
        let mut related = Related::default();
        let has = |wanted: fn(&NodeField<'_>) -> bool| self.0.iter().any(|(_, part)| wanted(part));
        let (has_lists, has_labels) = (
            has(|it| matches!(it, NodeField::List(_))),
            has(|it| matches!(it, NodeField::Labels(_) | NodeField::LabelIds)),
        );
        if !has_lists && !has_labels {
            return Some(related);
        }
        let loaders = ctx.data_opt::<Loaders>()?;
        if has_lists {
            let lists: HashSet<ListId> = rows.iter().filter_map(|row| row.list_id).collect();
            related.lists = loaders.asker.clone().lists(lists.into_iter().collect()).await.ok()?;
        }
        if has_labels {
            let tasks = rows.iter().map(|row| row.id).collect();
            related.labels = loaders.asker.clone().labels_of_tasks(tasks).await.ok()?;
        }
        Some(related)
    }

    fn write_task(&self, row: &task::Model, related: &Related, into: &mut Vec<u8>) {
        object(&self.0, into, |part, into| match part {
            NodeField::List(plan) => match row.list_id.and_then(|id| related.lists.get(&id)) {
                Some(list) => plan.write(list, into),
                None => into.extend_from_slice(b"null"),
            },
            NodeField::Labels(plan) => {
                array(related.labels_of(row), into, |label, into| plan.write(label, into));
            }
            NodeField::LabelIds => {
                array(related.labels_of(row), into, |label, into| write_leaf(label, &NodeField::Plain("id"), into));
            }
            leaf => write_leaf(row, leaf, into),
        });
    }

    fn write(&self, row: &impl WriteField, into: &mut Vec<u8>) {
        object(&self.0, into, |part, into| write_leaf(row, part, into));
    }
}

fn leaf<'a>(field: &'a Field) -> Option<NodeField<'a>> {
    match field.name.node.as_str() {
        "__typename" => Some(NodeField::TypeName),
        // It is loaded together with those of others.
        "labelIds" => None,
        name if field.selection_set.node.items.is_empty() && field.arguments.is_empty() => Some(NodeField::Plain(name)),
        _ => None,
    }
}

fn write_leaf<R: WriteField>(row: &R, part: &NodeField<'_>, into: &mut Vec<u8>) {
    match part {
        NodeField::TypeName => {
            into.push(b'"');
            into.extend_from_slice(R::TYPE.as_bytes());
            into.push(b'"');
        }
        NodeField::Plain(name) if row.write(name, into) => {}
        // The validator lets no other field come so far.
        _ => into.extend_from_slice(b"null"),
    }
}

fn object<P>(parts: &[(&str, P)], into: &mut Vec<u8>, mut write: impl FnMut(&P, &mut Vec<u8>)) {
    for (at, (key, part)) in parts.iter().enumerate() {
        into.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
        // A response key is a GraphQL name: there is nothing to escape.
        into.extend_from_slice(key.as_bytes());
        into.extend_from_slice(b"\":");
        write(part, into);
    }
    into.extend_from_slice(if parts.is_empty() { b"{}" } else { b"}" });
}

fn list_of<T>(rows: &[T], write: impl FnMut(&T, &mut Vec<u8>)) -> Value {
    let mut bytes = Vec::with_capacity(rows.len() * TASK_BYTES);
    array(rows, &mut bytes, write);
    raw_value(bytes)
}

/// A value that is JSON already.
fn raw_value(bytes: Vec<u8>) -> Value {
    let json = String::from_utf8(bytes).unwrap_or_default();
    Value::Object(IndexMap::from_iter([(Name::new(RAW_VALUE_TOKEN), Value::String(json))]))
}
