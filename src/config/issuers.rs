//! Access tokens that others sign.

use url::Url;

use super::{choices::Switch, limits::shown, reader::SettingsReader};

/// Which access tokens are accepted that others sign.
/// See docs/contracts/legacy-rest.md#tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// `JWKS_URL`: where other issuers, such as a Better Auth elsewhere, publish the keys of their access tokens, with
    /// commas between; behind each may stand its `issuer=` and `audience=`.
    pub issuers: Vec<TokenIssuer>,
    /// `JWT_ISSUER`: the `iss` that they have; not looked at by default.
    pub issuer: Option<String>,
    /// `JWT_AUDIENCE`: an `aud` that they have; not looked at by default.
    pub audience: Option<String>,
    /// `JWT_USER_CLAIM`: the one claim that names the user: `sub`, `id`, `userId` or `user_id`; by default the first of them,
    /// and no other may differ.
    pub user_claim: Option<UserClaim>,
    /// `JWT_COOKIE_CACHE`: `on` when a JWT of Better Auth's cookie cache, signed with `BETTER_AUTH_SECRET`, is an access token
    /// too; `off` by default.
    pub cookie_cache: bool,
}

/// Another issuer of access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIssuer {
    /// Where it publishes its keys.
    pub jwks: Url,
    /// The `iss` of its tokens; not looked at when absent.
    pub issuer: Option<String>,
    /// An `aud` of its tokens; not looked at when absent.
    pub audience: Option<String>,
}

/// A claim that names the user of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserClaim(pub &'static str);

/// The claims that may.
pub const USER_CLAIMS: [&str; 4] = ["sub", "id", "userId", "user_id"];

impl std::str::FromStr for UserClaim {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        USER_CLAIMS.into_iter().find(|it| *it == text).map(Self).ok_or(())
    }
}

/// What every issuer has that says nothing else.
struct CommonClaims<'a> {
    issuer: Option<&'a String>,
    audience: Option<&'a String>,
}

impl TokenSettings {
    pub(super) fn read(read: &mut SettingsReader<impl Fn(&str) -> Option<String>>) -> Self {
        let (issuer, audience) = (read.text("JWT_ISSUER"), read.text("JWT_AUDIENCE"));
        Self {
            issuers: read.issuers(&CommonClaims { issuer: issuer.as_ref(), audience: audience.as_ref() }),
            issuer,
            audience,
            user_claim: read.optional("JWT_USER_CLAIM", "sub, id, userId or user_id"),
            cookie_cache: read.parsed("JWT_COOKIE_CACHE", Switch(false), "on or off").0,
        }
    }
}

impl<V: Fn(&str) -> Option<String>> SettingsReader<V> {
    /// The issuers of `JWKS_URL`. Several are told apart by the `iss` of their tokens.
    fn issuers(&mut self, common: &CommonClaims<'_>) -> Vec<TokenIssuer> {
        const NAME: &str = "JWKS_URL";
        const EXPECTED_FORM: &str = "http or https URLs with commas between, each with issuer=… and audience=… behind it \
                              where its tokens have them";
        let mut issuers: Vec<TokenIssuer> = Vec::new();
        for text in self.list(NAME, EXPECTED_FORM) {
            match parse(&text, common) {
                Ok(issuer) => issuers.push(issuer),
                Err(problem) => self.mistake(NAME, &format!("{EXPECTED_FORM}{problem}")),
            }
        }
        let mut names: Vec<_> = issuers.iter().map(|it| it.issuer.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        if issuers.len() > 1 && (names.len() < issuers.len() || names.contains(&None)) {
            self.mistake(NAME, "one URL, or several with an issuer=… of their own, by which tokens are told apart");
        }
        issuers
    }
}

/// Reads `https://auth.example/jwks issuer=https://auth.example audience=tasks`. An error is what follows the form.
fn parse(text: &str, common: &CommonClaims<'_>) -> Result<TokenIssuer, String> {
    let mut words = text.split_whitespace();
    let jwks = words.next().and_then(|url| Url::parse(url).ok());
    let jwks = jwks.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let mut issuer = TokenIssuer { jwks: jwks.ok_or_else(String::new)?, issuer: None, audience: None };
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let place = match name {
            "issuer" => &mut issuer.issuer,
            "audience" => &mut issuer.audience,
            _ => return Err(format!("; {} is none of issuer, audience", shown(name))),
        };
        if value.is_empty() || place.replace(value.to_owned()).is_some() {
            return Err(format!("; {name} must be there once, with a value"));
        }
    }
    issuer.issuer = issuer.issuer.or_else(|| common.issuer.cloned());
    issuer.audience = issuer.audience.or_else(|| common.audience.cloned());
    Ok(issuer)
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn read(jwks: &str, others: &[(&str, &str)]) -> Result<Config, String> {
        let secret = ("BETTER_AUTH_SECRET", "a-secret-of-tests-0123456789-ABCDEFGHIJ");
        let all: Vec<_> = others.iter().copied().chain([secret, ("JWKS_URL", jwks)]).collect();
        Config::from_vars(|name| all.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned()))
            .map_err(|it| it.to_string())
    }

    #[test]
    fn each_issuer_has_what_stands_behind_its_url_or_what_all_have() {
        let one = read("https://a.example/jwks", &[("JWT_ISSUER", "a"), ("JWT_AUDIENCE", "us")]).unwrap();
        assert_eq!(
            (one.tokens.issuers[0].issuer.as_deref(), one.tokens.issuers[0].audience.as_deref()),
            (Some("a"), Some("us"))
        );
        let two = "https://a.example/jwks issuer=a audience=x, https://b.example/jwks issuer=b";
        let two = read(two, &[("JWT_AUDIENCE", "us")]).unwrap();
        let found: Vec<_> = two
            .tokens
            .issuers
            .iter()
            .map(|it| (it.issuer.as_deref().unwrap(), it.audience.as_deref().unwrap()))
            .collect();
        assert_eq!(found, [("a", "x"), ("b", "us")]);
    }

    #[test]
    fn what_is_not_understood_of_an_issuer_is_refused() {
        for (jwks, said) in [
            ("ftp://a.example", "JWKS_URL: must be http or https URLs"),
            ("https://a.example,", "JWKS_URL: must be"),
            ("https://a.example name=a", "; name is none of issuer, audience"),
            ("https://a.example issuer", "; issuer must be there once"),
            ("https://a.example issuer=a issuer=b", "; issuer must be there once"),
            ("https://a.example, https://b.example issuer=b", "by which tokens are told apart"),
            ("https://a.example issuer=a, https://b.example issuer=a", "by which tokens are told apart"),
        ] {
            let mistakes = read(jwks, &[]).unwrap_err();
            assert!(mistakes.contains(said), "{jwks}: {mistakes}");
        }
        let same = read("https://a.example, https://b.example", &[("JWT_ISSUER", "a")]).unwrap_err();
        assert!(same.contains("by which tokens are told apart"), "{same}");
        assert!(read("", &[("JWT_USER_CLAIM", "email")]).unwrap_err().contains("JWT_USER_CLAIM: must be"));
    }
}
