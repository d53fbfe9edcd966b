//! What is given of a task: when it is made, and when it changes. A field that is added has its place here.

use entity::{
    id::{LabelId, ListId, OwnerId, TaskId},
    task::{self, Priority},
    text::search_key,
    time::Micros,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    sea_query::Expr,
};

use super::{
    Description, Due, ExtraFields, TimeZone, Title,
    change::{ColumnValues, completion, due},
};
use crate::service::{labels::LabelSelection, values::new_id};

/// A task that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// The id, if the client chose it: the same task with it is made once, and another is a conflict.
    pub id: Option<TaskId>,
    /// What to do.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// Whether it is done already.
    pub completed: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due.
    pub due: Option<Due>,
    /// The list that it is in.
    pub list: Option<ListId>,
    /// Its parent task, in whose list it is.
    pub parent: Option<TaskId>,
    /// Its labels.
    pub labels: LabelSelection,
    /// What clients of REST keep with it.
    pub extra: ExtraFields,
}

impl NewTask {
    /// A task with that title, and nothing else given.
    pub fn titled(title: Title) -> Self {
        Self {
            id: None,
            title,
            description: None,
            completed: false,
            priority: Priority::default(),
            due: None,
            list: None,
            parent: None,
            labels: LabelSelection::default(),
            extra: ExtraFields::default(),
        }
    }

    /// Whether nothing has to be looked up to make it.
    pub(super) fn is_plain(&self) -> bool {
        self.id.is_none() && self.list.is_none() && self.parent.is_none() && self.labels.is_empty()
    }

    /// What makes this task of that one, which has these labels. A subtask is in the list of its parent, whatever is given.
    pub(in crate::service) fn difference(&self, row: &task::Model, its_labels: &[LabelId]) -> TaskPatch {
        let wanted = self.clone().row(row.owner_id);
        let Self { id: _, title, description, completed, priority, due, list, parent, labels, extra: _ } = self.clone();
        let has_other_due = wanted.due_date != Set(row.due_date)
            || wanted.due_at != Set(row.due_at)
            || wanted.due_zone != Set(row.due_zone.clone());
        let has_other_labels = match &labels {
            LabelSelection::Ids(ids) => {
                ids.iter().any(|it| !its_labels.contains(it)) || its_labels.iter().any(|it| !ids.contains(it))
            }
            LabelSelection::Names(_) => true,
        };
        TaskPatch {
            title: (wanted.title != Set(row.title.clone())).then_some(title),
            description: (wanted.description != Set(row.description.clone())).then_some(description),
            completed: (completed != row.completed).then_some(completed),
            priority: (priority != row.priority).then_some(priority),
            due: has_other_due.then_some(due),
            list: (parent.is_none() && list != row.list_id).then_some(list),
            parent: (parent != row.parent_id).then_some(parent),
            labels: has_other_labels.then_some(labels),
            // Who is to have the same says nothing about it.
            extra: ExtraFields::default(),
        }
    }

    /// Its row, which has no number, revision and position yet.
    pub(in crate::service) fn row(self, owner: OwnerId) -> task::ActiveModel {
        let Self { id, title, description, completed, priority, due, list, parent, labels: _, extra } = self;
        let now = Micros::now();
        let (title, description) = (String::from(title), description.map(String::from));
        let (title_key, description_key) = (search_key(&title), description.as_deref().map(search_key));
        let (due_date, due_at, due_zone) = match due {
            None => (None, None, None),
            Some(Due::Date(date)) => (Some(date.into()), None, None),
            Some(Due::At(at, zone)) => (None, Some(at.into()), Some(zone.name().to_owned())),
            Some(Due::ShownInstant(at)) => (None, Some(at.into()), Some(TimeZone::UTC.name().to_owned())),
        };
        task::ActiveModel {
            number: NotSet,
            id: Set(id.unwrap_or_else(|| TaskId(new_id()))),
            owner_id: Set(owner),
            parent_id: Set(parent),
            list_id: Set(list),
            title: Set(title),
            description: Set(description),
            completed: Set(completed),
            completed_at: Set(completed.then_some(now)),
            priority: Set(priority),
            due_date: Set(due_date),
            due_at: Set(due_at),
            due_zone: Set(due_zone),
            position: NotSet,
            revision: NotSet,
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
            title_key: Set(title_key),
            description_key: Set(description_key),
            extra: Set(extra.stored()),
        }
    }
}

/// Changes to a task: an absent field stays, an inner `None` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskPatch {
    /// What to do.
    pub title: Option<Title>,
    /// More about it.
    pub description: Option<Option<Description>>,
    /// Whether it is done.
    pub completed: Option<bool>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When it is due.
    pub due: Option<Option<Due>>,
    /// The list that it is in.
    pub list: Option<Option<ListId>>,
    /// Its parent task.
    pub parent: Option<Option<TaskId>>,
    /// All its labels.
    pub labels: Option<LabelSelection>,
    /// What clients of REST keep with it: others stay.
    pub extra: ExtraFields,
}

/// What a change says about a task beside its columns.
pub(super) struct Relations {
    /// The list that it is in.
    pub(super) list: Option<Option<ListId>>,
    /// Its parent task.
    pub(super) parent: Option<Option<TaskId>>,
    /// All its labels.
    pub(super) labels: Option<LabelSelection>,
    /// What clients of REST keep with it, which depends on what they keep now.
    pub(super) extra: ExtraFields,
}

impl TaskPatch {
    /// The columns that change, and what is asked of the relations.
    pub(super) fn split(self) -> (ColumnValues, Relations) {
        let Self { title, description, completed, priority, due: new_due, list, parent, labels, extra } = self;
        let mut changes = ColumnValues::new();
        if let Some(title) = title {
            let title = String::from(title);
            changes.push((task::Column::TitleKey, Expr::value(search_key(&title))));
            changes.push((task::Column::Title, Expr::value(title)));
        }
        if let Some(description) = description {
            let description = description.map(String::from);
            changes.push((task::Column::DescriptionKey, Expr::value(description.as_deref().map(search_key))));
            changes.push((task::Column::Description, Expr::value(description)));
        }
        if let Some(priority) = priority {
            changes.push((task::Column::Priority, Expr::value(priority)));
        }
        if let Some(new_due) = new_due {
            changes.extend(due(new_due));
        }
        if let Some(completed) = completed {
            changes.extend(completion(Expr::value(completed)));
        }
        (changes, Relations { list, parent, labels, extra })
    }
}
