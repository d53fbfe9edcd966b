//! Filters of tasks: a tree of conditions, and the expression of a statement that it becomes.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use entity::{
    id::{LabelId, ListId, TaskId},
    label,
    task::{self, Priority},
    task_label,
    text::{needle, search_key},
    time::Micros,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select, Value,
    sea_query::{Cond, Expr, ExprTrait, Func, SimpleExpr},
};

use super::{AnyOf, Date, Instant, MAX_TITLE, Tasks, TimeZone, Words, order::due_column};
use crate::{error::ValidationError, service::values::LabelName};

/// How many characters a text to search for has at most.
pub(super) const MAX_SEARCH: usize = 200;

/// Which tasks: those that meet every condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only those in this state.
    pub completed: Option<bool>,
    /// Only those whose title or description contains this.
    pub contains: Option<SearchText>,
    /// Only open tasks whose instant, or whose day in this time zone, is over.
    pub overdue: Option<TimeZone>,
    /// Only those that meet each of these too.
    pub conditions: Vec<Condition>,
}

/// One condition, which a task meets or does not: there is no third state for values that are absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Each of these filters is met; nothing meets none of them.
    All(Vec<Filter>),
    /// One of these filters is met.
    Any(Vec<Filter>),
    /// The filter is not met.
    Not(Box<Filter>),
    /// It is one of these tasks.
    Ids(AnyOf<TaskId>),
    /// The priority is one of these.
    Priorities(AnyOf<Priority>),
    /// The title is one of these texts, whatever the case.
    Titles(AnyOf<TitleKey>),
    /// The title contains this.
    TitleContains(SearchText),
    /// It has words that begin with each of these; nothing has when there is no word to look for.
    Search(Words),
    /// It is in one of these lists.
    Lists(AnyOf<ListId>),
    /// It is a subtask of one of these tasks.
    Parents(AnyOf<TaskId>),
    /// It has one of these labels.
    AnyLabel(AnyOf<LabelId>),
    /// It has a label of one of these names.
    LabelNames(AnyOf<LabelName>),
    /// It has all of these labels, of which there is one at least.
    AllLabels(AnyOf<LabelId>),
    /// It has none of these labels, of which there is one at least.
    NoLabelOf(AnyOf<LabelId>),
    /// Something that a task may have is absent, or is there.
    IsAbsent(Optional, bool),
    /// The priority compares so with this one.
    Priority(Comparison, Priority),
    /// The due date compares so with this one.
    DueDate(Comparison, Date),
    /// A time compares so with this instant.
    Time(TimeField, Comparison, Instant),
}

/// What a task may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Optional {
    /// A list.
    List,
    /// A parent.
    Parent,
    /// A label.
    Labels,
    /// A due date or a due instant.
    Due,
    /// A due date.
    DueDate,
    /// A due instant.
    DueAt,
    /// A time of completion.
    CompletedAt,
}

/// The times of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeField {
    /// When it is due; a date is due from its midnight in UTC on.
    Due,
    /// The instant at which it is due.
    DueAt,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// When it was completed.
    CompletedAt,
}

/// How a value compares with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// It is the bound.
    Eq,
    /// It is greater or later.
    Gt,
    /// It is the bound, or greater or later.
    Gte,
    /// It is less or earlier.
    Lt,
    /// It is the bound, or less or earlier.
    Lte,
}

/// A text that a title may be, as titles are compared: whatever their case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TitleKey(String);

/// 1 to 200 characters to look for, folded: whatever their case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SearchText(String);

impl TitleKey {
    /// Checks the text.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        match text.chars().count() {
            _ if text.contains('\0') => Err(ValidationError::Nul),
            0..=MAX_TITLE => Ok(Self(search_key(text))),
            _ => Err(ValidationError::TooLong(MAX_TITLE)),
        }
    }
}

impl SearchText {
    /// Checks the text; an empty one is none.
    pub fn parse(text: &str) -> Result<Option<Self>, ValidationError> {
        match text.chars().count() {
            0 => Ok(None),
            _ if text.contains('\0') => Err(ValidationError::Nul),
            1..=MAX_SEARCH => Ok(Some(Self(needle(text)))),
            _ => Err(ValidationError::TooLong(MAX_SEARCH)),
        }
    }
}

impl Filter {
    /// Whether there is no condition, so that all tasks meet it.
    pub fn is_met_by_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a task may come to meet it without a write.
    pub(super) fn depends_on_time(&self) -> bool {
        self.overdue.is_some() || self.conditions.iter().flat_map(Condition::filters).any(Self::depends_on_time)
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let of_text = self.contains.as_ref().map_or(0, |it| it.0.len());
        let of_conditions: usize = self.conditions.iter().map(Condition::bytes).sum();
        size_of::<Self>() + of_text + of_conditions
    }
}

