//! What the settings of the server, the database, and of logs mean.

use super::{SettingEntry, entry, secret_entry};

pub(super) const SERVER: &[SettingEntry] = &[
    entry(
        "DOCKET_ENV",
        "`development`",
        "`development`, `staging` or `production`",
        "; the [profile](operations.md#before-the-first-start) decides defaults of others",
    ),
    entry(
        "HOST",
        "`127.0.0.1`",
        "the address to listen on",
        ": `localhost` or an IP address, `0.0.0.0` or `::` for all",
    ),
    entry("PORT", "`8000`", "the port to listen on", "; 0 takes a free one"),
    secret_entry(
        "BETTER_AUTH_SECRET",
        "made and kept in development, required elsewhere",
        "signs cookies and encrypts keys",
        ", at least 32 bytes",
    ),
    entry(
        "BETTER_AUTH_URL",
        "`http://localhost:` and the port",
        "the URL that clients see",
        "; `/api/auth` at its end is left out, and any other path is the one [below which a proxy has Docket](operations.md#below-a-path)",
    ),
    entry(
        "CORS_ORIGINS",
        "every port of `localhost`, `127.0.0.1` and `[::1]` in development, `http://localhost:3000` in staging, none in production",
        "origins of front-ends, with commas between",
        "; patterns such as `https://*.vercel.app` work as in Better Auth's `trustedOrigins`",
    ),
    entry(
        "TRUSTED_PROXIES",
        "none",
        "addresses or networks whose `X-Forwarded-For` is trusted",
        ", with commas between",
    ),
    entry(
        "RATE_LIMIT",
        "`on` in production only",
        "`on` or `off`: limits of requests",
        ": of the auth routes (per address and account), of mailed links (per recipient) and of both APIs (per user and address); instances on PostgreSQL count the first two together and the last each for itself",
    ),
    entry(
        "DOCKET_REQUEST_LIMITS",
        "`user=12000, address=1200`",
        "units in a minute, where `RATE_LIMIT` is on",
        "; `user=` for a user, `address=` for an address without a user. A request is one unit; a GraphQL operation takes one more for every hundred fields of its answer and every thousand bytes of a new document",
    ),
    entry(
        "DOCKET_APP",
        "`off` in production only",
        "`on` or `off`: the app at `/app`",
        ", which is that of [examples/web](../examples/web/README.md), if the binary was built with npm",
    ),
    entry(
        "DOCKET_DRAIN_SECONDS",
        "3; in development 0",
        "seconds of service after the signal to stop",
        ", while `/health/ready` is 503, so that a balancer notices; at most 300",
    ),
    entry("TOKIO_WORKER_THREADS", "one for each core", "threads that serve requests", ", 1 to 1,024"),
];

pub(super) const DATABASE: &[SettingEntry] = &[
    secret_entry(
        "DATABASE_URL",
        "the file `docket.db`",
        "a URL of SQLite or PostgreSQL",
        "; docs/settings.md lists its [forms](#urls-of-databases)",
    ),
    secret_entry(
        "DATABASE_LISTEN_URL",
        "`DATABASE_URL`",
        "where instances notify each other",
        "; PostgreSQL itself, if `DATABASE_URL` leads to PgBouncer in transaction mode",
    ),
    secret_entry(
        "DATABASE_READ_URL",
        "none",
        "replicas at which the data of users is read",
        ": URLs of PostgreSQL, with commas between; see [Read replicas](operations.md#read-replicas)",
    ),
    entry(
        "DATABASE_MAX_CONNECTIONS",
        "`20`",
        "connections to the database",
        ", at least 4 on PostgreSQL, where up to three more listen and do background work; at most 10,000",
    ),
];

pub(super) const OBSERVATION: &[SettingEntry] = &[
    entry(
        "RUST_LOG",
        "`info`, and of migrations and PostgreSQL's notices warnings only",
        "the log filter",
        ", in the syntax of `tracing_subscriber::EnvFilter`; a word alone must be a level",
    ),
    entry("DOCKET_INSTANCE", "the host name", "the name of this instance in logs and traces", ""),
    entry(
        "DOCKET_SLOW_STATEMENT_MS",
        "`200`",
        "milliseconds from which an SQL statement is logged as slow",
        "; without its values; at most 3,600,000",
    ),
    entry(
        "DOCKET_METRICS",
        "none",
        "the address of a listener with Prometheus metrics",
        ", such as `127.0.0.1:9464`, separate from the server's, at `/metrics`",
    ),
    entry(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "nowhere",
        "where traces are sent by OTLP over HTTP",
        " (`http/protobuf`), such as `http://localhost:4318`",
    ),
    entry("OTEL_EXPORTER_OTLP_PROTOCOL", "`http/protobuf`", "the protocol of traces", "; there is no other"),
    entry("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "`http/protobuf`", "the same", ""),
    entry("OTEL_TRACES_SAMPLER_ARG", "`1`", "the share of the traces that begin here that is sent", ""),
];
