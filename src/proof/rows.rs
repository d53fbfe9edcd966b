//! Rows as Docket writes them, some for each table, and the statements that make, change and remove them.

use chrono::{NaiveDate, Utc};
use entity::{
    account,
    id::{LabelId, ListId, OwnerId, TaskId, UserId},
    idempotency_key, jwks, label, list, owner, rate_limit, session, task, task_label, user, user_revision,
    verification,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, IntoActiveModel, Iterable, ModelTrait,
    PrimaryKeyToColumn, QueryFilter, QuerySelect, QueryTrait, Statement,
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use uuid::Uuid;

use crate::db::Db;

/// One of those that take four bytes.
const LETTER: &str = "🍎";
/// What a task is found by.
const WORD: &str = "proof";

/// Rows of one table.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) table: String,
    /// Without their rows these have none either.
    pub(super) needs: &'static [&'static str],
    pub(super) count: usize,
    /// Makes all of them and returns something of each.
    pub(super) insert: Statement,
    /// Writes the first of them once more.
    pub(super) update: Statement,
    /// Finds one of them by its words, where words are searched.
    pub(super) search: Option<Statement>,
    /// These remove all of them, those of one owner each.
    pub(super) deletes: Vec<Delete>,
}

/// Removes rows and returns something of each.
#[derive(Debug)]
pub(super) struct Delete {
    pub(super) statement: Statement,
    pub(super) count: usize,
}

/// Two users, of whom the first has two of whatever a user may have several of, and the second one that is alike. No
/// other instance that tries at the same moment has the same.
struct People {
    backend: DbBackend,
    ids: [UserId; 2],
    owners: [OwnerId; 2],
    own: [Uuid; 2],
}

/// Rows of all tables, in an order in which they can be made.
pub(super) fn all(db: &Db) -> Vec<Rows> {
    let people = People::new(db, [Uuid::new_v4(), Uuid::new_v4()]);
    let mut all = people.accounts();
    all.extend(people.credentials());
    all.extend(people.data());
    let search = Some(people.search(db));
    all.extend([Rows { search, ..people.tasks() }, people.task_labels()]);
    all
}

/// Rows of the one table that every write of a user's changes, and of that which it needs.
pub(super) fn few(db: &Db) -> Vec<Rows> {
    let people = People::new(db, [Uuid::nil(), Uuid::nil()]);
    vec![people.numbers(), people.revisions()]
}

/// Some text that nobody else has, as long as the ids of Better Auth.
fn text() -> String {
    Uuid::new_v4().simple().to_string()
}

impl People {
    fn new(db: &Db, own: [Uuid; 2]) -> Self {
        // Those of users are above zero.
        let owner = || OwnerId(rand::random_range(i32::MIN..0));
        let backend = db.reader().get_database_backend();
        Self { backend, ids: [text(), text()].map(UserId), owners: [owner(), owner()], own }
    }

    fn accounts(&self) -> Vec<Rows> {
        let now = Utc::now();
        let user = |id: &UserId| user::Model {
            id: id.clone(),
            name: "Docket's proof of writing".to_owned(),
            email: format!("{id}@docket.invalid"),
            email_verified: *id == self.ids[0],
            image: (*id == self.ids[0]).then(|| "https://docket.invalid/image".to_owned()),
            created_at: now.into(),
            updated_at: now.into(),
        };
        let session = || session::Model {
            id: text(),
            expires_at: now.into(),
            token: text(),
            created_at: now.into(),
            updated_at: now.into(),
            ip_address: Some("127.0.0.1".to_owned()),
            user_agent: Some("Docket".to_owned()),
            user_id: self.ids[0].clone(),
        };
        let account = |id: &UserId| account::Model {
            id: text(),
            account_id: id.0.clone(),
            provider_id: "credential".to_owned(),
            user_id: id.clone(),
            access_token: None,
            refresh_token: None,
            id_token: None,
            access_token_expires_at: None,
            refresh_token_expires_at: None,
            scope: None,
            password: Some("$argon2id$".to_owned()),
            created_at: now.into(),
            updated_at: now.into(),
        };
        vec![
            self.rows::<user::Entity>(&[], self.ids.iter().map(user).collect()),
            self.rows::<session::Entity>(&["user"], vec![session(), session()]),
            self.rows::<account::Entity>(&["user"], self.ids.iter().map(account).collect()),
        ]
    }