impl Condition {
    /// The filters that it is made of.
    fn filters(&self) -> &[Filter] {
        match self {
            Self::All(filters) | Self::Any(filters) => filters,
            Self::Not(filter) => std::slice::from_ref(filter),
            _ => &[],
        }
    }

    fn bytes(&self) -> usize {
        let text = |text: &str| size_of::<String>() + text.len();
        let of_values = match self {
            Self::Ids(them) | Self::Parents(them) => them.count() * size_of::<TaskId>(),
            Self::Lists(them) => them.count() * size_of::<ListId>(),
            Self::AnyLabel(them) | Self::AllLabels(them) | Self::NoLabelOf(them) => them.count() * size_of::<LabelId>(),
            Self::LabelNames(names) => names.padded().map(|it| text(it.as_str())).sum(),
            Self::Titles(titles) => titles.padded().map(|TitleKey(it)| text(it)).sum(),
            Self::Priorities(them) => them.count() * size_of::<Priority>(),
            Self::TitleContains(SearchText(it)) => it.len(),
            Self::Search(words) => words.as_slice().iter().flatten().flatten().map(|it| text(it)).sum(),
            _ => 0,
        };
        size_of::<Self>() + of_values + self.filters().iter().map(Filter::bytes).sum::<usize>()
    }
}

