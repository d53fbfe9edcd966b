//! What each setting means: once, for `docket settings`, `docket --help` and docs/settings.md.

mod accounts;
mod apis;
mod server;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingEntry {
    /// The variable.
    pub name: &'static str,
    /// What it is without being set, as Markdown; a value alone is in backquotes.
    pub default: &'static str,
    /// What it means in a few words, as Markdown.
    pub summary: &'static str,
    /// What follows, as Markdown; may be empty.
    pub details: &'static str,
    /// Whether the variable with `_FILE` behind its name may name a file that has it.
    pub may_be_in_file: bool,
}

/// Settings about one thing.
#[derive(Clone, Copy, Debug)]
pub struct SettingGroup {
    /// What they are about.
    pub title: &'static str,
    /// The settings.
    pub settings: &'static [SettingEntry],
}

/// How many characters a line of text has at most.
const LINE_LENGTH: usize = 100;
/// How far meanings are from the left.
const INDENT: &str = "    ";
/// Where summaries begin in a list.
const SUMMARY_COLUMN: usize = 30;

/// A setting that may not be in a file.
const fn entry(
    name: &'static str,
    default: &'static str,
    summary: &'static str,
    details: &'static str,
) -> SettingEntry {
    SettingEntry { name, default, summary, details, may_be_in_file: false }
}

/// A setting that may be in a file.
const fn secret_entry(
    name: &'static str,
    default: &'static str,
    summary: &'static str,
    details: &'static str,
) -> SettingEntry {
    SettingEntry { name, default, summary, details, may_be_in_file: true }
}

/// All settings, in the order in which people want to know of them.
pub fn groups() -> [SettingGroup; 8] {
    [
        SettingGroup { title: "Server", settings: server::SERVER },
        SettingGroup { title: "Database", settings: server::DATABASE },
        SettingGroup { title: "Accounts", settings: accounts::ACCOUNTS },
        SettingGroup { title: "Mail", settings: accounts::MAIL },
        SettingGroup { title: "Access tokens", settings: accounts::TOKENS },
        SettingGroup { title: "GraphQL", settings: apis::GRAPHQL },
        SettingGroup { title: "REST", settings: apis::REST },
        SettingGroup { title: "Logs, metrics and traces", settings: server::OBSERVATION },
    ]
}

impl SettingEntry {
    /// The whole meaning, as Markdown.
    fn meaning(&self) -> String {
        format!("{}{}", self.summary, self.details)
    }
}

/// The tables of docs/settings.md.
pub fn markdown() -> String {
    let mut text = String::new();
    for SettingGroup { title, settings } in groups() {
        text.push_str(&format!("### {title}\n\n| Variable | Meaning | Default |\n|---|---|---|\n"));
        for setting in settings {
            text.push_str(&format!("| `{}` | {} | {} |\n", setting.name, setting.meaning(), setting.default));
        }
        text.push('\n');
    }
    text
}

/// All settings with their whole meaning, for a terminal.
pub fn explanation() -> String {
    let mut text = String::new();
    for SettingGroup { title, settings } in groups() {
        text.push_str(&format!("{title}\n\n"));
        for setting in settings {
            let file = if setting.may_be_in_file { " (or in the file that …_FILE names)" } else { "" };
            text.push_str(&format!("{}{file}\n", setting.name));
            for part in [setting.meaning(), format!("Default: {}", setting.default)] {
                wrap(&plain(&part)).iter().for_each(|line| text.push_str(&format!("{INDENT}{line}\n")));
            }
            text.push('\n');
        }
    }
    text
}

/// All settings in a line each, for `docket --help`.
pub fn overview() -> String {
    let mut text = "Settings (docket settings says more):\n".to_owned();
    for SettingGroup { title, settings } in groups() {
        text.push_str(&format!("\n  {title}\n"));
        for setting in settings {
            text.push_str(&format!("  {:<SUMMARY_COLUMN$} {}\n", setting.name, plain(setting.summary)));
        }
    }
    text.trim_end().to_owned()
}

/// Markdown as plain text: links without their addresses, and no backquotes.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        text.push_str(before);
        match link.split_once("](").and_then(|(words, behind)| Some((words, behind.split_once(')')?.1))) {
            Some((words, behind)) => {
                text.push_str(words);
                rest = behind;
            }
            None => {
                text.push('[');
                rest = link;
            }
        }
    }
    text.push_str(rest);
    text.replace('`', "")
}

/// Lines of whole words.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE_LENGTH - INDENT.len() => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
