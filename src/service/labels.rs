//! One user's labels, and the marks that tie them to tasks.

use std::collections::{HashMap, HashSet};

use entity::{
    id::{LabelId, TaskId},
    label::{self, OfTask},
    task, task_label,
    time::Micros,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

use super::{
    revisioned::{Revisioned, has_id, rows},
    scope::{Outcome, Scope, Write},
    tasks::Tasks,
    values::{Color, LabelName, new_id},
};
use crate::error::{Error, ValidationError};

/// How many labels a task has at most.
pub const MAX_LABELS: usize = 10;
/// How many labels a user has at most.
pub(super) const MAX_LABELS_PER_USER: usize = 1000;

/// The labels of one user.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    scope: Scope<'a>,
}

/// The labels that a task is to have, each once, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSelection {
    /// Labels that are there.
    Ids(Vec<LabelId>),
    /// Names: a label is made where none has the name.
    Names(Vec<LabelName>),
}

/// A label that is to be made.
#[derive(Clone, Debug)]
pub struct NewLabel {
    /// The id, if the client chose it: the same label with it is made once, and another is a conflict.
    pub id: Option<LabelId>,
    /// Unique among the user's labels, whatever its case.
    pub name: LabelName,
    /// Its color.
    pub color: Option<Color>,
}

/// Changes to a label: an absent field stays, an inner `None` clears.
#[derive(Clone, Debug, Default)]
pub struct LabelPatch {
    /// Unique among the user's labels, whatever its case.
    pub name: Option<LabelName>,
    /// Its color.
    pub color: Option<Option<Color>>,
}

impl Default for LabelSelection {
    fn default() -> Self {
        Self::Ids(Vec::new())
    }
}

impl LabelSelection {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Ids(ids) => ids.is_empty(),
            Self::Names(names) => names.is_empty(),
        }
    }
}

impl LabelPatch {
    /// The columns that change.
    fn columns(self) -> Vec<(label::Column, SimpleExpr)> {
        let Self { name, color } = self;
        let key = name.as_ref().map(|name| (label::Column::NameKey, Expr::value(name.folded())));
        let name = name.map(|name| (label::Column::Name, Expr::value(String::from(name))));
        let color = color.map(|color| (label::Column::Color, Expr::value(color.map(String::from))));
        key.into_iter().chain(name).chain(color).collect()
    }
}

impl NewLabel {
    /// Whether that label was made of the same.
    pub(super) fn is_same(&self, row: &label::Model) -> bool {
        row.name == self.name.as_str() && row.color.as_deref() == self.color.as_ref().map(Color::as_str)
    }
}

