//! Collecting the problems of an input, so that one answer names them all.

use async_graphql::MaybeUndefined;

use crate::error::{Error, FieldError, ValidationError};

/// Collects the problems of an input.
#[derive(Default)]
pub(super) struct Check(Vec<FieldError>);

impl Check {
    pub(super) fn field<T>(&mut self, field: &'static str, value: Result<T, ValidationError>) -> Option<T> {
        value.map_err(|rule| self.0.push(FieldError { field, rule })).ok()
    }

    pub(super) fn optional<T>(&mut self, field: &'static str, value: Option<Result<T, ValidationError>>) -> Option<T> {
        value.and_then(|value| self.field(field, value))
    }

    pub(super) fn required<T>(
        &mut self,
        field: &'static str,
        value: MaybeUndefined<Result<T, ValidationError>>,
    ) -> Option<T> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => self.field(field, Err(ValidationError::Null)),
            MaybeUndefined::Value(value) => self.field(field, value),
        }
    }

    pub(super) fn clearable<T>(
        &mut self,
        field: &'static str,
        value: MaybeUndefined<Result<T, ValidationError>>,
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
