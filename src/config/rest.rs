//! How the REST API looks to clients of the original back-ends, which cannot be changed.

use super::{MAX_DAYS, choices::Switch, reader::SettingsReader};

/// Shapes and paths of the REST API.
/// See docs/contracts/legacy-rest.md#response-shapes.
#[derive(Clone, Copy, Debug)]
pub struct RestSettings {
    /// `REST_DELETE`: `json` when deleting a task answers 200 and JSON; `empty` (204) by default.
    pub delete_json: bool,
    /// `REST_LIST`: `envelope` when a list is an object with the tasks in it; `array` by default.
    pub list_envelope: bool,
    /// `REST_CASE`: `camel` when names of fields are in camelCase; `snake` by default.
    pub case_camel: bool,
    /// `REST_STATUS`: `on` when a task has a `status` too, `completed` or `pending`; `off` by default.
    pub status: bool,
    /// `REST_COMPLETED`: under which name besides `completed` a task shows whether it is completed: `is_completed`,
    /// `isCompleted` or `done`; none by default, which is `completed`.
    pub completed_name: Option<&'static str>,
    /// `REST_UNKNOWN_FIELDS`: `keep` when fields of a task are kept and shown that are not known; `ignore` by default.
    pub keeps_unknown: bool,
    /// `REST_ROOT`: `on` when the task routes are at `/tasks` and `/todos` too; `off` by default.
    pub root: bool,
    /// `REST_TOKEN_DAYS`: how many days a token lasts that an account route of the original back-ends hands out; 7 by
    /// default.
    pub token_days: u16,
}

impl RestSettings {
    pub(super) fn read(read: &mut SettingsReader<impl Fn(&str) -> Option<String>>) -> Self {
        Self {
            delete_json: read.either("REST_DELETE", "empty", "json"),
            list_envelope: read.either("REST_LIST", "array", "envelope"),
            case_camel: read.either("REST_CASE", "snake", "camel"),
            status: read.parsed("REST_STATUS", Switch(false), "on or off").0,
            completed_name: read.one_of("REST_COMPLETED", "completed", &["is_completed", "isCompleted", "done"]),
            keeps_unknown: read.either("REST_UNKNOWN_FIELDS", "ignore", "keep"),
            root: read.parsed("REST_ROOT", Switch(false), "on or off").0,
            token_days: read.number("REST_TOKEN_DAYS", 7, 1..=MAX_DAYS, "days"),
        }
    }
}