    fn credentials(&self) -> Vec<Rows> {
        let now = Utc::now();
        let verification = || verification::Model {
            id: text(),
            identifier: format!("docket-proof:{}", text()),
            value: self.ids[0].0.clone(),
            expires_at: now.into(),
            created_at: now.into(),
            updated_at: now.into(),
        };
        let key = || jwks::Model {
            id: text(),
            public_key: "{}".to_owned(),
            private_key: "{}".to_owned(),
            created_at: now.into(),
            expires_at: Some(now.into()),
            alg: None,
            crv: None,
        };
        let limit = || rate_limit::Model { id: text(), key: text(), count: 1, last_request: now.timestamp_millis() };
        vec![
            self.rows::<verification::Entity>(&[], vec![verification(), verification()]),
            self.rows::<jwks::Entity>(&[], vec![key(), key()]),
            self.rows::<rate_limit::Entity>(&[], vec![limit(), limit()]),
        ]
    }

    fn numbers(&self) -> Rows {
        let row = |(id, user): (&OwnerId, &UserId)| owner::Model { id: *id, user_id: user.clone() };
        self.rows::<owner::Entity>(&[], self.owners.iter().zip(&self.ids).map(row).collect())
    }

    fn revisions(&self) -> Rows {
        let row = |owner_id: OwnerId| user_revision::Model { owner_id, revision: 2, purged_through: 0 };
        self.rows::<user_revision::Entity>(&["owners"], self.owners.map(row).into())
    }

    fn data(&self) -> Vec<Rows> {
        let now = Utc::now();
        // The third of the first user is as far from the others as it may be.
        let list = |(owner, id, revision)| list::Model {
            id: ListId(id),
            owner_id: owner,
            name: if revision == 3 { LETTER.repeat(100) } else { "Proof".to_owned() },
            color: (revision < 3).then(|| "#a0b1c2".to_owned()),
            position: "i".to_owned(),
            archived: revision == 3,
            revision,
            created_at: now.into(),
            updated_at: now.into(),
            deleted_at: (revision == 3).then(|| now.into()),
        };
        let label = |(owner, id, revision)| label::Model {
            id: LabelId(id),
            owner_id: owner,
            name: if revision == 3 { LETTER.repeat(30) } else { format!("Proof {revision}") },
            name_key: if revision == 3 { LETTER.repeat(30) } else { format!("proof {revision}") },
            color: (revision < 3).then(|| "#a0b1c2".to_owned()),
            revision,
            created_at: now.into(),
            updated_at: now.into(),
            deleted_at: (revision == 3).then(|| now.into()),
        };
        let answer = |(owner, key): (OwnerId, &str)| idempotency_key::Model {
            owner_id: owner,
            key: key.to_owned(),
            fingerprint: vec![0; 32],
            status: 201,
            headers: "{}".to_owned(),
            body: "{}".to_owned(),
            created_at: now.into(),
        };
        let [ann, bob] = self.owners;
        let things = || self.alike().into_iter().chain([self.own(3)]);
        vec![
            self.numbers(),
            self.revisions(),
            self.rows::<list::Entity>(&[], things().map(list).collect()),
            self.rows::<label::Entity>(&[], things().map(label).collect()),
            self.rows::<idempotency_key::Entity>(&[], [(ann, "1"), (ann, "2"), (bob, "1")].map(answer).into()),
        ]
    }

    fn tasks(&self) -> Rows {
        self.rows::<task::Entity>(&[], self.all_tasks())
    }

    fn all_tasks(&self) -> Vec<task::Model> {
        let now = Utc::now();
        // Below what the database counts, which is not asked for the next one.
        let number = -1 - i64::from(Uuid::new_v4().as_fields().0) * 16;
        let plain = |(owner, id, revision): (OwnerId, Uuid, i64)| task::Model {
            number: number - revision - 8 * i64::from(owner != self.owners[0]),
            id: TaskId(id),
            owner_id: owner,
            parent_id: None,
            list_id: Some(ListId(self.own[0])),
            title: "Proof".to_owned(),
            description: Some("Proof".to_owned()),
            completed: true,
            completed_at: Some(now.into()),
            priority: task::Priority::Medium,
            due_date: None,
            due_at: Some(now.into()),
            due_zone: Some("Etc/UTC".to_owned()),
            position: "i".to_owned(),
            revision,
            created_at: now.into(),
            updated_at: now.into(),
            deleted_at: None,
            title_key: WORD.to_owned(),
            description_key: Some(WORD.to_owned()),
            extra: Some("{}".to_owned()),
        };
        let own = |revision| plain(self.own(revision));
        // Each column at both ends of what is written into it.
        let open = task::Model {
            completed: false,
            completed_at: None,
            due_at: None,
            due_zone: None,
            list_id: None,
            description: None,
            description_key: None,
            extra: None,
            priority: task::Priority::Low,
            ..own(3)
        };
        let long = longest(own(4));
        let deleted = task::Model {
            parent_id: Some(TaskId(self.own[0])),
            priority: task::Priority::Urgent,
            due_date: NaiveDate::from_ymd_opt(1, 1, 1),
            due_at: None,
            due_zone: None,
            deleted_at: Some(now.into()),
            ..own(5)
        };
        let mut rows: Vec<task::Model> = self.alike().map(plain).into();
        rows.extend([open, long, deleted]);
        rows
    }

