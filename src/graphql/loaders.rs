//! DataLoaders: made for one request and one user, so that what one user loads no other can see. All that one level
//! of a document asks for is one statement.

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, OnceLock},
};

use dataloader::{BatchFn, non_cached};
use entity::{
    id::{LabelId, ListId, TaskId},
    label, list, task,
};
use futures_util::future::BoxFuture;

use crate::{
    error::Error,
    service::{
        Services,
        auth::CurrentUser,
        page::{Page, PageRequest},
        tasks::{Counts, TimeZone},
    },
};

/// How many keys one statement looks up at most.
const BATCH: usize = 1000;

/// How many turns others get to ask for more before a statement is made. All that one level of a document asks for is
/// asked in one turn; the second is for levels that are reached on ways of different length.
const MAX_YIELDS: usize = 2;

/// Loads by key. It is made when it is needed: most documents need none.
pub(super) struct Loader<K: Eq + Hash + Clone + Send + Sync, V: Clone + Send> {
    load: LoadFn<K, V>,
    made: OnceLock<non_cached::Loader<K, Loaded<V>, Batch<K, V>>>,
}

/// What was loaded, or nothing; the error of a batch belongs to each of its keys.
type Loaded<V> = Result<Option<V>, Arc<Error>>;

/// One statement for many keys.
struct Batch<K, V> {
    asker: LoaderContext,
    load: LoadFn<K, V>,
}

/// What a batch does.
type LoadFn<K, V> = fn(LoaderContext, Vec<K>) -> BoxFuture<'static, Result<HashMap<K, V>, Error>>;

/// Who asks, and whom.
#[derive(Clone)]
pub(super) struct LoaderContext {
    services: Arc<Services>,
    user: CurrentUser,
}

/// A page of the tasks that something has: of what, and which page.
pub(super) type PageKey<K> = (K, PageRequest);

type Tasks = Page<task::Model>;

/// One loader for each relation, and what they all ask, for who has all keys at once.
pub(super) struct Loaders {
    pub(super) asker: LoaderContext,
    /// Whether the operation has one field at its root, with which nothing can be loaded together there.
    pub(super) is_for_one_field: bool,
    pub(super) task: Loader<TaskId, task::Model>,
    pub(super) list: Loader<ListId, list::Model>,
    pub(super) label: Loader<LabelId, label::Model>,
    pub(super) labels_of_task: Loader<TaskId, Vec<label::Model>>,
    pub(super) page_of_parent: Loader<PageKey<TaskId>, Tasks>,
    pub(super) page_of_list: Loader<PageKey<ListId>, Tasks>,
    pub(super) page_of_label: Loader<PageKey<LabelId>, Tasks>,
    pub(super) total_of_parent: Loader<TaskId, i64>,
    pub(super) total_of_label: Loader<LabelId, i64>,
    pub(super) counts_of_list: Loader<(ListId, TimeZone), Counts>,
}

impl Loaders {
    /// Loaders of one user's data.
    pub(super) fn new(services: &Arc<Services>, user: &CurrentUser, is_for_one_field: bool) -> Self {
        Self {
            is_for_one_field,
            asker: LoaderContext { services: Arc::clone(services), user: user.clone() },
            task: Loader::new(|it, ids| Box::pin(it.tasks(ids))),
            list: Loader::new(|it, ids| Box::pin(it.lists(ids))),
            label: Loader::new(|it, ids| Box::pin(it.labels(ids))),
            labels_of_task: Loader::new(|it, ids| Box::pin(it.labels_of_tasks(ids))),
            page_of_parent: Loader::new(|it, keys| Box::pin(it.pages_of_parents(keys))),
            page_of_list: Loader::new(|it, keys| Box::pin(it.pages_of_lists(keys))),
            page_of_label: Loader::new(|it, keys| Box::pin(it.pages_of_labels(keys))),
            total_of_parent: Loader::new(|it, ids| Box::pin(it.totals_of_parents(ids))),
            total_of_label: Loader::new(|it, ids| Box::pin(it.totals_of_labels(ids))),
            counts_of_list: Loader::new(|it, keys| Box::pin(it.counts_of_lists(keys))),
        }
    }

    /// What belongs to the key, if anything does.
    pub(super) async fn load<K, V>(&self, loader: &Loader<K, V>, key: K) -> Loaded<V>
    where
        K: Eq + Hash + Clone + Debug + Send + Sync + 'static,
        V: Clone + Send + 'static,
    {
        let made = loader.made.get_or_init(|| {
            non_cached::Loader::new(Batch { asker: self.asker.clone(), load: loader.load })
                .with_max_batch_size(BATCH)
                .with_yield_count(MAX_YIELDS)
        });
        made.try_load(key).await.map_err(|cause| Arc::new(Error::internal(cause)))?
    }
}

