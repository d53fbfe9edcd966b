//! Response formats: the usual ones, or those of an old back-end, chosen at start-up for front-ends that cannot change, or
//! by a front-end in `Accept`.
//! See docs/contracts/legacy-rest.md#response-shapes.

mod task_fields;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{RestState, errors::RestError, pydantic::PydanticError, unserved::Unserved};
use crate::{config::Config, error::Error, media_type::MediaType};

const JSON: &str = "application/json";
/// The parameters of `Accept` that choose a shape, each with its two words: the usual one first. They are named and valued as the
/// settings are, without `REST_`.
const PARAMETERS: [(&str, [&str; 2]); 4] = [
    ("delete", ["empty", "json"]),
    ("list", ["array", "envelope"]),
    ("case", ["snake", "camel"]),
    ("status", ["off", "on"]),
];

/// The shapes of the responses to a client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// The response to a deletion is 200 and JSON, for clients that read every response as JSON.
    pub(super) deletes_with_json: bool,
    /// A list is an object with the tasks in it.
    pub(super) wraps_lists: bool,
    /// Names of fields are in camelCase.
    pub(super) is_camel: bool,
    /// A task has a field `status`.
    pub(super) has_status: bool,
    /// The name under which a task shows once more whether it is completed.
    pub(super) completed_name: Option<&'static str>,
    /// Fields that clients send and that are not known are kept.
    pub(super) keeps_unknown: bool,
}

/// The response to a deletion, for clients that read one.
#[derive(Serialize)]
struct DeletedTask {
    message: &'static str,
    id: i64,
    deleted_id: i64,
    task_id: i64,
    deleted: bool,
}

/// Where a page lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct PagePosition {
    pub(super) offset: u64,
    pub(super) limit: Option<u64>,
    pub(super) total: u64,
}

impl Shape {
    /// What the configuration chose.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            deletes_with_json: config.rest.delete_json,
            wraps_lists: config.rest.list_envelope,
            is_camel: config.rest.case_camel,
            has_status: config.rest.status,
            completed_name: config.rest.completed_name,
            keeps_unknown: config.rest.keeps_unknown,
        }
    }

    /// These shapes with what the client chooses in `Accept`. A word that is none of a parameter's is refused, and so are
    /// two different ones; other parameters are none of ours.
    fn chosen(mut self, headers: &HeaderMap) -> Result<Self, RestError> {
        // Without parameters, as most clients send it, nothing is chosen.
        if !headers.get_all(header::ACCEPT).iter().any(|it| it.as_bytes().contains(&b';')) {
            return Ok(self);
        }
        let ranges = MediaType::accepted(headers).unwrap_or_default();
        for (name, words) in PARAMETERS {
            let json = ranges.iter().filter(|range| range.exactness(JSON).is_some());
            let mut chosen = json.filter_map(|range| range.parameter(name));
            let Some(first) = chosen.next() else { continue };
            let Some(choice) = words.iter().position(|word| *word == first).filter(|_| chosen.all(|it| it == first))
            else {
                let reason = format!("must have {name}={} or {name}={}", words[0], words[1]);
                return Err(RestError::Validation(vec![
                    PydanticError::header("Accept", &reason).unserved(Unserved::Shape(name)),
                ]));
            };
            *self.switch(name) = choice == 1;
        }
        Ok(self)
    }

    fn switch(&mut self, parameter: &str) -> &mut bool {
        match parameter {
            "delete" => &mut self.deletes_with_json,
            "list" => &mut self.wraps_lists,
            "case" => &mut self.is_camel,
            _ => &mut self.has_status,
        }
    }

    /// A task, whose JSON this is.
    pub(super) fn task(self, json: Vec<u8>) -> Result<Response, Error> {
        Ok(json_response(self.tasks(json)?))
    }

    /// Tasks of a list or one task, whose JSON this is.
    pub(super) fn tasks(self, json: Vec<u8>) -> Result<Vec<u8>, Error> {
        if !self.is_camel && !self.has_status && self.completed_name.is_none() {
            return Ok(json);
        }
        task_fields::rewrite(&json, self).map_err(Error::internal)
    }

    /// What stands before the tasks of a list, and what behind them.
    pub(super) fn envelope(self, PagePosition { offset, limit, total }: PagePosition) -> (&'static str, String) {
        if !self.wraps_lists {
            return ("", String::new());
        }
        // Clients divide by it.
        let size = limit.unwrap_or(total).max(1);
        let page = offset.checked_div(size).unwrap_or_default() + 1;
        let counts = format!(",\"total\":{total},\"count\":{total},\"total_count\":{total}");
        let page = format!(",\"page\":{page},\"page_size\":{size},\"per_page\":{size}");
        ("{\"tasks\":", counts + &page + "}")
    }

    pub(super) fn deletion_response(self, number: i64) -> Response {
        if !self.deletes_with_json {
            return StatusCode::NO_CONTENT.into_response();
        }
        let message = "Task deleted successfully";
        let body = DeletedTask { message, id: number, deleted_id: number, task_id: number, deleted: true };
        Json(body).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Shape {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RestError> {
        let state: Option<&RestState> = parts.extensions.get();
        state.ok_or_else(|| Error::internal("no shape"))?.shape.chosen(&parts.headers)
    }
}

/// Tells caches that the client may choose the shape.
pub(super) async fn vary_by_shape(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// A response whose JSON is written already.
pub(super) fn json_response(json: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(JSON))], json).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_chooses_its_shape_by_words_that_are_known() {
        let chosen = |accept: &str| {
            let headers = [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect();
            let shape = Shape { is_camel: true, ..Shape::default() }.chosen(&headers).ok()?;
            Some([shape.deletes_with_json, shape.wraps_lists, shape.is_camel, shape.has_status])
        };
        for (accept, shape) in [
            ("*/*", Some([false, false, true, false])),
            ("application/json; list=envelope; q=0.9; charset=utf-8", Some([false, true, true, false])),
            ("application/json;case=snake;status=on, text/plain", Some([false, false, false, true])),
            ("text/html;list=tree, */*;delete=json", Some([true, false, true, false])),
            ("application/json;case=snake, */*;case=snake", Some([false; 4])),
            ("application/json;case=snake, */*;case=camel", None),
            ("application/json;case=kebab", None),
            ("application/json;list=", None),
        ] {
            assert_eq!(chosen(accept), shape, "{accept}");
        }
    }
}
