//! Tasks as the to-dos of an iCalendar file (RFC 5545). Readers refuse a whole file for one line that is not well-formed:
//! what users write is escaped, and folded by bytes, at one place.

use chrono::{DateTime, Utc};
use entity::task::Priority;

use super::exports::Names;
use crate::service::{tasks::TimeZone, user_data::TaskWithLabels};

/// What stands before the to-dos.
pub(super) const START: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Docket//Docket//EN\r\n";
/// What stands behind them.
pub(super) const END: &str = "END:VCALENDAR\r\n";
/// The time zone in which the instant was chosen at which a task is due: in `DUE` it would need the rules of the zone.
pub(super) const TIME_ZONE: &str = "X-DOCKET-TIME-ZONE";
/// How many bytes a line has at most, its end aside (section 3.1).
const MAX_LINE: usize = 75;

/// Lines, each of them a property with its value.
struct Lines(String);

impl Names {
    /// A task as a `VTODO` (section 3.6.2). Labels are its categories; the list has a property of its own, because
    /// iCalendar knows none for it.
    pub(super) fn todo(&self, TaskWithLabels { task, labels }: &TaskWithLabels) -> String {
        let mut lines = Lines(String::new());
        lines.put("BEGIN", "VTODO");
        lines.put("UID", &task.id.to_string());
        lines.put("DTSTAMP", &format_instant(task.updated_at.0));
        lines.put("CREATED", &format_instant(task.created_at.0));
        lines.put("LAST-MODIFIED", &format_instant(task.updated_at.0));
        lines.put("SUMMARY", &escape(&task.title));
        if let Some(description) = &task.description {
            lines.put("DESCRIPTION", &escape(description));
        }
        if let Some(date) = task.due_date {
            lines.put("DUE;VALUE=DATE", &date.format("%Y%m%d").to_string());
        }
        if let Some(due) = task.due_at {
            lines.put("DUE", &format_instant(due.0));
        }
        if let Some(zone) = task.due_zone.as_deref().filter(|it| *it != TimeZone::UTC.name()) {
            lines.put(TIME_ZONE, zone);
        }
        let priority = match task.priority {
            Priority::Urgent => "1",
            Priority::High => "3",
            Priority::Medium => "5",
            Priority::Low => "9",
        };
        lines.put("PRIORITY", priority);
        match task.completed_at {
            Some(completed) => {
                lines.put("STATUS", "COMPLETED");
                lines.put("COMPLETED", &format_instant(completed.0));
            }
            None => lines.put("STATUS", "NEEDS-ACTION"),
        }
        if let Some(parent) = task.parent_id {
            lines.put("RELATED-TO", &parent.to_string());
        }
        let categories: Vec<_> = self.of_labels(labels).map(escape).collect();
        if !categories.is_empty() {
            lines.put("CATEGORIES", &categories.join(","));
        }
        if let Some(list) = self.of_list(task.list_id) {
            lines.put("X-DOCKET-LIST", &escape(list));
        }
        lines.put("END", "VTODO");
        lines.0
    }
}

impl Lines {
    /// One line, folded between characters: a line that follows begins with a space.
    fn put(&mut self, name: &str, value: &str) {
        let mut length = 0;
        for character in name.chars().chain([':']).chain(value.chars()) {
            if length + character.len_utf8() > MAX_LINE {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(character);
            length += character.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

fn format_instant(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Escapes a text (section 3.3.11): every kind of line break becomes `\n`, and other control characters are left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\\' | ';' | ',' => escaped.extend(['\\', character]),
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => escaped.push_str("\\n"),
            '\t' => escaped.push('\t'),
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_75_bytes_and_no_character_is_cut() {
        for value in ["x".repeat(500), "ü".repeat(300), "🍎 ".repeat(200), "a".to_owned(), String::new()] {
            let mut lines = Lines(String::new());
            lines.put("SUMMARY", &value);
            for line in lines.0.split_inclusive("\r\n") {
                assert!(line.trim_end_matches("\r\n").len() <= MAX_LINE, "{line}");
            }
            assert_eq!(lines.0.replace("\r\n ", ""), format!("SUMMARY:{value}\r\n"));
        }
    }

    #[test]
    fn ends_of_lines_are_one_and_control_characters_are_none() {
        for (text, expected) in [
            ("a\r\nb\rc\nd", "a\\nb\\nc\\nd"),
            ("a\u{0}\u{1b}\u{7f}\u{9c}b\tc", "ab\tc"),
            ("a\u{2028}b\u{85}c", "a\\nb\\nc"),
            ("a;b,c\\d:\"", "a\\;b\\,c\\\\d:\""),
        ] {
            assert_eq!(escape(text), expected, "{text:?}");
        }
    }
}
