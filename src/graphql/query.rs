//! What can be asked.

use async_graphql::{Context, ID, Interface, Object};
use entity::id::TaskId;

use super::{connection::TaskConnection, failure::Failure, guard::Guard};
use crate::{
    error::Error,
    service::page::{DEFAULT_SIZE, PageArguments, PageRequest},
    view::{Task, TaskFilter, TaskOrder, User},
};

/// The root type `Query`.
pub struct Query;

/// Anything with an id (Relay global object identification).
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "The object's id."))]
pub(super) enum Node {
    Task(Task),
    User(User),
}

/// All questions; every one is about the signed-in user's own data.
#[Object]
impl Query {
    /// Who is signed in.
    async fn me(&self, ctx: &Context<'_>) -> Result<User, Failure> {
        let user = ctx.current_user()?;
        let row = ctx.services(user).auth().account(user).await?;
        Ok(row.map_or_else(|| User::elsewhere(user), User::from))
    }

    /// Any object of the signed-in user by its id; null when there is none.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Node, Failure>> {
        find_node(ctx, id).await.transpose()
    }

    /// A task by its id; null when there is none.
    async fn task(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Task, Failure>> {
        find_task(ctx, &id).await.transpose()
    }

    /// The tasks, newest first unless ordered otherwise.
    #[expect(clippy::too_many_arguments, reason = "these are the arguments of a Relay connection")]
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many tasks from the start: 0 to 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Only tasks behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many tasks from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only tasks in front of this cursor.")] before: Option<String>,
        #[graphql(desc = "Which tasks; all by default.")] filter: Option<TaskFilter>,
        #[graphql(desc = "In which order.")] order: Option<TaskOrder>,
    ) -> Result<TaskConnection, Failure> {
        let tasks = ctx.tasks()?;
        let page = PageRequest::parse(&PageArguments { first, last, after, before })?;
        let (filter, order) = (filter.unwrap_or_default().try_into()?, order.map(Into::into).unwrap_or_default());
        Ok(TaskConnection::new(tasks.page(&filter, order, &page).await?, order, filter))
    }
}

/// What a page costs: its fields, as often as it may have rows.
fn page_cost(first: Option<i32>, last: Option<i32>, row: usize) -> usize {
    let rows = first.or(last).unwrap_or(DEFAULT_SIZE);
    usize::try_from(rows).unwrap_or(0).max(1).saturating_mul(row)
}

async fn find_node(ctx: &Context<'_>, id: ID) -> Result<Option<Node>, Failure> {
    let user = ctx.current_user()?;
    if *id == user.id().0 {
        let row = ctx.services(user).auth().account(user).await?;
        return Ok(Some(Node::User(row.map_or_else(|| User::elsewhere(user), User::from))));
    }
    Ok(find_task(ctx, &id).await?.map(Node::Task))
}

async fn find_task(ctx: &Context<'_>, id: &ID) -> Result<Option<Task>, Failure> {
    let loader = ctx.task_loader()?;
    let Ok(id) = id.parse().map(TaskId) else { return Ok(None) };
    let found = loader.try_load(id).await.map_err(Error::internal)??;
    Ok(found.map(Task::from))
}
