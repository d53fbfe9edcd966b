//! Labels that take each other's names in one push. A label that gives its name away comes before the one that takes it,
//! and labels that pass their names round are applied together.

use std::collections::{HashMap, HashSet};

use entity::id::LabelId;

use super::{Changed, LabelName, NewLabel, PushedChange, RowChange, RowId};

/// The rows in the order to apply them; those of one group are applied together.
pub(super) fn groups<'a>(rows: &'a [RowChange], before: &HashMap<RowId, Changed>) -> Vec<Vec<&'a RowChange>> {
    let givers = givers(rows, before);
    let mut placed = HashSet::new();
    let mut groups = Vec::new();
    for start in 0..rows.len() {
        let mut way = Vec::new();
        let mut next = Some(start).filter(|it| !placed.contains(it));
        while let Some(place) = next.filter(|it| !way.contains(it)) {
            way.push(place);
            next = givers.get(&place).copied().filter(|it| !placed.contains(it));
        }
        placed.extend(way.iter().copied());
        // Those from here on pass their names round.
        let round = next.and_then(|again| way.iter().position(|it| *it == again));
        let together = round.map(|from| way.split_off(from));
        let alone = way.into_iter().rev().map(|place| vec![place]);
        let taken = together.into_iter().chain(alone);
        groups.extend(taken.map(|places| places.into_iter().map(|place| &rows[place]).collect()));
    }
    groups
}

/// For the places of rows that take the name of another label of this push, the place of that one.
fn givers(rows: &[RowChange], before: &HashMap<RowId, Changed>) -> HashMap<usize, usize> {
    let wanted = |row: &RowChange| wanted_name(&row.change).map(LabelName::folded);
    let held = |row: &RowChange| match before.get(&row.change.id())? {
        Changed::Label(label) if label.deleted_at.is_none() => Some(label.name_key.clone()),
        _ => None,
    };
    let given = |(place, row): (usize, &RowChange)| {
        let (wanted, held) = (wanted(row)?, held(row)?);
        (wanted != held).then_some((held, place))
    };
    let givers: HashMap<String, usize> = rows.iter().enumerate().filter_map(given).collect();
    let takers = rows.iter().enumerate().filter_map(|(place, row)| Some((place, *givers.get(&wanted(row)?)?)));
    takers.collect()
}

/// The name that a row gives a label.
pub(super) fn wanted_name(change: &PushedChange) -> Option<&LabelName> {
    match change {
        PushedChange::Label(label) => Some(&label.state.as_ref()?.name),
        _ => None,
    }
}

/// The labels that pass their names round.
pub(super) fn labels(rows: &[&RowChange]) -> Vec<LabelRow> {
    let label = |row: &&RowChange| match &row.change {
        PushedChange::Label(label) => {
            Some(LabelRow { id: label.id, expected: label.expected, state: label.state.clone()? })
        }
        _ => None,
    };
    rows.iter().filter_map(label).collect()
}

/// A label that is to have this state.
#[derive(Clone)]
pub(super) struct LabelRow {
    pub(super) id: LabelId,
    pub(super) expected: Option<i64>,
    pub(super) state: NewLabel,
}
