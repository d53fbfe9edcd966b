//! What an import comes to: its file is checked against what is there, and every problem has its place in the file.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use entity::{
    id::{LabelId, ListId, TaskId},
    task,
    text::name_key,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{
    IDS_AT_ONCE, Import, Imported, Importer, LabelImport, ListImport, MAX_IMPORT_LABELS, MAX_IMPORT_LISTS,
    MAX_PROBLEMS, TaskImport,
};
use crate::{
    error::{Error, FileProblem, ValidationError},
    service::{
        labels::Labels,
        lists::Lists,
        tasks::{MAX_SUBTASKS, OWN_PARENT},
    },
};

/// What there is to write, after everything was checked.
#[derive(Debug, Default)]
pub(super) struct ImportPlan {
    pub(super) lists: Vec<ListImport>,
    pub(super) labels: Vec<LabelImport>,
    /// Tasks that are no subtasks, then the others.
    pub(super) tasks: Vec<TaskImport>,
    pub(super) counts: Imported,
}

impl Importer<'_> {
    /// Checks everything against what is there.
    pub(super) async fn plan(self, import: Import) -> Result<ImportPlan, Error> {
        let mut problems = Problems::default();
        let (lists, skipped_lists, known_lists) =
            self.new_lists(import.lists, import.are_lists_named, &mut problems).await?;
        let (labels, skipped_labels, known_labels) = self.new_labels(import.labels, &mut problems).await?;
        let there = self.tasks_there(&import.tasks).await?;
        let all = import.tasks.len();
        let mut tasks = import.tasks;
        let places = problems.repeated("tasks", tasks.iter().map(|it| it.id), |one, other| {
            TaskImport { place: tasks[other].place, ..tasks[one].clone() } == tasks[other]
        });
        tasks.retain(|it| !there.contains_key(&it.id) && places.get(&it.id) == Some(&it.place));
        drop(places);
        let parents = self.parents(&tasks, there).await?;
        for it in &mut tasks {
            let at = it.place;
            match it.draft.list.map(|list| known_lists.get(&list)) {
                Some(None) => {
                    problems.add(format!("tasks.{at}.list_id"), "must be the id of a list of the user or of the file");
                }
                list => it.draft.list = list.flatten().copied(),
            }
            if let Some(parent) = it.draft.parent {
                let path = || format!("tasks.{at}.parent_id");
                problems.extend(parents.check(it.id, parent).err().map(|rule| FileProblem { path: path(), rule }));
            }
            for (place, id) in it.labels.iter_mut().enumerate() {
                match known_labels.get(id) {
                    Some(label) => *id = *label,
                    None => problems.add(
                        format!("tasks.{at}.label_ids.{place}"),
                        "must be the id of a label of the user or of the file",
                    ),
                }
            }
        }
        problems.none()?;
        // Parents come first: a subtask takes its list from them.
        tasks.sort_by_key(|it| it.draft.parent.is_some());
        let skipped = skipped_lists + skipped_labels + (all - tasks.len());
        let counts = Imported { lists: lists.len(), labels: labels.len(), tasks: tasks.len(), skipped };
        Ok(ImportPlan { lists, labels, tasks, counts })
    }

    /// The lists that are not there yet, how many are, and which list each id of the file stands for.
    async fn new_lists(
        self,
        lists: Vec<ListImport>,
        are_named: bool,
        problems: &mut Problems,
    ) -> Result<(Vec<ListImport>, usize, HashMap<ListId, ListId>), Error> {
        problems.repeated("lists", lists.iter().map(|it| it.id), |_, _| false);
        let mut there = Lists::new(self.scope).all(None).await?;
        let mut ids: HashMap<ListId, ListId> = there.iter().map(|row| (row.id, row.id)).collect();
        // Of several with the same name, one that is in use.
        there.sort_by_key(|row| !row.archived);
        let named = there.iter().filter(|_| are_named).map(|row| (name_key(&row.name), row.id));
        let names: HashMap<String, ListId> = named.collect();
        let (room, all) = (MAX_IMPORT_LISTS.saturating_sub(there.len()), lists.len());
        let mut new = Vec::new();
        for it in lists {
            if ids.contains_key(&it.id) {
                continue;
            }
            match names.get(&name_key(it.draft.name.as_str())) {
                Some(list) => drop(ids.insert(it.id, *list)),
                None => {
                    ids.insert(it.id, it.id);
                    new.push(it);
                }
            }
        }
        if new.len() > room {
            problems.add("lists".to_owned(), "would be more than 500 with those that are there");
        }
        let skipped = all - new.len();
        Ok((new, skipped, ids))
    }

    /// The labels that are not there yet, how many are, and which label each id of the file stands for.
    async fn new_labels(
        self,
        labels: Vec<LabelImport>,
        problems: &mut Problems,
    ) -> Result<(Vec<LabelImport>, usize, HashMap<LabelId, LabelId>), Error> {
        problems.repeated("labels", labels.iter().map(|it| it.id), |_, _| false);
        let there = Labels::new(self.scope).all().await?;
        let mut ids: HashMap<LabelId, LabelId> = there.iter().map(|row| (row.id, row.id)).collect();
        let mut names: HashMap<String, LabelId> = there.into_iter().map(|row| (row.name_key, row.id)).collect();
        let (room, all) = (MAX_IMPORT_LABELS.saturating_sub(names.len()), labels.len());
        let mut new = Vec::new();
        for it in labels {
            if ids.contains_key(&it.id) {
                continue;
            }
            let folded = it.draft.name.folded();
            let label = *names.entry(folded).or_insert(it.id);
            ids.insert(it.id, label);
            if label == it.id {
                new.push(it);
            }
        }
        if new.len() > room {
            problems.add("labels".to_owned(), "would be more than 1,000 with those that are there");
        }
        let skipped = all - new.len();
        Ok((new, skipped, ids))
    }

    /// Those of the tasks, and of their parents, that are there, with their own parents.
    async fn tasks_there(self, tasks: &[TaskImport]) -> Result<HashMap<TaskId, Option<TaskId>>, Error> {
        let ids: HashSet<TaskId> = tasks.iter().flat_map(|it| [Some(it.id), it.draft.parent]).flatten().collect();
        let ids: Vec<TaskId> = ids.into_iter().collect();
        let mut there = HashMap::new();
        for some in ids.chunks(IDS_AT_ONCE) {
            let rows: Vec<(TaskId, Option<TaskId>)> = task::Entity::find()
                .select_only()
                .columns([task::Column::Id, task::Column::ParentId])
                .filter(task::Column::OwnerId.eq(self.scope.owner))
                .filter(task::Column::DeletedAt.is_null())
                .filter(task::Column::Id.is_in(some.iter().copied()))
                .into_tuple()
                .all(self.scope.db.reader())
                .await?;
            there.extend(rows);
        }
        Ok(there)
    }

    /// What the parents of new tasks are, and how many subtasks they would have.
    async fn parents(self, tasks: &[TaskImport], there: HashMap<TaskId, Option<TaskId>>) -> Result<Parents, Error> {
        let mut parents = Parents { of: there, subtasks: HashMap::new() };
        for parent in tasks.iter().filter_map(|it| it.draft.parent) {
            *parents.subtasks.entry(parent).or_default() += 1;
        }
        let known: Vec<TaskId> = parents.subtasks.keys().copied().filter(|id| parents.of.contains_key(id)).collect();
        parents.of.extend(tasks.iter().map(|it| (it.id, it.draft.parent)));
        for some in known.chunks(IDS_AT_ONCE) {
            let counts: Vec<(TaskId, i64)> = task::Entity::find()
                .select_only()
                .column(task::Column::ParentId)
                .column_as(task::Column::Number.count(), "many")
                .filter(task::Column::OwnerId.eq(self.scope.owner))
                .filter(task::Column::DeletedAt.is_null())
                .filter(task::Column::ParentId.is_in(some.iter().copied()))
                .group_by(task::Column::ParentId)
                .into_tuple()
                .all(self.scope.db.reader())
                .await?;
            for (parent, count) in counts {
                *parents.subtasks.entry(parent).or_default() += count;
            }
        }
        Ok(parents)
    }
}

