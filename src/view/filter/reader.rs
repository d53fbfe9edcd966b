//! Reads a filter: checks its values, counts what is in it, and makes of it what the services take.

use std::hash::Hash;

use async_graphql::ID;

use super::{
    DateTimeFilter, IdFilter, LabelsFilter, NullableDateFilter, NullableDateTimeFilter, PriorityFilter, TaskFilter,
    TextFilter,
};
use crate::{
    error::{Error, ValidationError},
    service::tasks::{
        self, AnyOf, Comparison, Condition, Filter, Instant, MAX_VALUES, Optional, SearchText, TimeField, TimeZone,
        TitleKey, Words,
    },
    view::{label::label_ids, list_id, task_id},
};

/// How many conditions a filter has at most, in all of its levels.
const MAX_CONDITIONS: usize = 30;
/// How many levels of filters there are at most.
pub(super) const MAX_DEPTH: usize = 5;

/// The field `labels` of a filter; that of a task is `labelIds` in the schema.
const LABELS: &str = "filter_labels";

/// Reads one tree of filters, and counts what is in it.
#[derive(Default)]
pub(super) struct FilterReader {
    is_selection: bool,
    depth: usize,
    negations: usize,
    conditions: usize,
    values: usize,
    /// The conditions of the filter that is read.
    read: Vec<Condition>,
}

impl FilterReader {
    /// Of what is to be changed, in which nothing is left out in silence.
    pub(super) fn of_selection() -> Self {
        Self { is_selection: true, ..Self::default() }
    }

