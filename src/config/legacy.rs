//! Settings that front-ends of one kind need together, under one name.

use super::{Config, reader::SettingsReader};

/// A setting and its value.
type Setting = (&'static str, &'static str);

/// The kinds of front-ends, and what differs for them.
/// See docs/rest.md#settings-by-kind.
const PROFILES: [(&str, &[Setting]); 4] = [
    ("fastapi", &[ROOT, STATUS, UNKNOWN, LENGTH, DAYS]),
    ("fastapi-envelope", &[ROOT, STATUS, UNKNOWN, LENGTH, DAYS, ("REST_LIST", "envelope"), ("REST_DELETE", "json")]),
    ("fastapi-camel", &[ROOT, STATUS, UNKNOWN, LENGTH, DAYS, ("REST_CASE", "camel")]),
    ("nextjs", &[STATUS, UNKNOWN, LENGTH, ("JWT_COOKIE_CACHE", "on")]),
];
const ROOT: Setting = ("REST_ROOT", "on");
const STATUS: Setting = ("REST_STATUS", "on");
const UNKNOWN: Setting = ("REST_UNKNOWN_FIELDS", "keep");
const LENGTH: Setting = ("DESCRIPTION_LENGTH", "5000");
const DAYS: Setting = ("REST_TOKEN_DAYS", "30");

impl<V: Fn(&str) -> Option<String>> SettingsReader<V> {
    /// Takes what is not set from the kind of front-ends that `DOCKET_LEGACY` names.
    pub(super) fn read_profile(&mut self) -> Option<&'static str> {
        const NAME: &str = "DOCKET_LEGACY";
        let text = self.text(NAME)?;
        let known = PROFILES.into_iter().find(|(name, _)| *name == text);
        match known {
            Some((_, settings)) => self.profile = settings,
            None => self.mistake(NAME, "fastapi, fastapi-envelope, fastapi-camel or nextjs"),
        }
        known.map(|(name, _)| name)
    }
}

impl Config {
    /// The settings of the REST API that are not the usual ones, with their values.
    pub fn rest_differences(&self) -> Vec<String> {
        let rest = &self.rest;
        let switches = [
            (rest.delete_json, "REST_DELETE=json"),
            (rest.list_envelope, "REST_LIST=envelope"),
            (rest.case_camel, "REST_CASE=camel"),
            (rest.status, "REST_STATUS=on"),
            (rest.keeps_unknown, "REST_UNKNOWN_FIELDS=keep"),
            (rest.root, "REST_ROOT=on"),
            (self.tokens.cookie_cache, "JWT_COOKIE_CACHE=on"),
        ];
        let numbers =
            [(usize::from(rest.token_days), 7, "REST_TOKEN_DAYS"), (self.max_description, 1000, "DESCRIPTION_LENGTH")];
        let switches = switches.into_iter().filter(|(is_on, _)| *is_on).map(|(_, text)| text.to_owned());
        let switches = switches.chain(rest.completed_name.map(|name| format!("REST_COMPLETED={name}")));
        let numbers = numbers.into_iter().filter(|(value, usual, _)| value != usual);
        switches.chain(numbers.map(|(value, _, name)| format!("{name}={value}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[Setting]) -> Result<Config, String> {
        let secret = ("BETTER_AUTH_SECRET", "a-secret-of-tests-0123456789-ABCDEFGHIJ");
        let value = |name: &str| pairs.iter().chain([&secret]).find(|(it, _)| *it == name).map(|it| it.1.to_owned());
        Config::from_vars(value).map_err(|it| it.to_string())
    }

    #[test]
    fn a_kind_of_front_ends_sets_what_is_not_set() {
        assert_eq!(read(&[]).unwrap().rest_differences(), [""; 0]);
        for (name, settings) in PROFILES {
            let mut differences = read(&[("DOCKET_LEGACY", name)]).unwrap().rest_differences();
            let mut wanted: Vec<_> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
            differences.sort();
            wanted.sort();
            assert_eq!(differences, wanted, "{name}");
        }
        let other = [("DOCKET_LEGACY", "fastapi"), ("REST_ROOT", "off"), ("REST_TOKEN_DAYS", "90")];
        let other = read(&other).unwrap();
        assert_eq!((other.rest.root, other.rest.token_days, other.rest.status), (false, 90, true));
    }

    #[test]
    fn a_kind_that_is_none_is_refused() {
        let said = read(&[("DOCKET_LEGACY", "flask")]).unwrap_err();
        assert!(said.contains("DOCKET_LEGACY: must be fastapi, fastapi-envelope, "), "{said}");
        let said = read(&[("DOCKET_LEGACY", "nextjs"), ("REST_LIST", "tree")]).unwrap_err();
        assert!(said.contains("REST_LIST: must be"), "{said}");
    }
}
