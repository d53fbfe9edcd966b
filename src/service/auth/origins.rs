//! Which origins are trusted, and which URLs a link may lead to (contracts: Better Auth, 4).

use url::Url;

use crate::config::{Config, Environment};

/// The trusted origins: our own, and the configured front-ends.
#[derive(Clone, Debug)]
pub struct Origins {
    own: String,
    trusted: Vec<String>,
    is_https: bool,
}

impl Origins {
    pub(super) fn new(config: &Config, base_url: &Url) -> Self {
        let own = base_url.origin().ascii_serialization();
        let mut trusted = vec![own.clone()];
        if config.environment == Environment::Development && config.base_url.is_none() {
            // A developer's browser calls this machine by either name.
            let port = base_url.port_or_known_default().unwrap_or_default();
            trusted.extend(["localhost", "127.0.0.1"].map(|name| format!("http://{name}:{port}")));
        }
        trusted.extend(config.cors_origins.iter().cloned());
        trusted.dedup();
        Self { own, trusted, is_https: base_url.scheme() == "https" }
    }

    /// Our own origin, which is also issuer and audience of our tokens.
    pub fn own(&self) -> &str {
        &self.own
    }

    /// Whether clients reach us by https, so that cookies must be `Secure`.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// All trusted origins.
    pub fn all(&self) -> &[String] {
        &self.trusted
    }

    /// Whether an `Origin`, or the origin of a `Referer`, is trusted.
    pub fn trusts(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| self.has(&url))
    }

    /// Whether a link may lead there: a path of the front-end, or a URL on a trusted origin.
    pub fn may_lead_to(&self, target: &str) -> bool {
        if target.starts_with('/') {
            return is_safe_path(target);
        }
        Url::parse(target).is_ok_and(|url| url.username().is_empty() && url.password().is_none() && self.has(&url))
    }

    fn has(&self, url: &Url) -> bool {
        let origin = url.origin();
        origin.is_tuple() && self.trusted.contains(&origin.ascii_serialization())
    }
}

fn is_safe_path(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    !target.starts_with("//")
        && !target.contains(|it: char| it == '\\' || it.is_control())
        && !path.contains("%2f")
        && !path.contains("%5c")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> Origins {
        let own = "https://docket.example".to_owned();
        Origins { trusted: vec![own.clone(), "http://localhost:3000".into()], own, is_https: true }
    }

    #[test]
    fn links_lead_to_paths_and_trusted_origins() {
        for target in ["/", "/a?b=//c", "/a%2", "https://docket.example/x", "http://localhost:3000"] {
            assert!(origins().may_lead_to(target), "{target}");
        }
    }

    #[test]
    fn links_lead_nowhere_else() {
        for target in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "/%2f%2fevil.example",
            "/%5Cevil.example",
            "/a\nb",
            "javascript:alert(1)",
            "https://evil.example",
            "https:evil.example",
            "https://docket.example.evil.example",
            "https://docket.example@evil.example",
            "https://x@docket.example/",
            "http://docket.example/",
            "http://localhost:3001/",
            "data:text/html,x",
        ] {
            assert!(!origins().may_lead_to(target), "{target}");
        }
    }

    #[test]
    fn no_origin_is_trusted_by_likeness() {
        for origin in ["null", "", "https://docket.example.evil.example", "http://localhost:30000", "*"] {
            assert!(!origins().trusts(origin), "{origin}");
        }
        assert!(origins().trusts("http://localhost:3000/login"));
    }
}