    pub(super) fn filter(&mut self, input: TaskFilter) -> Result<Filter, Error> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.read);
        let overdue = checked("overdue", input.overdue.as_ref().map(|it| TimeZone::parse(&it.time_zone)))?;
        let contains = self.contains(input.contains.as_deref())?;
        let completed = input.completed;
        let has_conditions = [completed.is_some(), overdue.is_some(), contains.is_some()];
        for _ in has_conditions.into_iter().filter(|it| *it) {
            self.count()?;
        }
        self.texts(input.title, input.search.as_deref())?;
        self.priority(input.priority)?;
        self.due(input.due, input.due_date, input.due_at)?;
        self.times(input.created_at, input.updated_at, input.completed_at)?;
        self.relations(input.ids, input.list_id, input.parent_id)?;
        self.labels(input.labels)?;
        self.combinations(input.and, input.or, input.not)?;
        self.depth -= 1;
        let conditions = std::mem::replace(&mut self.read, outer);
        Ok(Filter { completed, contains, overdue, conditions })
    }

    fn count(&mut self) -> Result<(), Error> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(Error::invalid("filter", ValidationError::Rule("must have at most 30 conditions")));
        }
        Ok(())
    }

    fn add(&mut self, condition: Condition) -> Result<(), Error> {
        self.count()?;
        self.read.push(condition);
        Ok(())
    }

    /// Reads a comparison, which must have a condition.
    fn compared<T>(
        &mut self,
        field: &'static str,
        input: Option<T>,
        read: impl FnOnce(&mut Self, T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(input) = input else { return Ok(()) };
        let before = self.read.len();
        read(self, input)?;
        if self.read.len() == before { Err(without_condition(field)) } else { Ok(()) }
    }

    fn contains(&self, text: Option<&str>) -> Result<Option<SearchText>, Error> {
        if text == Some("") && (self.is_selection || self.depth > 1) {
            return Err(Error::invalid("contains", ValidationError::Empty));
        }
        Ok(checked("contains", text.map(SearchText::parse))?.flatten())
    }

    fn texts(&mut self, title: Option<TextFilter>, search: Option<&str>) -> Result<(), Error> {
        if let Some(text) = search {
            let words = checked("search", Some(Words::parse(text)))?;
            let is_empty = words.as_ref().is_some_and(|it| it.as_slice().is_empty());
            if self.is_selection && (text.is_empty() || is_empty && self.negations > 0) {
                return Err(Error::invalid("search", ValidationError::Empty));
            }
            words.map(|it| self.add(Condition::Search(it))).transpose()?;
        }
        self.compared("title", title, |reader, TextFilter { eq, one_of, contains }| {
            for titles in lists(eq, one_of) {
                let titles = titles.iter().map(|it| TitleKey::parse(it)).collect::<Result<Vec<_>, _>>();
                let titles = titles.map_err(|fault| Error::invalid("title", fault))?;
                let titles = reader.some_of("title", titles)?;
                reader.add(Condition::Titles(titles))?;
            }
            if let Some(text) = contains {
                let text = checked("title", Some(SearchText::parse(&text)))?.flatten();
                reader.add(Condition::TitleContains(text.ok_or(Error::invalid("title", ValidationError::Empty))?))?;
            }
            Ok(())
        })
    }

    fn priority(&mut self, priority: Option<PriorityFilter>) -> Result<(), Error> {
        self.compared("priority", priority, |reader, PriorityFilter { eq, one_of, gt, gte, lt, lte }| {
            for priorities in lists(eq, one_of) {
                let priorities = reader.some_of("priority", priorities.into_iter().map(Into::into))?;
                reader.add(Condition::Priorities(priorities))?;
            }
            bounds(None, gt, gte, lt, lte).try_for_each(|(than, it)| reader.add(Condition::Priority(than, it.into())))
        })
    }

    fn due(
        &mut self,
        due: Option<NullableDateTimeFilter>,
        date: Option<NullableDateFilter>,
        at: Option<NullableDateTimeFilter>,
    ) -> Result<(), Error> {
        self.optional_time("due", due, TimeField::Due, Optional::Due)?;
        self.compared("dueDate", date, |reader, NullableDateFilter { eq, gt, gte, lt, lte, is_null }| {
            for (than, it) in bounds(eq, gt, gte, lt, lte) {
                let date = tasks::Date::new(it.0).map_err(|fault| Error::invalid("dueDate", fault))?;
                reader.add(Condition::DueDate(than, date))?;
            }
            reader.is_null(Optional::DueDate, is_null)
        })?;
        self.optional_time("dueAt", at, TimeField::DueAt, Optional::DueAt)
    }

    fn times(
        &mut self,
        created: Option<DateTimeFilter>,
        updated: Option<DateTimeFilter>,
        completed: Option<NullableDateTimeFilter>,
    ) -> Result<(), Error> {
        let kinds = [("createdAt", created, TimeField::CreatedAt), ("updatedAt", updated, TimeField::UpdatedAt)];
        for (field, filter, time) in kinds {
            self.compared(field, filter, |reader, it| reader.time(field, time, it))?;
        }
        self.optional_time("completedAt", completed, TimeField::CompletedAt, Optional::CompletedAt)
    }

    fn optional_time(
        &mut self,
        field: &'static str,
        filter: Option<NullableDateTimeFilter>,
        time: TimeField,
        optional: Optional,
    ) -> Result<(), Error> {
        self.compared(field, filter, |reader, NullableDateTimeFilter { gt, gte, lt, lte, is_null }| {
            reader.time(field, time, DateTimeFilter { gt, gte, lt, lte })?;
            reader.is_null(optional, is_null)
        })
    }

    fn time(&mut self, field: &'static str, time: TimeField, filter: DateTimeFilter) -> Result<(), Error> {
        let DateTimeFilter { gt, gte, lt, lte } = filter;
        for (than, it) in bounds(None, gt, gte, lt, lte) {
            let instant = Instant::new(it.instant).map_err(|fault| Error::invalid(field, fault))?;
            self.add(Condition::Time(time, than, instant))?;
        }
        Ok(())
    }

    fn is_null(&mut self, what: Optional, is_null: Option<bool>) -> Result<(), Error> {
        is_null.map_or(Ok(()), |it| self.add(Condition::IsAbsent(what, it)))
    }

    fn relations(
        &mut self,
        ids: Option<Vec<ID>>,
        list: Option<IdFilter>,
        parent: Option<IdFilter>,
    ) -> Result<(), Error> {
        if let Some(ids) = ids {
            let ids = self.some_of("ids", each(&ids, task_id)?)?;
            self.add(Condition::Ids(ids))?;
        }
        self.compared("listId", list, |reader, IdFilter { eq, one_of, is_null }| {
            for ids in lists(eq, one_of) {
                let ids = reader.some_of("listId", each(&ids, list_id)?)?;
                reader.add(Condition::Lists(ids))?;
            }
            reader.is_null(Optional::List, is_null)
        })?;
        self.compared("parentId", parent, |reader, IdFilter { eq, one_of, is_null }| {
            for ids in lists(eq, one_of) {
                let ids = reader.some_of("parentId", each(&ids, task_id)?)?;
                reader.add(Condition::Parents(ids))?;
            }
            reader.is_null(Optional::Parent, is_null)
        })
    }

    fn labels(&mut self, labels: Option<LabelsFilter>) -> Result<(), Error> {
        self.compared(LABELS, labels, |reader, LabelsFilter { any, all, none, is_empty }| {
            let kinds: [(_, fn(_) -> _); 3] =
                [(any, Condition::AnyLabel), (all, Condition::AllLabels), (none, Condition::NoLabelOf)];
            for (ids, condition) in kinds {
                if let Some(ids) = ids {
                    let ids = reader.some_of(LABELS, label_ids(&ids)?)?;
                    reader.add(condition(ids))?;
                }
            }
            reader.is_null(Optional::Labels, is_empty)
        })
    }

    fn combinations(
        &mut self,
        and: Option<Vec<TaskFilter>>,
        or: Option<Vec<TaskFilter>>,
        not: Option<Box<TaskFilter>>,
    ) -> Result<(), Error> {
        let kinds: [(_, _, fn(_) -> _); 2] = [("and", and, Condition::All), ("or", or, Condition::Any)];
        for (field, filters, condition) in kinds {
            if let Some(filters) = filters {
                self.refuse_nothing(field, filters.is_empty())?;
                self.count()?;
                let filters = filters.into_iter().map(|it| self.inner(field, it)).collect::<Result<_, _>>()?;
                self.read.push(condition(filters));
            }
        }
        if let Some(filter) = not {
            self.count()?;
            self.negations += 1;
            let filter = self.inner("not", *filter)?;
            self.negations -= 1;
            self.read.push(Condition::Not(Box::new(filter)));
        }
        Ok(())
    }

    /// A filter inside another, which must have a condition.
    fn inner(&mut self, field: &'static str, input: TaskFilter) -> Result<Filter, Error> {
        let filter = self.filter(input)?;
        if filter.is_met_by_all() { Err(without_condition(field)) } else { Ok(filter) }
    }
}

