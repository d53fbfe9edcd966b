//! Trusted origins, and the URLs that a redirect may lead to.
//! See docs/contracts/better-auth.md#trusted-origins.

use url::Url;

use crate::config::{Config, Environment};

/// The trusted origins: our own, and the configured front-ends.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    own: String,
    /// The URL that clients see.
    base: String,
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
        let base = format!("{own}{}", base_url.path().trim_end_matches('/'));
        Self { own, base, trusted, is_https: base_url.scheme() == "https" }
    }

    /// Our own origin, which is also issuer and audience of our tokens.
    pub fn own(&self) -> &str {
        &self.own
    }

    /// The URL that clients see, without a slash at its end: our own origin, and the path below which a proxy has us.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether clients reach us by https, so that cookies must be `Secure`.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether pages of this origin may read what we answer; it is said exactly as browsers say it.
    pub fn may_read(&self, origin: &str) -> bool {
        Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == origin && self.has(&url))
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
        is_plain_url(target) && self.trusts(target)
    }

    fn has(&self, url: &Url) -> bool {
        let origin = url.origin();
        let text = origin.ascii_serialization();
        origin.is_tuple() && self.trusted.iter().any(|trusted| matches(trusted, &text, url))
    }
}

/// Whether an origin is the trusted one, or fits its pattern, as Better Auth's `trustedOrigins` has it. A pattern of
/// numbers names addresses, and no host whose name begins like one.
fn matches(trusted: &str, origin: &str, url: &Url) -> bool {
    if !trusted.contains(['*', '?']) {
        return trusted == origin;
    }
    let is_web = matches!(url.scheme(), "http" | "https");
    let (pattern, text) = match trusted.split_once("://") {
        Some(_) => (trusted, origin),
        None => (trusted, origin.split_once("://").map_or("", |(_, authority)| authority)),
    };
    let is_of_numbers = !pattern.rsplit("://").next().unwrap_or_default().contains(|it: char| it.is_ascii_alphabetic());
    let is_address = matches!(url.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)));
    is_web && (is_address || !is_of_numbers) && fits(pattern.as_bytes(), text.as_bytes())
}

/// Whether the text fits a pattern in which `*` is any text and `?` any letter.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((b'*', rest)), None) => fits(rest, text),
        (Some((b'*', rest)), Some((_, others))) => fits(rest, text) || fits(pattern, others),
        (Some((letter, rest)), Some((other, others))) => (*letter == b'?' || letter == other) && fits(rest, others),
        (Some(_), None) => false,
    }
}

/// Whether a URL means the same to a browser and to a program that reads URLs as RFC 3986 has them: browsers take `\\` for
/// `/`, leave out tabs and line breaks, and do without slashes. A user before the host only misleads, and the letters of a
/// host are those of its punycode, which is how browsers say an origin.
fn is_plain_url(target: &str) -> bool {
    let is_plain = |it: char| !it.is_control() && !it.is_whitespace() && it != '\\';
    let authority = target.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    target.chars().all(is_plain) && authority.is_some_and(|it| !it.is_empty() && it.is_ascii() && !it.contains('@'))
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
        let trusted = vec![own.clone(), "http://localhost:3000".into()];
        Origins { trusted, base: own.clone(), own, is_https: true }
    }

    #[test]
    fn links_lead_to_paths_and_trusted_origins() {
        for target in
            ["/", "/a?b=//c", "/a%2", "https://docket.example/x", "http://localhost:3000", "HTTPS://docket.example/é"]
        {
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
            "https://docket.example\\@evil.example",
            "https://docket.example\\.evil.example",
            "https:\\\\docket.example",
            "https:/docket.example",
            "https:docket.example",
            "https:///docket.example",
            "https://docket.example/a\\b",
            " https://docket.example",
            "https://docket.example ",
            "https://docket\t.example",
            "htt\nps://docket.example",
            "https://@docket.example",
            "https://docket.example:80@evil.example",
            "https://docket\u{3002}example",
            "https://\u{ff44}ocket.example",
            "JavaScript://docket.example/%0aalert(1)",
            "HTTPS://evil.example",
            "//docket.example@evil.example",
            "/\t/evil.example",
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

    #[test]
    fn patterns_mean_what_better_auth_means_by_them() {
        let with = |pattern: &str| Origins { trusted: vec![pattern.to_owned()], ..origins() };
        for (pattern, origin, is_trusted) in [
            ("https://*.vercel.app", "https://a.vercel.app", true),
            ("https://*.vercel.app", "https://a.b.vercel.app", true),
            ("https://*.vercel.app", "https://vercel.app", false),
            ("https://*.vercel.app", "http://a.vercel.app", false),
            ("https://*.vercel.app", "https://a.vercel.app:444", false),
            ("https://*.vercel.app", "https://a.vercel.app.evil.example", false),
            ("https://*.vercel.app", "https://evil.example/.vercel.app", false),
            ("https://*.vercel.app", "https://evilvercel.app", false),
            ("https://a?.app.example", "https://a1.app.example", true),
            ("*.app.example", "http://x.app.example", true),
            ("*.app.example", "ftp://x.app.example", false),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://[::1]:*", "http://[::1]:5173", true),
            ("http://192.168.*.*", "http://192.168.1.9", true),
            ("http://192.168.*.*", "http://192.168.evil.example", false),
        ] {
            assert_eq!(with(pattern).trusts(origin), is_trusted, "{pattern} {origin}");
        }
        assert!(!with("https://*.vercel.app").may_read("https://A.vercel.app"));
    }
}
