//! Settings that work and are still not safe enough for where they are used.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use super::{Config, Environment};

/// A setting, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// The variable.
    pub setting: &'static str,
    /// What to do.
    pub advice: &'static str,
}

impl fmt::Display for Weakness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.setting, self.advice)
    }
}

impl Config {
    /// What should be set otherwise. Development may do as it likes.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        if self.environment == Environment::Development {
            return Vec::new();
        }
        let is_production = self.environment == Environment::Production;
        let has_open_origin = self.cors_origins.iter().any(|it| !is_safe_origin(it));
        let wants_mail = self.email_verification || self.delete_confirmation;
        let all = [
            (self.base_url.is_none(), "BETTER_AUTH_URL", "set it to the https URL that clients see"),
            (
                self.base_url.as_ref().is_some_and(|url| !is_safe(url)),
                "BETTER_AUTH_URL",
                "use https, so that cookies and tokens are not sent in the clear",
            ),
            (
                is_production && !self.is_database_named,
                "DATABASE_URL",
                "set it: without it the data is in the file docket.db of the working directory",
            ),
            (has_open_origin, "CORS_ORIGINS", "allow https origins only"),
            (
                self.tokens.issuers.iter().any(|it| !is_safe(&it.jwks)),
                "JWKS_URL",
                "fetch keys by https only: whoever changes them on the way signs tokens",
            ),
            (
                self.tokens.issuers.iter().any(|it| it.issuer.is_none() && it.audience.is_none()),
                "JWT_ISSUER",
                "set it, or JWT_AUDIENCE: any token that is signed with a key of JWKS_URL opens an account here",
            ),
            (is_production && !self.rate_limit, "RATE_LIMIT", "turn it on, unless what stands in front has limits"),
            (
                is_production && self.playground,
                "DOCKET_PLAYGROUND",
                "turn it off, unless strangers may read the schema",
            ),
            (
                self.trusted_proxies.is_empty() && self.host.is_unspecified(),
                "TRUSTED_PROXIES",
                "name the proxy, if there is one: without it all clients count as one address",
            ),
            (
                self.smtp_url.as_ref().is_some_and(|url| is_open_mail(url.reveal())),
                "SMTP_URL",
                "use smtps:// (or ?tls=required): password and links are sent in the clear",
            ),
            (wants_mail && self.smtp_url.is_none(), "SMTP_URL", "set it: people wait for links that are not sent"),
        ];
        all.into_iter()
            .filter(|(is_weak, ..)| *is_weak)
            .map(|(_, setting, advice)| Weakness { setting, advice })
            .collect()
    }
}

/// Whether nobody can listen on the way to any front-end that fits.
fn is_safe_origin(origin: &str) -> bool {
    // A port is no matter here, and may be a pattern.
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let host = authority.split_once(':').filter(|_| !authority.starts_with('[')).map_or(authority, |(host, _)| host);
    scheme == "https"
        || host.ends_with(".localhost")
        || Url::parse(&format!("{scheme}://{host}")).is_ok_and(|url| is_safe(&url))
}

/// Whether mail may go over the network without encryption.
fn is_open_mail(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        let is_upgraded = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
        url.scheme() == "smtp" && !is_upgraded && !is_local(&url)
    })
}

/// Whether nobody can listen on the way.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || is_local(url)
}

pub(super) fn is_local(url: &Url) -> bool {
    match url.host() {
        // Of a scheme that the URL standard does not know, an address is a name.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weak(pairs: &[(&str, &str)]) -> Vec<&'static str> {
        let usual = [("BETTER_AUTH_SECRET", "a-secret-of-tests-0123456789-ABCDEFGHIJ")];
        let config = Config::from_vars(|name| {
            pairs.iter().chain(&usual).find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
        });
        config.unwrap().weaknesses().iter().map(|it| it.setting).collect()
    }

    #[test]
    fn only_where_it_matters_weak_settings_are_named() {
        let open = [("BETTER_AUTH_URL", "http://app.example"), ("RATE_LIMIT", "off"), ("DOCKET_PLAYGROUND", "on")];
        assert_eq!(weak(&open), [""; 0]);
        let production = ("DOCKET_ENV", "production");
        let open: Vec<_> = open.into_iter().chain([production]).collect();
        assert_eq!(weak(&open), ["BETTER_AUTH_URL", "DATABASE_URL", "RATE_LIMIT", "DOCKET_PLAYGROUND"]);
        let production = [production, ("DATABASE_URL", "sqlite://docket.db")];
        let with = |others: &[(&'static str, &'static str)]| weak(&[&production, others].concat());
        let others = [("CORS_ORIGINS", "http://app.example"), ("EMAIL_VERIFICATION", "on"), ("HOST", "0.0.0.0")];
        assert_eq!(with(&others), ["BETTER_AUTH_URL", "CORS_ORIGINS", "TRUSTED_PROXIES", "SMTP_URL"]);
        let base = ("BETTER_AUTH_URL", "https://app.example");
        assert_eq!(with(&[base]), [""; 0]);
        for (origins, is_weak) in [
            ("https://*.vercel.app", false),
            ("http://localhost:*", false),
            ("http://[::1]:3000", false),
            ("http://*.app.example", true),
            ("*.app.example", true),
        ] {
            assert_eq!(with(&[base, ("CORS_ORIGINS", origins)]).contains(&"CORS_ORIGINS"), is_weak, "{origins}");
        }
        for (url, is_weak) in [
            ("smtp://mail.example", true),
            ("smtp://mail.example?tls=opportunistic", true),
            ("smtp://mail.example?tls=required", false),
            ("smtps://mail.example", false),
            ("smtp://127.0.0.1:25", false),
        ] {
            assert_eq!(with(&[base, ("SMTP_URL", url)]).contains(&"SMTP_URL"), is_weak, "{url}");
        }
        let jwks = ("JWKS_URL", "https://auth.example/api/auth/jwks");
        assert_eq!(with(&[base, jwks]), ["JWT_ISSUER"]);
        assert_eq!(with(&[base, jwks, ("JWT_AUDIENCE", "docket")]), [""; 0]);
    }
}
