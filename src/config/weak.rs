//! Settings that work and are still not safe enough for where they are used.

use std::fmt;

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
        let has_open_origin = self.cors_origins.iter().any(|it| !Url::parse(it).is_ok_and(|url| is_safe(&url)));
        let wants_mail = self.email_verification || self.delete_confirmation;
        let all = [
            (self.base_url.is_none(), "BETTER_AUTH_URL", "set it to the https URL that clients see"),
            (
                self.base_url.as_ref().is_some_and(|url| !is_safe(url)),
                "BETTER_AUTH_URL",
                "use https, so that cookies and tokens are not sent in the clear",
            ),
            (has_open_origin, "CORS_ORIGINS", "allow https origins only"),
            (
                self.jwks_url.as_ref().is_some_and(|url| !is_safe(url)),
                "JWKS_URL",
                "fetch keys by https only: whoever changes them on the way signs tokens",
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
            (wants_mail && self.smtp_url.is_none(), "SMTP_URL", "set it: people wait for links that are not sent"),
        ];
        all.into_iter()
            .filter(|(is_weak, ..)| *is_weak)
            .map(|(_, setting, advice)| Weakness { setting, advice })
            .collect()
    }
}

/// Whether nobody can listen on the way.
fn is_safe(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || is_local
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
        assert_eq!(weak(&open), ["BETTER_AUTH_URL", "RATE_LIMIT", "DOCKET_PLAYGROUND"]);
        let others =
            [production, ("CORS_ORIGINS", "http://app.example"), ("EMAIL_VERIFICATION", "on"), ("HOST", "0.0.0.0")];
        assert_eq!(weak(&others), ["BETTER_AUTH_URL", "CORS_ORIGINS", "TRUSTED_PROXIES", "SMTP_URL"]);
        assert_eq!(weak(&[production, ("BETTER_AUTH_URL", "https://app.example")]), [""; 0]);
    }
}
