//! Email addresses by Better Auth's pattern.
//! See docs/contracts/better-auth.md#email-addresses.

/// A lower-cased address of at most 254 ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// RFC 5321, section 4.5.3.1.3: a path of 256 with its two brackets.
const MAX_LENGTH: usize = 254;

impl Email {
    /// Checks and lower-cases the text; nothing when it is no address.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        (text.len() <= MAX_LENGTH && is_local(local) && is_domain(domain)).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_local(local: &str) -> bool {
    let run = |part: &str| !part.is_empty() && part.chars().all(|it| it.is_ascii_alphanumeric() || "_'+-".contains(it));
    local.split('.').all(run) && !local.ends_with('\'')
}

fn is_domain(domain: &str) -> bool {
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let label = |label: &str| {
        label.starts_with(|it: char| it.is_ascii_alphanumeric())
            && label.chars().all(|it| it.is_ascii_alphanumeric() || it == '-')
    };
    labels.split('.').all(label) && top.len() >= 2 && top.chars().all(|it| it.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased() {
        assert_eq!(Email::parse("Ann.O'Neil+x@Mail.Example.COM").unwrap().as_str(), "ann.o'neil+x@mail.example.com");
    }

    #[test]
    fn what_better_auth_refuses_is_refused() {
        for text in [
            "",
            "a",
            "a@localhost",
            "ü@example.com",
            " a@b.co",
            "a@b.co ",
            "a..b@c.de",
            ".a@b.co",
            "a.@b.co",
            "a'@b.co",
            "a@-b.co",
            "a@b..co",
            "a@b.c",
            "a@b.c0",
            "a@b@c.de",
        ] {
            assert_eq!(Email::parse(text), None, "{text}");
        }
    }
}
