//! Which tables hold the accounts and tasks of another back-end, and what its columns are to Docket.

use std::collections::BTreeMap;

use crate::db::{FoundColumn, FoundTable, plain};

/// What follows the name of a table that was in the way of Docket's.
pub(super) const MOVED: &str = "_before_docket";

/// Names in [`plain`] form, the likeliest first.
const ACCOUNT_TABLES: [&str; 6] = ["users", "user", "accounts", "account", "appusers", "authusers"];
const TASK_TABLES: [&str; 6] = ["tasks", "task", "todos", "todo", "todoitems", "items"];

/// What a column of theirs is to Docket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Id,
    Email,
    Name,
    Password,
    IsVerified,
    Image,
    Owner,
    Title,
    Description,
    Completed,
    Status,
    Priority,
    Due,
    Tags,
    IsDeleted,
    DeletedAt,
    CompletedAt,
    CreatedAt,
    UpdatedAt,
}

/// Names of the columns of accounts, in [`plain`] form, the likeliest first.
const ACCOUNT_COLUMNS: [(Role, &[&str]); 10] = [
    (Role::Id, &["id", "userid"]),
    (Role::Email, &["email", "emailaddress"]),
    (Role::Name, &["name", "fullname", "displayname", "username"]),
    (Role::Password, &["hashedpassword", "passwordhash", "password", "hash", "pwhash"]),
    (Role::IsVerified, &["emailverified", "isverified", "verified"]),
    (Role::IsDeleted, &["isdeleted", "deleted", "softdeleted", "isremoved", "removed"]),
    (Role::DeletedAt, &["deletedat", "removedat"]),
    (Role::Image, &["image", "avatar", "avatarurl", "picture"]),
    (Role::CreatedAt, &["createdat", "created", "datejoined"]),
    (Role::UpdatedAt, &["updatedat", "updated", "modifiedat"]),
];
const TASK_COLUMNS: [(Role, &[&str]); 14] = [
    (Role::Id, &["id", "taskid", "todoid"]),
    (Role::Owner, &["userid", "ownerid", "owner", "user"]),
    (Role::Title, &["title", "name", "task", "todo"]),
    (Role::Description, &["description", "details", "body", "content", "notes"]),
    (Role::Completed, &["completed", "iscompleted", "complete", "iscomplete", "done", "isdone"]),
    (Role::Status, &["status", "state"]),
    (Role::Priority, &["priority"]),
    (Role::Due, &["duedate", "dueat", "due", "deadline"]),
    (Role::Tags, &["tags", "labels"]),
    (Role::IsDeleted, &["isdeleted", "deleted", "softdeleted", "isremoved", "removed"]),
    (Role::DeletedAt, &["deletedat", "removedat"]),
    (Role::CompletedAt, &["completedat"]),
    (Role::CreatedAt, &["createdat", "created"]),
    (Role::UpdatedAt, &["updatedat", "updated", "modifiedat"]),
];

/// A table of theirs.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) table: FoundTable,
    /// What its columns are to Docket.
    pub(super) roles: BTreeMap<Role, String>,
}

impl Source {
    /// The table of accounts, if there is one that is not a Better Auth's.
    pub(super) fn accounts(tables: &[FoundTable]) -> Option<Self> {
        // Better Auth has passwords in a table of their own.
        Self::among(tables, &ACCOUNT_TABLES, &ACCOUNT_COLUMNS)
            .find(|it| it.has(&[Role::Id, Role::Email, Role::Password]))
    }

    /// The table of tasks, if there is one that is not Docket's.
    pub(super) fn tasks(tables: &[FoundTable]) -> Option<Self> {
        Self::among(tables, &TASK_TABLES, &TASK_COLUMNS)
            .find(|it| it.has(&[Role::Id, Role::Owner, Role::Title]) && !Self::is_own(&it.table))
    }

    /// The table of accounts that have passwords and no address.
    pub(super) fn accounts_without_address(tables: &[FoundTable]) -> Option<Self> {
        Self::among(tables, &ACCOUNT_TABLES, &ACCOUNT_COLUMNS)
            .find(|it| it.has(&[Role::Id, Role::Name, Role::Password]) && !it.has(&[Role::Email]))
    }

    /// Whether it is Docket's table of tasks.
    pub(super) fn is_own(table: &FoundTable) -> bool {
        table.column("title_key").is_some() || table.column("revision").is_some()
    }

    fn among<'a>(
        tables: &'a [FoundTable],
        names: &'a [&'static str],
        columns: &'a [(Role, &[&str])],
    ) -> impl Iterator<Item = Self> + 'a {
        let of_name = move |name: &'static str| {
            tables.iter().filter(move |it| plain(it.name.strip_suffix(MOVED).unwrap_or(&it.name)) == name)
        };
        names.iter().flat_map(move |name| of_name(name)).map(|table| Self {
            table: table.clone(),
            roles: columns.iter().filter_map(|(role, names)| Some((*role, named(table, names)?))).collect(),
        })
    }

    fn has(&self, roles: &[Role]) -> bool {
        roles.iter().all(|it| self.roles.contains_key(it))
    }

    /// The column that is this to Docket.
    pub(super) fn column(&self, role: Role) -> Option<&FoundColumn> {
        self.table.column(self.roles.get(&role)?)
    }

    /// Whether it is the table of tasks, which have owners.
    pub(super) fn is_of_tasks(&self) -> bool {
        self.roles.contains_key(&Role::Owner)
    }

    /// What the table was called before it was moved.
    pub(super) fn name(&self) -> &str {
        self.table.name.strip_suffix(MOVED).unwrap_or(&self.table.name)
    }

    /// Columns that are nothing to Docket.
    pub(super) fn others(&self) -> impl Iterator<Item = &FoundColumn> {
        let is_other = |it: &&FoundColumn| !self.roles.values().any(|name| *name == it.name);
        self.table.columns.iter().filter(is_other)
    }
}

/// The first column that has one of these names.
fn named(table: &FoundTable, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| table.columns.iter().find(|it| plain(&it.name) == **name)).map(|it| it.name.clone())
}
