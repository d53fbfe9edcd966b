//! The values that one condition of a filter names.

use std::{collections::HashSet, hash::Hash};

use crate::error::ValidationError;

/// How many different values one condition names at most: as many as a user may have labels.
pub const MAX_VALUES: usize = 1000;

/// Any of these values, each named once. Nothing is any of none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AnyOf<T>(Vec<T>);

impl<T: Clone + Eq + Hash> AnyOf<T> {
    /// Takes the values, each once.
    pub fn new(values: impl IntoIterator<Item = T>) -> Result<Self, ValidationError> {
        let mut seen = HashSet::new();
        let mut different = Vec::new();
        for value in values {
            if !seen.insert(value.clone()) {
                continue;
            }
            if different.len() == MAX_VALUES {
                return Err(ValidationError::TooMany(MAX_VALUES));
            }
            different.push(value);
        }
        Ok(Self(different))
    }

    /// The values for a statement: the last is repeated up to the next power of two, so that few texts of statements are
    /// to be prepared, however many values there are.
    pub(super) fn padded(&self) -> impl Iterator<Item = &T> {
        let missing = self.0.len().next_power_of_two() - self.0.len();
        self.0.iter().chain(self.0.last().into_iter().cycle().take(missing))
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_named_once_and_there_are_not_too_many_of_them() {
        let them = AnyOf::new([3, 1, 3, 2, 1]).unwrap();
        assert_eq!(them.0, [3, 1, 2]);
        assert_eq!(them.padded().copied().collect::<Vec<_>>(), [3, 1, 2, 2]);
        assert_eq!(AnyOf::<u8>::new([]).unwrap().padded().count(), 0);
        assert!(AnyOf::new((0..10 * MAX_VALUES).map(|it| it % MAX_VALUES)).is_ok());
        assert_eq!(AnyOf::new(0..=MAX_VALUES), Err(ValidationError::TooMany(MAX_VALUES)));
    }
}
