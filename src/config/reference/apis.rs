//! What the settings of both APIs mean.

use super::{SettingEntry, entry};

pub(super) const GRAPHQL: &[SettingEntry] = &[
    entry("DOCKET_PLAYGROUND", "`off` in production only", "`on` or `off`: playground and introspection", ""),
    entry(
        "DOCKET_GRAPHQL_LIMITS",
        "none",
        "[limits](contracts/graphql-http.md#limits) that differ from the defaults",
        ", such as `cost=40000, depth=10, batch=10`; only `batch`, `mutations` and `streams` may be 0, and `seconds` is at most 600; without a user `tokens=500, fields=500, body=65536` at most",
    ),
    entry(
        "DOCKET_GRAPHQL_HTTP_PROFILE",
        "`2025-05`",
        "the edition of GraphQL over HTTP, `2025-05` or `2026-08`",
        ", which decides the [status codes](contracts/graphql-http.md#statuses)",
    ),
    entry(
        "DOCKET_PERSISTED_DOCUMENTS",
        "none",
        "the file of trusted documents",
        " that graphql-codegen (`persistedDocuments`) or Apollo's `generate-persisted-query-manifest` writes; clients send `documentId`",
    ),
    entry(
        "DOCKET_PERSISTED_MODE",
        "`allow`",
        "`allow` other documents too, or `only` those in the file",
        ", which must be set then",
    ),
];

pub(super) const REST: &[SettingEntry] = &[
    entry(
        "DOCKET_DOCS",
        "`on`",
        "`on` or `off`: `/openapi.json`, and the page at `/docs`",
        ", which clients of the original back-end expect",
    ),
    entry(
        "DOCKET_LEGACY",
        "none",
        "the [kind of legacy front-ends](rest.md#settings-by-kind)",
        ", which sets what they need and is not set: `fastapi`, `fastapi-envelope`, `fastapi-camel` or `nextjs`",
    ),
    entry("DESCRIPTION_LENGTH", "`1000`", "characters of a description at most", ", 1,000 to 5,000, at both APIs"),
    entry("REST_DELETE", "`empty`", "`empty` (204), or `json` (200)", " for clients that read every answer as JSON"),
    entry("REST_LIST", "`array`", "`array`, or `envelope`", " for clients that expect the tasks in an object"),
    entry("REST_CASE", "`snake`", "`snake`, or `camel`", " for clients that expect camelCase"),
    entry(
        "REST_STATUS",
        "`off`",
        "`on`: a task has a `status` too",
        ": `completed` or `pending`; bodies and lists read its words",
    ),
    entry(
        "REST_COMPLETED",
        "`completed`",
        "the name under which a task shows `completed` once more",
        ": `is_completed`, `isCompleted` or `done`",
    ),
    entry(
        "REST_UNKNOWN_FIELDS",
        "`ignore`",
        "`ignore`, or `keep`",
        "; a task keeps and shows [fields](contracts/legacy-rest.md#unknown-fields) that it does not know",
    ),
    entry("REST_ROOT", "`off`", "`on`: the task routes are at `/tasks` and `/todos` too", ""),
    entry(
        "REST_TOKEN_DAYS",
        "`7`",
        "days that a token of the account routes lasts",
        "; those of [legacy front-ends](contracts/legacy-rest.md#accounts); 1 to 3,650",
    ),
];
