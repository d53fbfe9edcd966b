//! What clients see. One type for both APIs; attributes say where the APIs differ.

mod check;
mod export;
mod feed;
mod filter;
mod input;
mod json;
mod label;
mod list;
mod push;
mod scalar;
mod task;
mod user;

pub use self::{
    export::{EXPORT_VERSION, Export, ExportError, ExportLabel, ExportList, ExportTask},
    feed::{Change, ChangeKind, ChangedNode},
    filter::BoundedFilter,
    input::{CreateTaskInput, DueInput, TaskOrder, TaskSelection, UpdateTaskInput, order_from, task_id},
    json::{WriteField, array, plain_fields},
    label::{CreateLabelInput, Label, UpdateLabelInput, each_label, label_id},
    list::{CreateTaskListInput, TaskCounts, TaskList, UpdateTaskListInput, list_id},
    push::PushedChangeInput,
    scalar::{BigInt, Date, DateTime, fault as scalar_fault},
    task::{Priority, TASK_BYTES, Task, rest_list, rest_task},
    user::{Account, Session, User},
};