impl<'a> Labels<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// All labels, by name.
    pub async fn all(self) -> Result<Vec<label::Model>, Error> {
        Ok(self
            .scope
            .db
            .reader()
            .rows(rows::<label::Entity>(self.scope.owner).order_by_asc(label::Column::NameKey))
            .await?)
    }

    /// The labels that some task has, by name.
    pub async fn in_use(self) -> Result<Vec<label::Model>, Error> {
        let owner = self.scope.owner;
        let tasks = rows::<task::Entity>(owner).select_only().column(task::Column::Id).into_query();
        let marks = task_label::Entity::find()
            .select_only()
            .column(task_label::Column::LabelId)
            .filter(task_label::Column::UserId.eq(owner.clone()))
            .filter(task_label::Column::TaskId.in_subquery(tasks))
            .into_query();
        let labels = rows::<label::Entity>(owner).filter(label::Column::Id.in_subquery(marks));
        Ok(self.scope.db.reader().rows(labels.order_by_asc(label::Column::NameKey)).await?)
    }

    /// Those of the labels that are there, in no order, in one statement.
    pub async fn find_many(self, ids: &[LabelId]) -> Result<Vec<label::Model>, Error> {
        self.scope.find_many::<label::Entity>(ids).await
    }

    /// The labels of each of these tasks, in their order, in one statement.
    pub async fn of_tasks(self, tasks: &[TaskId]) -> Result<HashMap<TaskId, Vec<label::Model>>, Error> {
        if tasks.is_empty() {
            return Ok(HashMap::new());
        }
        let mark = |column: task_label::Column| Expr::col((task_label::Entity, column));
        let select = label::of_tasks()
            .filter(mark(task_label::Column::UserId).eq(self.scope.owner.clone()))
            .apply_if(few(tasks), |select, them| select.filter(mark(task_label::Column::TaskId).is_in(them)));
        let rows: Vec<OfTask> = self.scope.db.reader().rows(select).await?;
        let mut found: HashMap<TaskId, Vec<label::Model>> = HashMap::new();
        for OfTask { task, label } in rows {
            found.entry(task).or_default().extend(label);
        }
        Ok(found)
    }

    /// Makes a label. A repeated request makes nothing: the label of the first is answered.
    pub async fn create(self, draft: NewLabel) -> Result<label::Model, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                if let Some(known) = write.existing::<label::Entity>(draft.id, |it| draft.is_same(it)).await? {
                    return Ok(Outcome::Unchanged(known));
                }
                insert(&mut write, draft).await.map(Outcome::Changed)
            })
            .await
    }

    /// Changes a label; with `expected`, only if that is still its revision. Tasks are shown with the names of their
    /// labels: those that have it count as changed when it gets another.
    pub async fn edit(self, id: LabelId, edit: LabelPatch, expected: Option<i64>) -> Result<label::Model, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                let row = write.find_expected::<label::Entity>(is(id), expected).await?;
                let changes = edit.columns();
                if changes.is_empty() {
                    return Ok(Outcome::Unchanged(row));
                }
                let changed = write.update::<label::Entity>(is(id), changes).await?;
                if changed.name != row.name {
                    self.touch_marked(&mut write, id).await?;
                }
                Ok(Outcome::Changed(changed))
            })
            .await
    }

    /// Restores a deleted label; no task has it.
    pub async fn restore(self, id: LabelId) -> Result<label::Model, Error> {
        self.scope.restore::<label::Entity>(id).await
    }

    /// Brings a deleted label back, with these changes. No task has it.
    pub(super) async fn revive(self, id: LabelId, edit: LabelPatch) -> Result<(), Error> {
        self.scope
            .write(async |mut write| {
                write.check_room::<label::Entity>().await?;
                write.revive::<label::Entity>(id, edit.columns()).await.map(drop)
            })
            .await
    }

    /// Counts the tasks that have the label as changed.
    async fn touch_marked(self, write: &mut Write<'_>, id: LabelId) -> Result<(), Error> {
        let marked =
            marks(write).select_only().column(task_label::Column::TaskId).filter(task_label::Column::LabelId.eq(id));
        Tasks::new(self.scope).touch(write, task::Column::Id.in_subquery(marked.into_query())).await
    }

    /// Deletes a label; the tasks that had it stay, and count as changed.
    pub async fn delete(self, id: LabelId, expected: Option<i64>) -> Result<label::Model, Error> {
        self.scope
            .write(async |mut write| {
                write.find_expected::<label::Entity>(is(id), expected).await?;
                let row = write.delete::<label::Entity>(is(id)).await?;
                self.touch_marked(&mut write, id).await?;
                task_label::Entity::delete_many()
                    .filter(task_label::Column::UserId.eq(write.owner().clone()))
                    .filter(task_label::Column::LabelId.eq(id))
                    .exec(write.connection())
                    .await?;
                Ok(row)
            })
            .await
    }
}

fn marks(write: &Write<'_>) -> Select<task_label::Entity> {
    task_label::Entity::find().filter(task_label::Column::UserId.eq(write.owner().clone()))
}

/// The labels of a task, in their order.
pub(super) async fn of_task(write: &Write<'_>, task: TaskId) -> Result<Vec<LabelId>, Error> {
    let marks = marks(write).filter(task_label::Column::TaskId.eq(task)).order_by_asc(task_label::Column::SortOrder);
    Ok(marks.all(write.connection()).await?.into_iter().map(|mark| mark.label_id).collect())
}

fn is(id: LabelId) -> SimpleExpr {
    has_id::<label::Entity>(id)
}

/// Beyond some hundreds it is cheaper to read all marks of the user than to name the tasks.
fn few(tasks: &[TaskId]) -> Option<Vec<TaskId>> {
    Some(tasks.to_vec()).filter(|it| it.len() <= 500)
}

async fn insert(write: &mut Write<'_>, draft: NewLabel) -> Result<label::Model, Error> {
    let NewLabel { id, name, color } = draft;
    write.check_room::<label::Entity>().await?;
    let now = Micros::now();
    let row = label::ActiveModel {
        id: Set(id.unwrap_or_else(|| LabelId(new_id()))),
        user_id: Set(write.owner().clone()),
        name_key: Set(name.folded()),
        name: Set(name.into()),
        color: Set(color.map(Into::into)),
        revision: Set(write.number().await?),
        created_at: Set(now),
        updated_at: Set(now),
        deleted_at: Set(None),
    };
    label::Entity::insert(row).exec_with_returning(write.connection()).await.map_err(label::Entity::write_error)
}

