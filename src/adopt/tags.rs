//! Names of tags in the forms in which databases have them.

use serde_json::Value;

/// The names in a list, in the JSON of one, in an array of PostgreSQL as a text, or between commas.
pub(super) fn names(value: &Value, is_json: bool) -> Result<Vec<Value>, String> {
    let wrong = || Err("tags: must be a list of names".to_owned());
    let text = match value {
        Value::Array(names) => return Ok(names.clone()),
        Value::String(text) if text.trim().is_empty() => return Ok(Vec::new()),
        Value::String(text) => text.trim(),
        _ => return wrong(),
    };
    match serde_json::from_str(text) {
        Ok(Value::Array(names)) => Ok(names),
        Ok(Value::Null) if is_json => Ok(Vec::new()),
        Ok(Value::Object(_)) => wrong(),
        _ if is_json || text.starts_with('[') => wrong(),
        _ => match text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            Some(array) => Ok(split(array)),
            None => Ok(text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Value::from).collect()),
        },
    }
}

/// The elements of an array of PostgreSQL, which stand in quotes where they have commas.
fn split(array: &str) -> Vec<Value> {
    let (mut names, mut name, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut characters = array.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => is_quoted = !is_quoted,
            '\\' => name.extend(characters.next()),
            ',' if !is_quoted => names.push(std::mem::take(&mut name)),
            other => name.push(other),
        }
    }
    names.push(name);
    names.into_iter().filter(|it| !it.trim().is_empty()).map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::names;

    #[test]
    fn names_are_read_in_all_of_their_forms_and_others_are_refused() {
        for (value, is_json, expected) in [
            (json!(["a", "b, c"]), false, json!(["a", "b, c"])),
            (json!("[\"a\", \"b\"]"), false, json!(["a", "b"])),
            (json!(" a, b ,,c"), false, json!(["a", "b", "c"])),
            (json!(r#"{a,"b, c","d\"e"}"#), false, json!(["a", "b, c", "d\"e"])),
            (json!("null"), true, json!([])),
            (json!("null"), false, json!(["null"])),
            (json!(""), false, json!([])),
        ] {
            assert_eq!(names(&value, is_json).map(Value::from), Ok(expected), "{value}");
        }
        for (value, is_json) in
            [(json!("['a', 'b']"), false), (json!("{\"a\": 1}"), true), (json!(1), false), (json!("a"), true)]
        {
            assert!(names(&value, is_json).is_err(), "{value}");
        }
    }
}
