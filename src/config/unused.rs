//! Settings that are understood and have no effect beside the others.

use super::{Config, Database, Environment, JwtAlg, source::Source};

/// What the exporter of traces takes from the environment; the names that begin so are for it.
const OTLP: &str = "OTEL_EXPORTER_OTLP_";
const OF_OTLP: [&str; 9] = [
    "ENDPOINT",
    "PROTOCOL",
    "HEADERS",
    "TIMEOUT",
    "COMPRESSION",
    "TRACES_PROTOCOL",
    "TRACES_HEADERS",
    "TRACES_TIMEOUT",
    "TRACES_COMPRESSION",
];
/// What programs with the usual SDK of OpenTelemetry take from it.
const OF_SDK: [&str; 5] = [
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
];

impl Config {
    /// A warning for each variable that is set and changes nothing.
    pub(super) fn unused_settings(&self, source: &Source) -> Vec<String> {
        let is_postgres = matches!(self.database, Database::Postgres(_));
        let writes_mail = self.smtp_url.is_none() && self.environment == Environment::Development;
        let settings = [
            ("DATABASE_LISTEN_URL", is_postgres, "without PostgreSQL in DATABASE_URL"),
            ("DOCKET_REQUEST_LIMITS", self.rate_limit, "while RATE_LIMIT is off"),
            ("JWT_KEY_DAYS", self.jwt_alg == JwtAlg::EdDsa, "with JWT_ALG=HS256"),
            ("MAIL_FROM", writes_mail || self.smtp_url.is_some(), "without SMTP_URL"),
            ("MAIL_FOLDER", writes_mail, "but in development without SMTP_URL"),
            ("OTEL_TRACES_SAMPLER_ARG", self.traces.is_some(), "without OTEL_EXPORTER_OTLP_ENDPOINT"),
        ];
        let is_set = |name: &str| source.value(name).is_some_and(|it| !it.trim().is_empty());
        let settings = settings.into_iter().filter(|(name, has_effect, _)| !has_effect && is_set(name));
        let names = source.names().filter(|name| is_set(name) && self.is_left_out(name));
        settings
            .map(|(name, _, reason)| format!("{name}: has no effect {reason}"))
            .chain(names.map(|name| format!("{name}: has no effect on the traces of Docket")))
            .collect()
    }

    /// Whether another program would send its traces differently because of this variable.
    fn is_left_out(&self, name: &str) -> bool {
        let is_of_otlp = name.strip_prefix(OTLP).is_some_and(|it| !OF_OTLP.contains(&it));
        is_of_otlp || (self.traces.is_some() && OF_SDK.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_effect_is_warned_of_by_its_name() {
        let warned = |pairs: &[(&'static str, &'static str)]| {
            let secret = ("BETTER_AUTH_SECRET", "a-secret-of-tests-0123456789-ABCDEFGHIJ");
            let config = Config::from_source(&Source::of(pairs.iter().copied().chain([secret]))).unwrap();
            config.warnings.iter().map(|it| it.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let traces = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");
        let mail = ("SMTP_URL", "smtps://mail.example");
        for (setting, beside) in [
            (("DATABASE_LISTEN_URL", "postgres://a@b/c"), ("DATABASE_URL", "postgres://a@b/c")),
            (("DOCKET_REQUEST_LIMITS", "user=1"), ("RATE_LIMIT", "on")),
            (("MAIL_FROM", "a@b.example"), mail),
            (("OTEL_TRACES_SAMPLER_ARG", "0.5"), traces),
        ] {
            let staging = ("DOCKET_ENV", "staging");
            assert_eq!(warned(&[setting, staging]), [setting.0]);
            assert_eq!(warned(&[setting, staging, beside]), [""; 0]);
        }
        assert_eq!(warned(&[("JWT_KEY_DAYS", "30"), ("JWT_ALG", "HS256")]), ["JWT_KEY_DAYS"]);
        assert_eq!(warned(&[("MAIL_FOLDER", "mail"), mail]), ["MAIL_FOLDER"]);
        assert_eq!(warned(&[("MAIL_FOLDER", "mail"), ("JWT_KEY_DAYS", "30")]), [""; 0]);
        assert_eq!(
            warned(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a")]),
            ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        );
        assert_eq!(warned(&[("OTEL_SERVICE_NAME", "tasks"), traces]), ["OTEL_SERVICE_NAME"]);
        assert_eq!(warned(&[("OTEL_SERVICE_NAME", "tasks"), ("OTEL_EXPORTER_OTLP_HEADERS", "a=b")]), [""; 0]);
    }
}
