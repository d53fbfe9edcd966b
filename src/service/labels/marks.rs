//! The marks that tie labels to tasks.

use std::collections::HashMap;

use entity::{
    id::{LabelId, TaskId},
    task_label,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select, sea_query::OnConflict};

use super::MAX_LABELS;
use crate::{
    error::{Error, ValidationError},
    service::scope::Write,
};

/// The marks of all of the owner's tasks.
pub(super) fn marks(write: &Write) -> Select<task_label::Entity> {
    task_label::Entity::find().filter(task_label::Column::OwnerId.eq(write.owner()))
}

/// The labels of a task, in their order.
pub(in crate::service) async fn of_task(write: &Write, task: TaskId) -> Result<Vec<LabelId>, Error> {
    let marks = marks(write).filter(task_label::Column::TaskId.eq(task)).order_by_asc(task_label::Column::SortOrder);
    Ok(marks.all(write.connection()).await?.into_iter().map(|mark| mark.label_id).collect())
}

/// Adds labels to tasks, behind those that each has, and takes others away.
pub(in crate::service) async fn alter(
    write: &Write,
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
pub(in crate::service) async fn mark_each(write: &Write, marks: &[(TaskId, Vec<LabelId>)]) -> Result<(), Error> {
    let rows = marks.iter().flat_map(|(task, labels)| {
        labels.iter().zip(0..).map(move |(label, place)| task_label::ActiveModel {
            owner_id: Set(write.owner()),
            task_id: Set(*task),
            label_id: Set(*label),
            sort_order: Set(place),
        })
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let marks = [task_label::Column::OwnerId, task_label::Column::TaskId, task_label::Column::LabelId];
    let kept = OnConflict::columns(marks).do_nothing().to_owned();
    task_label::Entity::insert_many(rows).on_conflict(kept).exec_without_returning(write.connection()).await?;
    Ok(())
}

/// Gives each task its own labels and no others.
pub(in crate::service) async fn replace(write: &Write, marks: &[(TaskId, Vec<LabelId>)]) -> Result<(), Error> {
    task_label::Entity::delete_many()
        .filter(task_label::Column::OwnerId.eq(write.owner()))
        .filter(task_label::Column::TaskId.is_in(marks.iter().map(|(task, _)| *task)))
        .exec(write.connection())
        .await?;
    mark_each(write, marks).await
}
