//! Collecting the problems of an input, so that one answer names them all.

use async_graphql::MaybeUndefined;

use crate::error::{Error, Fault, Problem};

/// Collects the problems of an input.
#[derive(Default)]
pub(super) struct Check(Vec<Problem>);

impl Check {
    pub(super) fn field<T>(&mut self, field: &'static str, value: Result<T, Fault>) -> Option<T> {
        value.map_err(|fault| self.0.push(Problem { field, fault })).ok()
    }

    pub(super) fn optional<T>(&mut self, field: &'static str, value: Option<Result<T, Fault>>) -> Option<T> {
        value.and_then(|value| self.field(field, value))
    }

    pub(super) fn required<T>(&mut self, field: &'static str, value: MaybeUndefined<Result<T, Fault>>) -> Option<T> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => self.field(field, Err(Fault::Null)),
            MaybeUndefined::Value(value) => self.field(field, value),
        }
    }

    pub(super) fn clearable<T>(
        &mut self,
        field: &'static str,
        value: MaybeUndefined<Result<T, Fault>>,
    ) -> Option<Option<T>> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(value) => self.field(field, value).map(Some),
        }
    }

    pub(super) fn passed<T>(self, value: Option<T>) -> Result<T, Error> {
        value.filter(|_| self.0.is_empty()).ok_or(Error::Invalid(self.0))
    }
}
