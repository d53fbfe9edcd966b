//! What can be asked.

use async_graphql::{Context, ID, Interface, Object, SimpleObject};
use entity::task;
use futures_util::future::try_join_all;

use super::{
    connection::{Cursors, TaskConnection, TaskSource},
    errors::GraphqlError,
    guard::Guard,
    relations::page_from,
    task_output::TaskRow,
};
use crate::{
    error::{Error, ValidationError},
    service::{
        auth::CurrentUser,
        changes::{Feed, FeedRequest, MAX_CHANGES, SyncToken},
        page::{MAX_SIZE, PageArguments, PageRequest},
        tasks::{Condition, Filter, Hits, TaskRef, Words},
    },
    view::{
        BoundedFilter, Change, ChangeKind, Label, Task, TaskList, TaskOrder, User, label_id, list_id, order_from,
        task_id,
    },
};

/// How many changes a page has when nobody says.
const DEFAULT_CHANGES: i32 = 100;

/// The root type `Query`.
pub struct Query;

/// An object with a globally unique id (Relay Global Object Identification).
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "The object's id."))]
pub(super) enum Node {
    Task(Task),
    TaskList(TaskList),
    Label(Label),
    User(User),
}

/// Queries. Each reads the data of the signed-in user.
///
/// A document may cost 25,000. A field costs 1, and what is in a list counts as often as `first`, `last` or `ids` says:
/// 10 times for the labels of a task, and 20 times for another list that does not say how many it gives. Send the header
/// `GraphQL-Cost: 1` to see the cost in `extensions.cost`. A document may have 2,000 fields, 15 levels, 100 fields at the
/// root of a query and 20 at the root of a mutation. A page has 20 tasks by default and 100 at most, a page of changes 100
/// and 500. An installation may have other limits; an error names the one that was exceeded in `extensions.limit`.
#[Object]
impl Query {
    /// The signed-in user.
    async fn me(&self, ctx: &Context<'_>) -> Result<User, GraphqlError> {
        let user = ctx.current_user()?;
        let row = ctx.services(user).auth().account(user).await?;
        Ok(row.map_or_else(|| User::elsewhere(user), User::from))
    }