impl Tasks<'_> {
    /// The tasks that meet the filter.
    pub(super) fn filtered(self, filter: &Filter) -> Select<task::Entity> {
        self.expressions(filter).into_iter().fold(self.mine(), Select::filter)
    }

    /// What is true of tasks that meet the filter. A value that is absent makes an expression null, which is as false as
    /// long as nothing negates it.
    fn expressions(self, filter: &Filter) -> Vec<SimpleExpr> {
        let db = self.scope.db;
        let plain = [
            filter.completed.map(|completed| task::Column::Completed.eq(completed)),
            filter.contains.as_ref().map(|SearchText(text)| {
                db.contains(task::Column::TitleKey, text).or(db.contains(task::Column::DescriptionKey, text))
            }),
            filter.overdue.map(|zone| is_overdue(zone, Utc::now())),
        ];
        let conditions = filter.conditions.iter().map(|condition| self.expression(condition));
        plain.into_iter().flatten().chain(conditions).collect()
    }

    fn expression(self, condition: &Condition) -> SimpleExpr {
        let whole = |filter: &Filter| all(self.expressions(filter));
        match condition {
            Condition::All(filters) | Condition::Any(filters) if filters.is_empty() => Expr::value(false),
            Condition::All(filters) => all(filters.iter().map(whole)),
            Condition::Any(filters) => filters.iter().map(whole).fold(Cond::any(), Cond::add).into(),
            Condition::Not(filter) => {
                let is_met = Func::coalesce([whole(filter), Expr::value(false)]);
                SimpleExpr::from(is_met).not()
            }
            Condition::Ids(ids) => task::Column::Id.is_in(ids.padded().copied()),
            Condition::Priorities(them) => task::Column::Priority.is_in(them.padded().copied()),
            Condition::Titles(titles) => task::Column::TitleKey.is_in(titles.padded().map(|TitleKey(it)| it.clone())),
            Condition::TitleContains(SearchText(text)) => self.scope.db.contains(task::Column::TitleKey, text),
            Condition::Search(words) => match words.as_slice() {
                [] => Expr::value(false),
                words => self.scope.db.has_phrases(self.scope.owner, words),
            },
            Condition::Lists(lists) => task::Column::ListId.is_in(lists.padded().copied()),
            Condition::Parents(parents) => task::Column::ParentId.is_in(parents.padded().copied()),
            Condition::LabelNames(names) => self.named(names),
            Condition::AnyLabel(labels) => self.labelled(has_label_of(labels)),
            Condition::AllLabels(labels) => self.has_all_labels(labels),
            Condition::NoLabelOf(labels) if labels.count() == 0 => Expr::value(false),
            Condition::NoLabelOf(labels) => self.has_label(Some(has_label_of(labels))).not(),
            Condition::IsAbsent(what, is_absent) => self.is_absent(*what, *is_absent),
            Condition::Priority(comparison, bound) => comparison.of(Expr::col(task::Column::Priority), *bound as i16),
            Condition::DueDate(comparison, date) => self.due_date(*comparison, (*date).into()),
            Condition::Time(field, comparison, instant) => self.time(*field, *comparison, *instant),
        }
    }

    /// Whether a time compares so. When a task is due, in UTC, is what the index knows.
    fn time(self, field: TimeField, comparison: Comparison, instant: Instant) -> SimpleExpr {
        let instant = Micros::from(instant);
        let of = |column: task::Column| comparison.of(Expr::col(column), instant);
        let due = || comparison.of(due_column(), instant);
        match field {
            TimeField::Due => due(),
            TimeField::DueAt => of(task::Column::DueAt).and(due()),
            TimeField::CreatedAt => of(task::Column::CreatedAt),
            TimeField::UpdatedAt => of(task::Column::UpdatedAt),
            TimeField::CompletedAt => of(task::Column::CompletedAt),
        }
    }

    /// Whether the due date compares so: its midnight does too, which is what the index knows.
    fn due_date(self, comparison: Comparison, date: NaiveDate) -> SimpleExpr {
        let midnight = Micros::from(date.and_time(NaiveTime::MIN).and_utc());
        comparison.of(Expr::col(task::Column::DueDate), date).and(comparison.of(due_column(), midnight))
    }

    fn is_absent(self, what: Optional, is_absent: bool) -> SimpleExpr {
        let value = match what {
            Optional::Labels if is_absent => return self.has_label(None).not(),
            Optional::Labels => return self.has_label(None),
            Optional::Due => due_column(),
            Optional::List => Expr::col(task::Column::ListId),
            Optional::Parent => Expr::col(task::Column::ParentId),
            Optional::DueDate => Expr::col(task::Column::DueDate),
            Optional::DueAt => Expr::col(task::Column::DueAt),
            Optional::CompletedAt => Expr::col(task::Column::CompletedAt),
        };
        if is_absent { value.is_null() } else { value.is_not_null() }
    }

    /// Whether the task is among those with such a label: the labels lead to the tasks.
    pub(super) fn labelled(self, is_one: SimpleExpr) -> SimpleExpr {
        task::Column::Id.in_subquery(self.marks().filter(is_one).into_query())
    }

    fn has_all_labels(self, labels: &AnyOf<LabelId>) -> SimpleExpr {
        let count = i64::try_from(labels.count()).unwrap_or(i64::MAX);
        let marked = self
            .marks()
            .filter(has_label_of(labels))
            .group_by(task_label::Column::TaskId)
            .having(task_label::Column::LabelId.count().eq(count));
        task::Column::Id.in_subquery(marked.into_query())
    }

    /// Whether the task has a label, or such a label: the task leads to its labels.
    fn has_label(self, is_one: Option<SimpleExpr>) -> SimpleExpr {
        let task = Expr::col((task::Entity, task::Column::Id));
        let marks = self.marks().filter(Expr::col((task_label::Entity, task_label::Column::TaskId)).eq(task));
        Expr::exists(marks.apply_if(is_one, Select::filter).into_query())
    }

    fn named(self, names: &AnyOf<LabelName>) -> SimpleExpr {
        let labels = label::Entity::find()
            .select_only()
            .column(label::Column::Id)
            .filter(label::Column::OwnerId.eq(self.scope.owner))
            .filter(label::Column::DeletedAt.is_null())
            .filter(label::Column::NameKey.is_in(names.padded().map(LabelName::folded)));
        self.labelled(task_label::Column::LabelId.in_subquery(labels.into_query()))
    }

    /// The tasks that have labels.
    fn marks(self) -> Select<task_label::Entity> {
        task_label::Entity::find()
            .select_only()
            .column(task_label::Column::TaskId)
            .filter(task_label::Column::OwnerId.eq(self.scope.owner))
    }
}

impl Comparison {
    fn of(self, value: SimpleExpr, bound: impl Into<Value>) -> SimpleExpr {
        let bound = Expr::value(bound);
        match self {
            Self::Eq => value.eq(bound),
            Self::Gt => value.gt(bound),
            Self::Gte => value.gte(bound),
            Self::Lt => value.lt(bound),
            Self::Lte => value.lte(bound),
        }
    }
}

fn all(expressions: impl IntoIterator<Item = SimpleExpr>) -> SimpleExpr {
    expressions.into_iter().fold(Cond::all(), Cond::add).into()
}

fn has_label_of(labels: &AnyOf<LabelId>) -> SimpleExpr {
    task_label::Column::LabelId.is_in(labels.padded().copied())
}

/// Open, and its instant is over, or its day is in that time zone.
pub(super) fn is_overdue(zone: TimeZone, now: DateTime<Utc>) -> SimpleExpr {
    let is_over = task::Column::DueAt.lt(Micros::from(now)).or(task::Column::DueDate.lt(zone.day(now)));
    // The last condition follows from the others, and is what the index knows.
    task::Column::Completed.eq(false).and(is_over).and(due_column().lt(Micros::from(now)))
}
