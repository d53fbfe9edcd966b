//! One user's labels, and the marks that tie them to tasks.

mod marks;

use std::collections::{HashMap, HashSet};

use entity::{
    id::{LabelId, TaskId},
    label::{self, OfTask},
    task, task_label,
    time::Micros,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, SqlErr,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

use self::marks::marks;
pub(super) use self::marks::{alter, mark_each, of_task, replace};
use super::{
    revisioned::{CommonColumns, Revisioned, Room, has_id, rows},
    scope::{Outcome, Scope, Write},
    tasks::Tasks,
    values::{Color, LabelName, new_id},
};
use crate::error::{Current, Error, Thing, ValidationError};

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
    fn columns(&self) -> Vec<(label::Column, SimpleExpr)> {
        let Self { name, color } = self.clone();
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

impl Revisioned for label::Entity {
    type Id = LabelId;

    const THING: Thing = Thing::Label;
    const COLUMNS: CommonColumns<label::Column> = CommonColumns {
        id: label::Column::Id,
        owner: label::Column::OwnerId,
        revision: label::Column::Revision,
        updated_at: label::Column::UpdatedAt,
        deleted_at: label::Column::DeletedAt,
    };
    const ROOM: Option<Room> =
        Some(Room { most: MAX_LABELS_PER_USER as u64, field: "labels", rule: "are 1,000 already" });

    fn revision(row: &label::Model) -> i64 {
        row.revision
    }

    fn deleted_at(row: &label::Model) -> Option<Micros> {
        row.deleted_at
    }

    fn current(row: label::Model) -> Current {
        Current::Label(row)
    }

    /// Names of labels are unique.
    fn write_error(cause: DbErr) -> Error {
        match cause.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Error::NameTaken,
            _ => cause.into(),
        }
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
            .reads()
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
            .filter(task_label::Column::OwnerId.eq(owner))
            .filter(task_label::Column::TaskId.in_subquery(tasks))
            .into_query();
        let labels = rows::<label::Entity>(owner).filter(label::Column::Id.in_subquery(marks));
        Ok(self.scope.reads().rows(labels.order_by_asc(label::Column::NameKey)).await?)
    }

    /// Those of the labels that are there, in no order, in one statement.
    pub async fn find_many(self, ids: &[LabelId]) -> Result<Vec<label::Model>, Error> {
        self.scope.find_many::<label::Entity>(ids).await
    }

    /// The labels whose names have these keys, in no order.
    pub(super) async fn named(self, keys: &[String]) -> Result<Vec<label::Model>, Error> {
        let named = label::Column::NameKey.is_in(keys.iter().map(String::as_str));
        Ok(self.scope.reads().rows(rows::<label::Entity>(self.scope.owner).filter(named)).await?)
    }

    /// The labels of each of these tasks, in their order, in one statement.
    pub async fn of_tasks(self, tasks: &[TaskId]) -> Result<HashMap<TaskId, Vec<label::Model>>, Error> {
        if tasks.is_empty() {
            return Ok(HashMap::new());
        }
        let mark = |column: task_label::Column| Expr::col((task_label::Entity, column));
        let select = label::of_tasks()
            .filter(mark(task_label::Column::OwnerId).eq(self.scope.owner))
            .apply_if(few(tasks), |select, them| select.filter(mark(task_label::Column::TaskId).is_in(them)));
        let rows: Vec<OfTask> = self.scope.reads().rows(select).await?;
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
                insert(&mut write, draft.clone()).await.map(Outcome::Changed)
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

    /// Frees the names of labels, which get others in the same transaction.
    pub(super) async fn free_names(self, ids: &[LabelId]) -> Result<(), Error> {
        self.scope
            .write(async |write| {
                for id in ids {
                    // No name has a control character.
                    label::Entity::update_many()
                        .col_expr(label::Column::NameKey, Expr::value(format!("\u{1}{id}")))
                        .filter(label::Column::OwnerId.eq(write.owner()))
                        .filter(is(*id))
                        .exec(write.connection())
                        .await?;
                }
                Ok(())
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
    async fn touch_marked(self, write: &mut Write, id: LabelId) -> Result<(), Error> {
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
                    .filter(task_label::Column::OwnerId.eq(write.owner()))
                    .filter(task_label::Column::LabelId.eq(id))
                    .exec(write.connection())
                    .await?;
                Ok(row)
            })
            .await
    }
}

fn is(id: LabelId) -> SimpleExpr {
    has_id::<label::Entity>(id)
}

/// Beyond some hundreds it is cheaper to read all marks of the user than to name the tasks.
fn few(tasks: &[TaskId]) -> Option<Vec<TaskId>> {
    Some(tasks.to_vec()).filter(|it| it.len() <= 500)
}

async fn insert(write: &mut Write, draft: NewLabel) -> Result<label::Model, Error> {
    let NewLabel { id, name, color } = draft;
    write.check_room::<label::Entity>().await?;
    let now = Micros::now();
    let row = label::ActiveModel {
        id: Set(id.unwrap_or_else(|| LabelId(new_id()))),
        owner_id: Set(write.owner()),
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
pub(super) async fn resolve(write: &mut Write, marks: &LabelSelection) -> Result<Vec<LabelId>, Error> {
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

async fn named(write: &mut Write, names: &[&LabelName]) -> Result<Vec<LabelId>, Error> {
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
pub(super) async fn find_or_insert(write: &mut Write, draft: NewLabel) -> Result<(LabelId, bool), Error> {
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
pub(super) async fn check(write: &Write, ids: &[LabelId]) -> Result<(), Error> {
    let ids: HashSet<LabelId> = ids.iter().copied().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<LabelId> = ids.into_iter().collect();
    write.check_exist::<label::Entity>(&ids).await
}