/// What the parents of new tasks are.
struct Parents {
    /// The parent of each task that is there or new, if it has one.
    of: HashMap<TaskId, Option<TaskId>>,
    /// How many subtasks each parent would have.
    subtasks: HashMap<TaskId, i64>,
}

impl Parents {
    fn check(&self, id: TaskId, parent: TaskId) -> Result<(), ValidationError> {
        match self.of.get(&parent) {
            _ if parent == id => Err(OWN_PARENT),
            None => Err(ValidationError::Rule("must be the id of a task of the user or of the file")),
            Some(Some(_)) => Err(ValidationError::Rule("must not be a subtask")),
            Some(None) if self.subtasks.get(&parent).is_some_and(|count| *count > MAX_SUBTASKS) => {
                Err(ValidationError::Rule("would have more than 100 subtasks"))
            }
            Some(None) => Ok(()),
        }
    }
}

/// What is wrong with a file, the first of it.
#[derive(Default)]
struct Problems(Vec<FileProblem>);

impl Problems {
    fn add(&mut self, path: String, rule: &'static str) {
        self.extend([FileProblem { path, rule: ValidationError::Rule(rule) }]);
    }

    fn extend(&mut self, problems: impl IntoIterator<Item = FileProblem>) {
        self.0.extend(problems);
        self.0.truncate(MAX_PROBLEMS);
    }

    /// Adds the entries that have the id of an earlier one: one of both would be left out. The same task twice is none,
    /// because one that is moved during an export may be in it twice. Returns the first place of each id.
    fn repeated<Id: Eq + Hash>(
        &mut self,
        kind: &str,
        ids: impl Iterator<Item = Id>,
        is_same: impl Fn(usize, usize) -> bool,
    ) -> HashMap<Id, usize> {
        let mut places = HashMap::new();
        for (place, id) in ids.enumerate() {
            let first = *places.entry(id).or_insert(place);
            if first != place && !is_same(first, place) {
                self.add(format!("{kind}.{place}.id"), "must not be the id of an earlier one of the file");
            }
        }
        places
    }

    fn none(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::InvalidFile(self.0)) }
    }
}
