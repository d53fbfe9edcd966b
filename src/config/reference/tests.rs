//! That all settings are there, and that their defaults are those.

use std::collections::BTreeSet;

use super::*;
use crate::config::{Config, database_url::VARIABLES, reader::SettingsReader};

const GOOD_SECRET: &str = "a-secret-of-tests-0123456789-ABCDEFGHIJ";

fn entries() -> Vec<SettingEntry> {
    groups().iter().flat_map(|it| it.settings).copied().collect()
}

#[test]
fn all_settings_are_explained_and_nothing_else() {
    let mut read = SettingsReader::new(|name| (name == "BETTER_AUTH_SECRET").then(|| GOOD_SECRET.to_owned()));
    Config::read(&mut read);
    let is_other = |name: &str| name == "HOSTNAME" || VARIABLES.iter().any(|(it, _)| *it == name);
    let known: BTreeSet<String> = read.names().into_iter().filter(|name| !is_other(name)).collect();
    let in_files = |it: &SettingEntry| it.may_be_in_file.then(|| format!("{}_FILE", it.name));
    let explained = entries();
    let names = explained.iter().map(|it| it.name.to_owned()).chain(explained.iter().filter_map(in_files));
    assert_eq!(names.collect::<BTreeSet<_>>(), known);
}

#[test]
fn a_default_that_is_a_value_is_what_is_so_without_it() {
    let config = |name: &str, value: Option<&str>| {
        let var = |it: &str| match it {
            "BETTER_AUTH_SECRET" => Some(GOOD_SECRET.to_owned()),
            // Without it others are not looked at.
            it => value.filter(|_| it == name).map(str::to_owned),
        };
        format!("{:?}", Config::from_vars(var).unwrap())
    };
    let mut compared = 0;
    for setting in entries() {
        let value = setting.default.strip_prefix('`').and_then(|it| it.strip_suffix('`'));
        if let Some(value) = value.filter(|it| !it.contains('`') && *it != "DATABASE_URL") {
            assert_eq!(config(setting.name, Some(value)), config(setting.name, None), "{}", setting.name);
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared} were compared");
}

#[test]
fn a_summary_is_a_line_of_a_terminal() {
    for setting in entries() {
        let line = format!("  {:<SUMMARY_COLUMN$} {}", setting.name, plain(setting.summary));
        assert!(line.chars().count() <= LINE_LENGTH, "{line}");
    }
}

#[test]
fn links_and_quotes_are_left_out_of_plain_text() {
    assert_eq!(plain("see [the `limits`](a.md#b), and `[::1]` or [x"), "see the limits, and [::1] or [x");
}
