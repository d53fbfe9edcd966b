//! Names of variables that look like settings and are none.

use std::collections::BTreeSet;

/// What is to be done about a name that looks like a setting and is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misnamed {
    /// It cannot be meant for another program.
    Mistake(String),
    /// It may be.
    Warning(String),
}

/// Looks at a name that no setting has. `is_set` says which settings have a value.
pub(super) fn examine(name: &str, known: &BTreeSet<String>, is_set: impl Fn(&str) -> bool) -> Option<Misnamed> {
    let meant = meant(name, known.iter().map(String::as_str));
    if is_unknown(name) {
        let advice = meant.map(|it| format!("; {it} is one")).unwrap_or_default();
        return Some(Misnamed::Mistake(format!("{name}: is no setting of this Docket{advice}")));
    }
    let capitals = name.to_ascii_uppercase();
    if known.contains(&capitals) {
        return unread(format!("{name}: is not read; write {capitals}"), &capitals, is_set);
    }
    if let Some(setting) = capitals.strip_suffix("_FILE").filter(|it| known.contains(*it)) {
        return unread(format!("{name}: is not read; {setting} may not be in a file"), setting, is_set);
    }
    let meant = meant.filter(|it| !is_set(it))?;
    Some(Misnamed::Warning(format!("{name}: is not read; is {meant} meant?")))
}

/// A name that would be that of a setting, if names were read more freely. Without the setting it is a mistake; beside it
/// another program may read it, and some settings are those of many programs.
fn unread(text: String, setting: &str, is_set: impl Fn(&str) -> bool) -> Option<Misnamed> {
    let is_shared = matches!(setting, "HOST" | "HOSTNAME" | "PORT" | "RUST_LOG")
        || ["PG", "OTEL_"].iter().any(|start| setting.starts_with(start));
    match (is_shared, is_set(setting)) {
        (true, true) => None,
        (false, false) => Some(Misnamed::Mistake(text)),
        _ => Some(Misnamed::Warning(text)),
    }
}

/// Names that begin as ours do and are somebody else's: those of the tests, and those that Kubernetes gives every
/// container beside a service that is called `docket` or begins so.
fn is_others(name: &str) -> bool {
    let is_service = name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT");
    let is_port = |port: &str| port.is_empty() || port.starts_with('_');
    name.starts_with("DOCKET_TEST_") || is_service || name.rsplit_once("_PORT").is_some_and(|(_, port)| is_port(port))
}

/// A name of ours that is no setting.
fn is_unknown(name: &str) -> bool {
    name.starts_with("DOCKET_") && !is_others(name)
}

/// The setting whose name differs from this one by a letter or two.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = if name.len() > 8 { 2 } else { 1 };
    known
        .map(|it| (distance(name, it), it))
        .filter(|(distance, _)| (1..=most).contains(distance))
        .min()
        .map(|(_, it)| it)
}

/// How many letters are to be put in, left out or replaced; two that changed places count once.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, target) in other.iter().enumerate() {
            let mut least = (rows[row][column] + usize::from(letter != target)).min(rows[row][column + 1] + 1);
            least = least.min(next[column] + 1);
            let is_swapped = row > 0 && column > 0 && one[row - 1] == *target && *letter == other[column - 1];
            if is_swapped {
                least = least.min(rows[row - 1][column - 1] + 1);
            }
            next.push(least);
        }
        rows.push(next);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_wrong_letter_leads_to_the_setting_that_was_meant() {
        let known = ["DATABASE_URL", "CORS_ORIGINS", "PORT", "HOST", "SMTP_URL", "BETTER_AUTH_SECRET", "REST_CASE"];
        for (name, setting) in [
            ("DATABSE_URL", Some("DATABASE_URL")),
            ("DATABASE_URI", Some("DATABASE_URL")),
            ("CORS_ORIGIN", Some("CORS_ORIGINS")),
            ("BETER_AUTH_SECERT", Some("BETTER_AUTH_SECRET")),
            ("SMTP_URI", Some("SMTP_URL")),
            ("PORTS", Some("PORT")),
            ("HOME", None),
            ("PATH", None),
            ("DATABASE_URL", None),
            ("REDIS_URL", None),
        ] {
            assert_eq!(meant(name, known.into_iter()), setting, "{name}");
        }
    }

    #[test]
    fn names_that_kubernetes_gives_are_not_ours() {
        for name in [
            "DOCKET_SERVICE_HOST",
            "DOCKET_SERVICE_PORT_HTTP",
            "DOCKET_PORT",
            "DOCKET_PORT_8000_TCP_ADDR",
            "DOCKET_TEST_POSTGRES",
        ] {
            assert!(!is_unknown(name), "{name}");
        }
        assert!(is_unknown("DOCKET_PLAYGROUD") && !is_unknown("PLAYGROUND"));
    }
}