    /// Finds the first task as a search does.
    fn search(&self, db: &Db) -> Statement {
        let words = db.has_phrases(self.owners[0], &[vec![vec![WORD.to_owned()]]]);
        let mine = task::Column::OwnerId.eq(self.owners[0]).and(task::Column::Id.eq(TaskId(self.own[0])));
        let found = task::Entity::find().select_only().column(task::Column::Number).filter(mine).filter(words);
        self.backend.build(found.as_query())
    }

    fn task_labels(&self) -> Rows {
        let [one, two] = self.own;
        let row = |(task, label): (Uuid, Uuid)| task_label::Model {
            owner_id: self.owners[0],
            task_id: TaskId(task),
            label_id: LabelId(label),
            sort_order: 0,
        };
        self.rows::<task_label::Entity>(&["tasks", "labels"], [(one, one), (one, two), (two, one)].map(row).into())
    }

    /// Owner, id and revision of two things of the first user, and of one of the second that has the id of the first.
    fn alike(&self) -> [(OwnerId, Uuid, i64); 3] {
        let ([ann, bob], [one, two]) = (self.owners, self.own);
        [(ann, one, 1), (ann, two, 2), (bob, one, 1)]
    }

    /// Owner, id and revision of one more thing of the first user.
    fn own(&self, revision: i64) -> (OwnerId, Uuid, i64) {
        (self.owners[0], Uuid::new_v4(), revision)
    }

    fn rows<E: EntityTrait>(&self, needs: &'static [&'static str], rows: Vec<E::Model>) -> Rows
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        let mut keys: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
        let owner = |it: &E::Column| it.as_str() == "owner_id";
        if !keys.iter().any(owner) {
            keys.extend(E::Column::iter().filter(owner));
        }
        let is = |row: &E::Model| keys.iter().fold(Condition::all(), |all, key| all.add(key.eq(row.get(*key))));
        let table = E::default().table_name().to_owned();
        let mut update = Query::update();
        update.table(Alias::new(&table)).returning_col(keys[0]);
        if let Some(first) = rows.first() {
            let others = E::Column::iter().filter(|it| !keys.iter().any(|key| key.as_str() == it.as_str()));
            update.values(others.map(|it| (it, Expr::val(first.get(it))))).cond_where(is(first));
        }
        let (whose, count) = (E::Column::iter().find(owner), rows.len());
        let deletes = rows.chunk_by(|one, next| whose.is_none_or(|it| one.get(it) == next.get(it))).map(|rows| {
            let these = rows.iter().fold(Condition::any(), |any, row| any.add(is(row)));
            let mut delete = Query::delete();
            delete.from_table(Alias::new(&table)).cond_where(these).returning_col(keys[0]);
            Delete { statement: self.backend.build(&delete), count: rows.len() }
        });
        let deletes = deletes.collect();
        let mut insert = E::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model)).into_query();
        insert.returning_col(keys[0]);
        let (insert, update) = (self.backend.build(&insert), self.backend.build(&update));
        Rows { table, needs, count, insert, update, search: None, deletes }
    }
}

/// The task with the longest texts that there may be.
fn longest(task: task::Model) -> task::Model {
    let (title, description) = (LETTER.repeat(200), LETTER.repeat(5000));
    task::Model {
        title_key: title.clone(),
        title,
        description_key: Some(description.clone()),
        description: Some(description),
        priority: task::Priority::High,
        due_date: NaiveDate::from_ymd_opt(9999, 12, 31),
        due_at: None,
        due_zone: None,
        ..task
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::ColumnTrait;

    use super::*;

    #[test]
    fn each_column_of_tasks_that_may_be_null_is_tried_with_a_value_and_without() {
        let people = People {
            backend: DbBackend::Sqlite,
            ids: [text(), text()].map(UserId),
            owners: [OwnerId(-1), OwnerId(-2)],
            own: [Uuid::new_v4(), Uuid::new_v4()],
        };
        let rows = people.all_tasks();
        for column in task::Column::iter().filter(|it| it.def().is_null()) {
            let has = |row: &task::Model| row.get(column) != row.get(column).as_null();
            assert!(rows.iter().any(has) && !rows.iter().all(has), "{column:?}");
        }
        assert!(task::Column::iter().any(|it| it.def().is_null()));
    }
}
