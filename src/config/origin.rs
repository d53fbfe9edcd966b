//! How an origin of a front-end is written: as one origin, or as a pattern of them.

use url::Url;

/// The origin, or the pattern, in the form in which browsers say origins. None if it is neither, or a pattern that
/// strangers can fit into. `*` stands for any text and `?` for one letter, as in Better Auth's `trustedOrigins`.
pub(super) fn parse(text: &str) -> Option<String> {
    if text.contains(['*', '?']) { pattern(text) } else { exact(text) }
}

fn exact(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let has_user = !url.username().is_empty() || url.password().is_some();
    let origin = url.origin();
    (origin.is_tuple() && is_bare && !has_user && matches!(url.scheme(), "http" | "https"))
        .then(|| origin.ascii_serialization())
}

fn pattern(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let text = text.strip_suffix('/').unwrap_or(&text);
    let (scheme, authority) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_scheme = scheme.is_none_or(|it| matches!(it, "http" | "https"));
    let is_port = port.is_none_or(|it| it == "*" || it.parse::<u16>().is_ok());
    let is_letter = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '*' | '?');
    let is_fit = is_scheme && is_port && !host.is_empty() && host.chars().all(is_letter) && is_narrow(host);
    is_fit.then(|| text.to_owned())
}

/// Whether those who can have a name that fits belong to one organisation: the name ends in two labels without wildcards, or in
/// `localhost`, or it is a part of an IPv4 address.
fn is_narrow(host: &str) -> bool {
    let mut labels = host.rsplit('.');
    let is_plain = |label: &str| !label.is_empty() && !label.contains(['*', '?']);
    let last = labels.next().unwrap_or_default();
    let is_address = host.chars().all(|it| it.is_ascii_digit() || matches!(it, '.' | '*' | '?'))
        && host.split('.').next().is_some_and(is_plain);
    last == "localhost" || is_address || (is_plain(last) && labels.next().is_some_and(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_and_patterns_are_taken_as_browsers_say_them() {
        for (text, origin) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example/", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://localhost:*", "http://localhost:*"),
            ("https://*.vercel.app", "https://*.vercel.app"),
            ("https://my-app-*.Vercel.app/", "https://my-app-*.vercel.app"),
            ("*.app.example", "*.app.example"),
            ("http://192.168.*.*:3000", "http://192.168.*.*:3000"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(origin), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_or_lets_strangers_in_is_refused() {
        for text in [
            "*",
            "",
            "null",
            "https://*",
            "https://*.app",
            "https://app.*",
            "https://app.example.*",
            "https://*app",
            "http://*.*.*.*",
            "*://app.example.org",
            "https://app.example/path",
            "https://*.app.example/path",
            "https://app.example?x",
            "https://ann@app.example",
            "app.example",
            "ftp://app.example",
            "file:///x",
            "https://*.app.example:x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