impl<K: Eq + Hash + Clone + Send + Sync, V: Clone + Send> Loader<K, V> {
    fn new(load: LoadFn<K, V>) -> Self {
        Self { load, made: OnceLock::new() }
    }
}

impl<K: Eq + Hash + Clone + Send + Sync, V: Clone + Send> BatchFn<K, Loaded<V>> for Batch<K, V> {
    async fn load(&mut self, keys: &[K]) -> HashMap<K, Loaded<V>> {
        match (self.load)(self.asker.clone(), keys.to_vec()).await {
            Ok(mut found) => keys.iter().map(|key| (key.clone(), Ok(found.remove(key)))).collect(),
            Err(error) => {
                let error = Arc::new(error);
                keys.iter().map(|key| (key.clone(), Err(Arc::clone(&error)))).collect()
            }
        }
    }
}

impl LoaderContext {
    async fn tasks(self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, task::Model>, Error> {
        let rows = self.services.tasks(&self.user).find_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    /// The lists that are there.
    pub(super) async fn lists(self, ids: Vec<ListId>) -> Result<HashMap<ListId, list::Model>, Error> {
        let rows = self.services.lists(&self.user).find_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    async fn labels(self, ids: Vec<LabelId>) -> Result<HashMap<LabelId, label::Model>, Error> {
        let rows = self.services.labels(&self.user).find_many(&ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    /// The labels of each task.
    pub(super) async fn labels_of_tasks(self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, Vec<label::Model>>, Error> {
        self.services.labels(&self.user).of_tasks(&ids).await
    }

    async fn pages_of_parents(self, keys: Vec<PageKey<TaskId>>) -> Result<HashMap<PageKey<TaskId>, Tasks>, Error> {
        let tasks = self.services.tasks(&self.user);
        pages(keys, |ids, page| async move { tasks.pages_of_parents(&ids, &page).await }).await
    }

    async fn pages_of_lists(self, keys: Vec<PageKey<ListId>>) -> Result<HashMap<PageKey<ListId>, Tasks>, Error> {
        let tasks = self.services.tasks(&self.user);
        pages(keys, |ids, page| async move { tasks.pages_of_lists(&ids, &page).await }).await
    }

    async fn pages_of_labels(self, keys: Vec<PageKey<LabelId>>) -> Result<HashMap<PageKey<LabelId>, Tasks>, Error> {
        let tasks = self.services.tasks(&self.user);
        pages(keys, |ids, page| async move { tasks.pages_of_labels(&ids, &page).await }).await
    }

    async fn totals_of_parents(self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, i64>, Error> {
        self.services.tasks(&self.user).totals_of_parents(&ids).await
    }

    async fn totals_of_labels(self, ids: Vec<LabelId>) -> Result<HashMap<LabelId, i64>, Error> {
        self.services.tasks(&self.user).totals_of_labels(&ids).await
    }

    async fn counts_of_lists(
        self,
        keys: Vec<(ListId, TimeZone)>,
    ) -> Result<HashMap<(ListId, TimeZone), Counts>, Error> {
        let mut found = HashMap::new();
        for (zone, lists) in grouped(keys.into_iter().map(|(list, zone)| (zone, list))) {
            let counts = self.services.tasks(&self.user).counts_of_lists(&lists, zone).await?;
            found.extend(counts.into_iter().map(|(list, counts)| ((list, zone), counts)));
        }
        Ok(found)
    }
}

/// The pages of all keys: those that are the same page of something are read together.
async fn pages<K: Eq + Hash, F>(
    keys: Vec<PageKey<K>>,
    read: impl Fn(Vec<K>, PageRequest) -> F,
) -> Result<HashMap<PageKey<K>, Tasks>, Error>
where
    F: Future<Output = Result<HashMap<K, Tasks>, Error>>,
{
    let mut found = HashMap::new();
    for (page, ids) in grouped(keys.into_iter().map(|(id, page)| (page, id))) {
        let pages = read(ids, page.clone()).await?;
        found.extend(pages.into_iter().map(|(id, it)| ((id, page.clone()), it)));
    }
    Ok(found)
}

fn grouped<K: Eq + Hash, V>(pairs: impl Iterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}