    /// An object by its id; null if there is none.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of a task, a list, a label or the user.")] id: ID,
    ) -> Option<Result<Node, GraphqlError>> {
        find_node(ctx, &id).await.transpose()
    }

    /// Objects by their ids, at most 100, in the order of the ids; null where there is none.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of tasks, lists, labels or the user: at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, GraphqlError> {
        ctx.current_user()?;
        let most = usize::try_from(MAX_SIZE).unwrap_or_default();
        if ids.len() > most {
            return Err(Error::invalid("ids", ValidationError::TooMany(most)).into());
        }
        try_join_all(ids.iter().map(|id| find_node(ctx, id))).await
    }

    /// A task by its id; null if there is none.
    async fn task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the task.")] id: ID,
    ) -> Option<Result<TaskRow, GraphqlError>> {
        only_task(ctx, &id).await.transpose().map(|found| found.map(TaskRow::from))
    }

    /// All lists in their order, at most 500.
    async fn task_lists(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "True for archived lists only, false for the others only.")] archived: Option<bool>,
    ) -> Result<Vec<TaskList>, GraphqlError> {
        let lists = ctx.lists()?;
        Ok(lists.all(archived).await?.into_iter().map(TaskList::from).collect())
    }

    /// All labels in the order of their names, at most 1,000.
    async fn labels(&self, ctx: &Context<'_>) -> Result<Vec<Label>, GraphqlError> {
        let labels = ctx.labels()?;
        Ok(labels.all().await?.into_iter().map(Label::from).collect())
    }

    /// Tasks that contain, for each word of the text, a word that begins with it. Best matches first: the title counts
    /// more than the description.
    async fn search_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Words to search for: at most 200 characters, separated by anything but letters and digits.")]
        text: String,
        #[graphql(desc = "Number of tasks: 0 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "Only tasks after this cursor.")] after: Option<String>,
    ) -> Result<TaskConnection, GraphqlError> {
        let tasks = ctx.tasks()?;
        let page = page_from(first, after)?;
        let words = Words::parse(&text).map_err(|fault| Error::invalid("text", fault))?;
        let Hits { page, skipped } = tasks.search(&words, &page).await?;
        let filter = Filter { conditions: vec![Condition::Search(words)], ..Filter::default() };
        Ok(TaskConnection::new(page, Cursors::Hits(skipped), TaskSource::Filter(filter)))
    }

    /// Deleted tasks that `restoreTask` can bring back, which it can for 30 days; the last deleted first. Subtasks that
    /// were deleted with their task are among them.
    async fn deleted_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of tasks: 0 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "Only tasks after this cursor.")] after: Option<String>,
    ) -> Result<TaskConnection, GraphqlError> {
        let page = ctx.trash()?.tasks(&page_from(first, after)?).await?;
        Ok(TaskConnection::new(page, Cursors::Trash, TaskSource::Trash))
    }

    /// Deleted lists that `restoreTaskList` can bring back, which it can for 30 days; the last deleted first, at most 500.
    async fn deleted_task_lists(&self, ctx: &Context<'_>) -> Result<Vec<TaskList>, GraphqlError> {
        Ok(ctx.trash()?.lists().await?.into_iter().map(TaskList::from).collect())
    }

    /// Deleted labels that `restoreLabel` can bring back, which it can for 30 days; the last deleted first, at most 500.
    async fn deleted_labels(&self, ctx: &Context<'_>) -> Result<Vec<Label>, GraphqlError> {
        Ok(ctx.trash()?.labels().await?.into_iter().map(Label::from).collect())
    }

    /// Changes after a sync token, in order, deletions included; without a token that is everything there is. Read pages
    /// until `hasMore` is false, store `syncToken`, and give it next time. Fails with `RESYNC_REQUIRED` if the changes
    /// after the token are no longer all known (deletions are known for 30 days), or if the token is of another database
    /// or of one that a restored backup has replaced: start again without a token.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Sync token of the last page; null for the beginning.")] after: Option<String>,
        #[graphql(desc = "Kinds of objects to follow; null for all kinds.")] kinds: Option<Vec<ChangeKind>>,
        #[graphql(desc = "Number of changes: 1 to 500.", default_with = "Some(DEFAULT_CHANGES)")] first: Option<i32>,
    ) -> Result<ChangeFeed, GraphqlError> {
        let (changes, user) = (ctx.changes()?, ctx.current_user()?);
        let most = u64::try_from(first.unwrap_or(DEFAULT_CHANGES)).ok().filter(|it| (1..=MAX_CHANGES).contains(it));
        let fault = ValidationError::NotBetween(1, i64::try_from(MAX_CHANGES).unwrap_or_default());
        let most = most.ok_or(Error::invalid("first", fault))?;
        Ok(changes.page(&feed_request(user, after.as_deref(), kinds, most)?).await?.into())
    }

    /// Sync token of now: `changes(after:)` gives what changes from now on.
    async fn sync_token(&self, ctx: &Context<'_>) -> Result<String, GraphqlError> {
        let changes = ctx.changes()?;
        Ok(changes.token().await?.encode())
    }

    /// Tasks, a page at a time. Newest first unless ordered otherwise.
    #[expect(clippy::too_many_arguments, reason = "these are the arguments of a Relay connection")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of tasks from the start: 0 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "Only tasks after this cursor.")] after: Option<String>,
        #[graphql(desc = "Number of tasks from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only tasks before this cursor.")] before: Option<String>,
        #[graphql(desc = "Filter; by default all tasks.")] filter: Option<BoundedFilter>,
        #[graphql(
            desc = "Order: by the first key, between equals by the next one; at most 4, each by another field. By default \
                    the newest task first. Several keys, and COMPLETED_AT, sort all tasks that match; an index has the \
                    other orders."
        )]
        order: Option<Vec<TaskOrder>>,
    ) -> Result<TaskConnection, GraphqlError> {
        let tasks = ctx.tasks()?;
        let page = PageRequest::parse(&PageArguments { first, last, after, before })?;
        let filter = filter.map(Filter::try_from).transpose()?.unwrap_or_default();
        let order = order_from(order.unwrap_or_default())?;
        let page = tasks.page(&filter, &order, &page).await?;
        Ok(TaskConnection::new(page, Cursors::Ordered(order), TaskSource::Filter(filter)))
    }
}

/// A page of the feed of changes.
#[derive(SimpleObject)]
pub(super) struct ChangeFeed {
    /// Changes in the order of their revisions, each object at most once.
    changes: Vec<Change>,
    /// What to give as `after` next time. It moves even if no change is of the kinds that are asked for.
    sync_token: String,
    /// Whether more changes are available now.
    has_more: bool,
}

impl From<Feed> for ChangeFeed {
    fn from(feed: Feed) -> Self {
        let changes = Change::all(&feed, Task::from);
        Self { changes, sync_token: feed.token().encode(), has_more: feed.has_more }
    }
}

/// What is asked of the feed.
pub(super) fn feed_request(
    user: &CurrentUser,
    after: Option<&str>,
    kinds: Option<Vec<ChangeKind>>,
    most: u64,
) -> Result<FeedRequest, Error> {
    let after = after.map(|text| SyncToken::parse(text, user.id())).transpose();
    let after = after.map_err(|fault| Error::invalid("after", fault))?;
    Ok(FeedRequest { after, kinds: kinds.map(|kinds| kinds.into_iter().map(Into::into).collect()), most })
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
