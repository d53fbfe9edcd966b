//! What becomes of each row, for the survey as for the work.

use std::collections::{HashMap, HashSet};

use entity::{
    id::{TaskId, UserId},
    task, user,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use super::{
    AdoptError,
    record::Record,
    rows::{AdoptedTask, Row},
    source::Source,
};
use crate::{db::Db, service::adoption::AdoptedAccount};

/// How many values one statement looks for.
const VALUES_AT_ONCE: usize = 500;

/// What becomes of a row.
pub(super) enum Outcome {
    /// It was taken already, or whoever owned it here has deleted the account.
    Taken,
    /// It is here, and not yet recorded as taken.
    Here,
    /// It has a mark of deletion, or its owner has, and stays behind.
    Deleted,
    /// It cannot be taken; a sentence for each reason.
    Refused(Vec<String>),
    /// It would be taken as this account.
    Account(AdoptedAccount),
    /// It would be taken as this task.
    Task(Box<AdoptedTask>),
}

/// What was seen of the rows until now, and what is there of Docket's.
pub(super) struct Classifier<'a> {
    pub(super) db: &'a Db,
    /// Whether there is a record of what was taken.
    pub(super) has_record: bool,
    /// Whether there are accounts already, of Docket or a Better Auth.
    pub(super) has_users: bool,
    /// Whether Docket has made its tables.
    pub(super) has_tasks: bool,
    /// Whether accounts are taken, so that tasks need one.
    pub(super) has_accounts: bool,
    /// The ids of rows.
    keys: HashSet<(bool, String)>,
    addresses: HashSet<String>,
    tasks: HashSet<TaskId>,
    numbers: HashSet<i64>,
    /// Who has or had an account, there or here: what became of the first with an id.
    owners: HashMap<UserId, Owner>,
}

/// What became of the account of whoever owns tasks.
#[derive(Clone, Copy)]
enum Owner {
    /// It is here, or is taken.
    Here,
    /// It has a mark of deletion there.
    Deleted,
    /// It is not taken.
    Refused,
    /// It was taken, and deleted here since.
    Gone,
}

impl<'a> Classifier<'a> {
    pub(super) fn new(db: &'a Db) -> Self {
        Self {
            db,
            has_record: false,
            has_users: false,
            has_tasks: false,
            has_accounts: false,
            keys: HashSet::new(),
            addresses: HashSet::new(),
            tasks: HashSet::new(),
            numbers: HashSet::new(),
            owners: HashMap::new(),
        }
    }

