//! What can be asked.

use async_graphql::{Context, ID, Interface, Object, SimpleObject};
use entity::task;
use futures_util::future::try_join_all;

use super::{connection::TaskConnection, failure::GraphqlError, guard::Guard, relations::size, written::TaskRow};
use crate::{
    error::{Error, ValidationError},
    service::{
        changes::{Feed, MAX_CHANGES},
        page::{DEFAULT_SIZE, MAX_SIZE, PageArguments, PageRequest},
        tasks::{TaskRef, Words},
    },
    view::{BigInt, Change, Label, Task, TaskFilter, TaskList, TaskOrder, User, label_id, list_id, task_id},
};

/// The root type `Query`.
pub struct Query;

/// Anything with an id (Relay global object identification).
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "The object's id."))]
pub(super) enum Node {
    Task(Task),
    TaskList(TaskList),
    Label(Label),
    User(User),
}

/// All questions; every one is about the signed-in user's own data.
#[Object]
impl Query {
    /// Who is signed in.
    async fn me(&self, ctx: &Context<'_>) -> Result<User, GraphqlError> {
        let user = ctx.current_user()?;
        let row = ctx.services(user).auth().account(user).await?;
        Ok(row.map_or_else(|| User::elsewhere(user), User::from))
    }

    /// Any object of the signed-in user by its id; null when there is none.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Node, GraphqlError>> {
        find_node(ctx, &id).await.transpose()
    }

    /// Objects of the signed-in user by their ids, at most 100, in the order of the ids; null where there is none.
    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Vec<Option<Node>>, GraphqlError> {
        ctx.current_user()?;
        let most = usize::try_from(MAX_SIZE).unwrap_or_default();
        if ids.len() > most {
            return Err(Error::invalid("ids", ValidationError::TooMany(most)).into());
        }
        try_join_all(ids.iter().map(|id| find_node(ctx, id))).await
    }

    /// A task by its id; null when there is none.
    async fn task(&self, ctx: &Context<'_>, id: ID) -> Option<Result<TaskRow, GraphqlError>> {
        only_task(ctx, &id).await.transpose().map(|found| found.map(TaskRow::from))
    }

    /// The lists in their order: archived ones only, or only the others, if asked for. There are at most 500.
    async fn task_lists(&self, ctx: &Context<'_>, archived: Option<bool>) -> Result<Vec<TaskList>, GraphqlError> {
        let lists = ctx.lists()?;
        Ok(lists.all(archived).await?.into_iter().map(TaskList::from).collect())
    }

    /// The labels by name. There are at most 1,000.
    async fn labels(&self, ctx: &Context<'_>) -> Result<Vec<Label>, GraphqlError> {
        let labels = ctx.labels()?;
        Ok(labels.all().await?.into_iter().map(Label::from).collect())
    }

    /// Tasks that have words that begin with each of these, best hits first: the title counts more than the
    /// description.
    async fn search_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Words: at most 200 characters; anything but letters and digits separates them.")]
        text: String,
        #[graphql(desc = "How many: 1 to 100.", default_with = "DEFAULT_SIZE")] first: i32,
    ) -> Result<Vec<Task>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let words = Words::parse(&text).map_err(|fault| Error::invalid("text", fault))?;
        Ok(tasks.search(&words, size(first)?).await?.into_iter().map(Task::from).collect())
    }

    /// What changed behind a revision, deletions included, in order; from 0 on that is everything. The error
    /// `RESYNC_REQUIRED` says that the feed does not reach back so far: start again from 0.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The `revision` of the last answer; 0 at first.")] since: BigInt,
        #[graphql(desc = "How many changes: 1 to 500.", default = 100)] first: i32,
    ) -> Result<ChangeFeed, GraphqlError> {
        let changes = ctx.changes()?;
        let most = u64::try_from(first).ok().filter(|it| (1..=MAX_CHANGES).contains(it));
        let fault = ValidationError::NotBetween(1, i64::try_from(MAX_CHANGES).unwrap_or_default());
        let feed = changes.since(since.0, most.ok_or(Error::invalid("first", fault))?).await?;
        Ok(feed.into())
    }

    /// The tasks, newest first unless ordered otherwise.
    #[expect(clippy::too_many_arguments, reason = "these are the arguments of a Relay connection")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many tasks from the start: 0 to 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Only tasks behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many tasks from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only tasks in front of this cursor.")] before: Option<String>,
        #[graphql(desc = "Which tasks; all by default.")] filter: Option<TaskFilter>,
        #[graphql(desc = "In which order.")] order: Option<TaskOrder>,
    ) -> Result<TaskConnection, GraphqlError> {
        let tasks = ctx.tasks()?;
        let page = PageRequest::parse(&PageArguments { first, last, after, before })?;
        let (filter, order) = (filter.unwrap_or_default().try_into()?, order.map(Into::into).unwrap_or_default());
        Ok(TaskConnection::new(tasks.page(&filter, order, &page).await?, order, filter))
    }
}

/// A part of the feed of changes.
#[derive(SimpleObject)]
pub(super) struct ChangeFeed {
    /// The changes, each object once, by revision.
    changes: Vec<Change>,
    /// What to ask from next time: the revision of the last change, or on a long way from 0 a larger number.
    revision: BigInt,
    /// Whether more changes are there already.
    has_more: bool,
}

impl From<Feed> for ChangeFeed {
    fn from(feed: Feed) -> Self {
        let Feed { changes, revision, has_more } = feed;
        Self { changes: changes.into_iter().map(Change::from).collect(), revision: BigInt(revision), has_more }
    }
}

async fn find_node(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>, GraphqlError> {
    let user = ctx.current_user()?;
    if id.as_str() == user.id().0 {
        let row = ctx.services(user).auth().account(user).await?;
        return Ok(Some(Node::User(row.map_or_else(|| User::elsewhere(user), User::from))));
    }
    if let Some(task) = find_task(ctx, id).await? {
        return Ok(Some(Node::Task(task.into())));
    }
    let loaders = ctx.loaders()?;
    let (Ok(list), Ok(label)) = (list_id(id), label_id(id)) else { return Ok(None) };
    if let Some(list) = loaders.load(&loaders.list, list).await? {
        return Ok(Some(Node::TaskList(list.into())));
    }
    Ok(loaders.load(&loaders.label, label).await?.map(|label| Node::Label(label.into())))
}

/// A task that a field at the root asks for: at once if there is no other field to load something together with.
async fn only_task(ctx: &Context<'_>, id: &ID) -> Result<Option<task::Model>, GraphqlError> {
    match task_id(id) {
        Ok(id) if ctx.loaders()?.is_for_one_field => Ok(ctx.tasks()?.find(TaskRef::Id(id)).await?),
        _ => find_task(ctx, id).await,
    }
}

async fn find_task(ctx: &Context<'_>, id: &ID) -> Result<Option<task::Model>, GraphqlError> {
    let loaders = ctx.loaders()?;
    let Ok(id) = task_id(id) else { return Ok(None) };
    Ok(loaders.load(&loaders.task, id).await?)
}