/// The ids of the labels that are meant, each once; names that no label has yet get one.
pub(super) async fn resolve(write: &mut Write<'_>, marks: &LabelSelection) -> Result<Vec<LabelId>, Error> {
    let mut seen = HashSet::new();
    let ids: Vec<LabelId> = match marks {
        LabelSelection::Ids(ids) => {
            let ids: Vec<_> = ids.iter().copied().filter(|id| seen.insert(id.0.to_string())).collect();
            check(write, &ids).await?;
            ids
        }
        LabelSelection::Names(names) => {
            let names: Vec<_> = names.iter().filter(|name| seen.insert(name.folded())).collect();
            named(write, &names).await?
        }
    };
    if ids.len() > MAX_LABELS { Err(Error::invalid("labels", ValidationError::TooMany(MAX_LABELS))) } else { Ok(ids) }
}

async fn named(write: &mut Write<'_>, names: &[&LabelName]) -> Result<Vec<LabelId>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let there = rows::<label::Entity>(write.owner())
        .filter(label::Column::NameKey.is_in(names.iter().map(|it| it.folded())))
        .all(write.connection())
        .await?;
    let there: HashMap<String, LabelId> = there.into_iter().map(|row| (row.name_key, row.id)).collect();
    let mut ids = Vec::new();
    for name in names {
        ids.push(match there.get(&name.folded()) {
            Some(id) => *id,
            None => insert(write, NewLabel { id: None, name: (*name).clone(), color: None }).await?.id,
        });
    }
    Ok(ids)
}

/// The label with the draft's id, or else with its name, or a new one, which takes the place of a deleted one; and
/// whether it is new.
pub(super) async fn find_or_insert(write: &mut Write<'_>, draft: NewLabel) -> Result<(LabelId, bool), Error> {
    let is_it = label::Column::NameKey.eq(draft.name.folded());
    let is_it = draft.id.iter().fold(is_it, |is_it, id| is_it.or(label::Column::Id.eq(*id)));
    let there = rows::<label::Entity>(write.owner()).filter(is_it);
    let there = there.all(write.connection()).await?;
    if let Some(row) = there.iter().find(|row| Some(row.id) == draft.id).or(there.first()) {
        return Ok((row.id, false));
    }
    if let Some(id) = draft.id {
        write.remove_deleted::<label::Entity>(id).await?;
    }
    Ok((insert(write, draft).await?.id, true))
}

/// Whether all these labels are there.
pub(super) async fn check(write: &Write<'_>, ids: &[LabelId]) -> Result<(), Error> {
    let ids: HashSet<LabelId> = ids.iter().copied().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<LabelId> = ids.into_iter().collect();
    write.check_exist::<label::Entity>(&ids).await
}

/// Adds labels to tasks, behind those that each has, and takes others away.
pub(super) async fn alter(
    write: &Write<'_>,
    tasks: &[TaskId],
    add: &[LabelId],
    remove: &[LabelId],
) -> Result<(), Error> {
    let mut each: HashMap<TaskId, Vec<LabelId>> = tasks.iter().map(|task| (*task, Vec::new())).collect();
    let before = marks(write)
        .filter(task_label::Column::TaskId.is_in(tasks.iter().copied()))
        .order_by_asc(task_label::Column::SortOrder)
        .order_by_asc(task_label::Column::LabelId);
    for mark in before.all(write.connection()).await? {
        each.entry(mark.task_id).or_default().push(mark.label_id);
    }
    for labels in each.values_mut() {
        labels.retain(|label| !remove.contains(label));
        for label in add {
            if !labels.contains(label) {
                labels.push(*label);
            }
        }
        if labels.len() > MAX_LABELS {
            return Err(Error::invalid("labels", ValidationError::TooMany(MAX_LABELS)));
        }
    }
    replace(write, &each.into_iter().collect::<Vec<_>>()).await
}

/// Marks each task with its own labels, in one statement.
pub(super) async fn mark_each(write: &Write<'_>, marks: &[(TaskId, Vec<LabelId>)]) -> Result<(), Error> {
    let rows = marks.iter().flat_map(|(task, labels)| {
        labels.iter().zip(0..).map(move |(label, place)| task_label::ActiveModel {
            user_id: Set(write.owner().clone()),
            task_id: Set(*task),
            label_id: Set(*label),
            sort_order: Set(place),
        })
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let marks = [task_label::Column::UserId, task_label::Column::TaskId, task_label::Column::LabelId];
    let kept = sea_orm::sea_query::OnConflict::columns(marks).do_nothing().to_owned();
    task_label::Entity::insert_many(rows).on_conflict(kept).exec_without_returning(write.connection()).await?;
    Ok(())
}

/// Gives each task its own labels and no others.
pub(super) async fn replace(write: &Write<'_>, marks: &[(TaskId, Vec<LabelId>)]) -> Result<(), Error> {
    task_label::Entity::delete_many()
        .filter(task_label::Column::UserId.eq(write.owner().clone()))
        .filter(task_label::Column::TaskId.is_in(marks.iter().map(|(task, _)| *task)))
        .exec(write.connection())
        .await?;
    mark_each(write, marks).await
}