    /// Which of these rows were taken, or begun.
    async fn recorded(&self, source: &Source, rows: &[Row<'_>]) -> Result<HashMap<String, bool>, AdoptError> {
        if !self.has_record {
            return Ok(HashMap::new());
        }
        let ids: Vec<String> = rows.iter().filter_map(|it| it.key.clone()).collect();
        Record { db: self.db, source: source.name() }.of(&ids).await
    }

    /// What becomes of some accounts.
    pub(super) async fn accounts(&mut self, source: &Source, rows: &[Row<'_>]) -> Result<Vec<Outcome>, AdoptError> {
        let recorded = self.recorded(source, rows).await?;
        let read: Vec<_> = rows.iter().map(Row::account).collect();
        let known = self.known_users(&read).await?;
        let mut outcomes = Vec::new();
        for (row, account) in rows.iter().zip(read) {
            let state = row.key.as_ref().and_then(|it| recorded.get(it)).copied();
            let outcome = self.account(row, account, state, &known);
            if let Some(id) = row.user_id() {
                let is_here = known.addresses.contains_key(&id);
                let owner = match &outcome {
                    Outcome::Taken if !is_here => Owner::Gone,
                    Outcome::Account(_) | Outcome::Taken | Outcome::Here => Owner::Here,
                    Outcome::Deleted => Owner::Deleted,
                    Outcome::Refused(_) | Outcome::Task(_) => Owner::Refused,
                };
                self.owners.entry(id).or_insert(owner);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn account(
        &mut self,
        row: &Row<'_>,
        read: Result<AdoptedAccount, Vec<String>>,
        state: Option<bool>,
        known: &KnownUsers,
    ) -> Outcome {
        if row.bare_id().is_some_and(|it| !self.keys.insert((false, it))) {
            return refused("another account has the same id");
        }
        if state == Some(true) {
            return Outcome::Taken;
        }
        if row.is_deleted() {
            return Outcome::Deleted;
        }
        let account = match read {
            Ok(account) => account,
            Err(problems) => return Outcome::Refused(problems),
        };
        let address = account.email.as_str().to_owned();
        if !self.addresses.insert(address.clone()) {
            return refused("another account has the same address");
        }
        match (known.addresses.get(&account.id), known.ids.get(&address)) {
            // One that was begun is what is there, whatever its address is by now.
            (Some(there), _) if *there == address || state.is_some() => Outcome::Here,
            (Some(_), _) => refused("an account of Docket has its id"),
            (None, Some(_)) => refused("an account of Docket has its address"),
            (None, None) => Outcome::Account(account),
        }
    }

    /// The accounts here that have the ids or addresses of these.
    async fn known_users(&self, read: &[Result<AdoptedAccount, Vec<String>>]) -> Result<KnownUsers, AdoptError> {
        let mut known = KnownUsers::default();
        if !self.has_users {
            return Ok(known);
        }
        for some in read.chunks(VALUES_AT_ONCE) {
            let ids = some.iter().flatten().map(|it| it.id.clone());
            let addresses = some.iter().flatten().map(|it| it.email.as_str());
            let these = Condition::any().add(user::Column::Id.is_in(ids)).add(user::Column::Email.is_in(addresses));
            let found = user::Entity::find().select_only().columns([user::Column::Id, user::Column::Email]);
            let found: Vec<(UserId, String)> = found.filter(these).into_tuple().all(self.db.reader()).await?;
            for (id, address) in found {
                known.ids.insert(address.clone(), id.clone());
                known.addresses.insert(id, address);
            }
        }
        Ok(known)
    }

    /// What becomes of some tasks. The accounts were classified before.
    pub(super) async fn tasks(&mut self, source: &Source, rows: &[Row<'_>]) -> Result<Vec<Outcome>, AdoptError> {
        let recorded = self.recorded(source, rows).await?;
        let read: Vec<_> = rows.iter().map(Row::task).collect();
        self.find_owners(&read).await?;
        let known = self.known_tasks(&read).await?;
        let outcome = |(row, task): (&Row<'_>, _)| {
            let state = row.key.as_ref().and_then(|it| recorded.get(it)).copied();
            self.task(row, task, state, &known)
        };
        Ok(rows.iter().zip(read).map(outcome).collect())
    }

    fn task(
        &mut self,
        row: &Row<'_>,
        read: Result<AdoptedTask, Vec<String>>,
        state: Option<bool>,
        known: &KnownTasks,
    ) -> Outcome {
        if row.bare_id().is_some_and(|it| !self.keys.insert((true, it))) {
            return refused("another task has the same id");
        }
        if state == Some(true) {
            return Outcome::Taken;
        }
        let owner = row.owner().and_then(|it| self.owners.get(&it)).copied();
        if row.is_deleted() || matches!(owner, Some(Owner::Deleted)) {
            return Outcome::Deleted;
        }
        let task = match read {
            Ok(task) => task,
            Err(problems) => return Outcome::Refused(problems),
        };
        let (number, id) = (task.task.number, task.task.id);
        match owner {
            Some(Owner::Gone) => return Outcome::Taken,
            Some(Owner::Here) => {}
            None if !self.has_accounts => {}
            _ => return refused("its owner has no account that is taken"),
        }
        if !self.tasks.insert(id) || number.is_some_and(|it| !self.numbers.insert(it)) {
            return refused("another task has the same id");
        }
        if state.is_some() && known.ids.contains(&id) {
            return Outcome::Here;
        }
        if state.is_none() && (known.ids.contains(&id) || number.is_some_and(|it| known.numbers.contains(&it))) {
            return refused("a task of Docket has its number or id");
        }
        Outcome::Task(Box::new(task))
    }

    /// Owners who have an account here, of whatever origin.
    async fn find_owners(&mut self, read: &[Result<AdoptedTask, Vec<String>>]) -> Result<(), AdoptError> {
        if !self.has_users {
            return Ok(());
        }
        let unknown: HashSet<&UserId> =
            read.iter().flatten().map(|it| &it.owner).filter(|it| !self.owners.contains_key(*it)).collect();
        let unknown: Vec<UserId> = unknown.into_iter().cloned().collect();
        for some in unknown.chunks(VALUES_AT_ONCE) {
            let found = user::Entity::find().select_only().column(user::Column::Id);
            let found = found.filter(user::Column::Id.is_in(some.iter().cloned())).into_tuple();
            let found: Vec<UserId> = found.all(self.db.reader()).await?;
            self.owners.extend(found.into_iter().map(|it| (it, Owner::Here)));
        }
        Ok(())
    }

    /// The tasks here that have the numbers or ids of these; numbers are common to all users.
    async fn known_tasks(&self, read: &[Result<AdoptedTask, Vec<String>>]) -> Result<KnownTasks, AdoptError> {
        let mut known = KnownTasks::default();
        if !self.has_tasks {
            return Ok(known);
        }
        for some in read.chunks(VALUES_AT_ONCE) {
            let (numbers, ids) = (some.iter().flatten().filter_map(|it| it.task.number), some.iter().flatten());
            let these = Condition::any()
                .add(task::Column::Number.is_in(numbers))
                .add(task::Column::Id.is_in(ids.map(|it| it.task.id)));
            let found = task::Entity::find().select_only().columns([task::Column::Number, task::Column::Id]);
            let found: Vec<(i64, TaskId)> = found.filter(these).into_tuple().all(self.db.reader()).await?;
            known.numbers.extend(found.iter().map(|it| it.0));
            known.ids.extend(found.iter().map(|it| it.1));
        }
        Ok(known)
    }
}

/// Accounts that are here.
#[derive(Default)]
struct KnownUsers {
    addresses: HashMap<UserId, String>,
    ids: HashMap<String, UserId>,
}

/// Tasks that are here.
#[derive(Default)]
struct KnownTasks {
    numbers: HashSet<i64>,
    ids: HashSet<TaskId>,
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused(vec![reason.to_owned()])
}