impl FilterReader {
    /// The values of a list, each once.
    fn some_of<T: Clone + Eq + Hash>(
        &mut self,
        field: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Result<AnyOf<T>, Error> {
        let values = AnyOf::new(values).map_err(|fault| Error::invalid(field, fault))?;
        self.refuse_nothing(field, values.count() == 0)?;
        self.values += values.count();
        if self.values > MAX_VALUES {
            return Err(Error::invalid(field, ValidationError::TooMany(MAX_VALUES)));
        }
        Ok(values)
    }

    /// Refuses an empty list where everything that is not in it would be changed.
    fn refuse_nothing(&self, field: &'static str, is_empty: bool) -> Result<(), Error> {
        if is_empty && self.is_selection && self.negations > 0 {
            return Err(Error::invalid(field, ValidationError::Empty));
        }
        Ok(())
    }
}

/// The lists of values that are given, one of which may be of one value.
fn lists<T>(eq: Option<T>, one_of: Option<Vec<T>>) -> impl Iterator<Item = Vec<T>> {
    eq.map(|it| vec![it]).into_iter().chain(one_of)
}

/// The bounds that are given.
fn bounds<T>(
    eq: Option<T>,
    gt: Option<T>,
    gte: Option<T>,
    lt: Option<T>,
    lte: Option<T>,
) -> impl Iterator<Item = (Comparison, T)> {
    let bounds = [
        (Comparison::Eq, eq),
        (Comparison::Gt, gt),
        (Comparison::Gte, gte),
        (Comparison::Lt, lt),
        (Comparison::Lte, lte),
    ];
    bounds.into_iter().filter_map(|(than, bound)| Some((than, bound?)))
}

fn each<T>(ids: &[ID], read: fn(&ID) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    ids.iter().map(read).collect()
}

fn checked<T>(field: &'static str, value: Option<Result<T, ValidationError>>) -> Result<Option<T>, Error> {
    value.transpose().map_err(|fault| Error::invalid(field, fault))
}

pub(super) fn too_deep() -> Error {
    Error::invalid("filter", ValidationError::Rule("must have at most 5 levels of filters"))
}

fn without_condition(field: &'static str) -> Error {
    Error::invalid(field, ValidationError::Rule("must have a condition"))
}
