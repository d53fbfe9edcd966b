//! Where variables come from: the command line, the environment, and the file `.env` of the working directory.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{Mistakes, dotenv};

const DOTENV_FILE: &str = ".env";
/// What the libraries inside read from the environment by themselves: in the file they would not see it.
const LIBRARIES: [&str; 6] = ["OTEL_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PGPASSFILE"];

/// What some editors put at the begin of a file.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// What the command line says about settings.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Settings, by the variables in whose place they stand.
    pub variables: Vec<(&'static str, String)>,
    /// The file that is read instead of `.env` in the working directory.
    pub file: Option<PathBuf>,
}

/// Variables by name.
pub(super) struct Source(BTreeMap<String, Variable>);

struct Variable {
    value: String,
    /// Why it may not be what was meant, if so.
    doubt: Option<String>,
    is_in_file: bool,
}

fn reason(error: &io::Error) -> String {
    if error.kind() == ErrorKind::InvalidData { "it is not UTF-8".to_owned() } else { error.to_string() }
}

/// Why the value of a variable may not be what was meant: whoever set it had it from a file, as it stands there.
pub(super) fn doubt(value: &str) -> Option<String> {
    let value = value.trim();
    if value.starts_with(BYTE_ORDER_MARK) {
        return Some("begins with a byte order mark (U+FEFF): leave it out".to_owned());
    }
    let is_in = |quote: char| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    let quoted = ['"', '\''].into_iter().any(is_in);
    quoted.then(|| "is in quotes, which are a part of it: leave them out".to_owned())
}

impl Source {
    /// Reads the file and the environment, which wins, and puts what was chosen above both. Folders above have files of
    /// others.
    pub(super) fn read(chosen: &Chosen) -> Result<Self, Mistakes> {
        let mistake = |text: String| Mistakes(vec![text]);
        let path = chosen.file.as_deref().unwrap_or(Path::new(DOTENV_FILE));
        let file = path.display();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && chosen.file.is_none() => String::new(),
            Err(error) => return Err(mistake(format!("{file}: cannot be read: {}", reason(&error)))),
        };
        let mut all = BTreeMap::new();
        for entry in dotenv::parse(&text).map_err(mistake)? {
            let doubt = entry.doubt.map(|doubt| format!("line {} of {file}: {doubt}", entry.line));
            all.insert(entry.name, Variable { value: entry.value, doubt, is_in_file: true });
        }
        for (name, value) in env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            let (value, doubt) = match value.into_string() {
                Ok(value) => {
                    let doubt = doubt(&value);
                    (value, doubt)
                }
                Err(_) => (String::new(), Some("must be UTF-8".to_owned())),
            };
            all.insert(name, Variable { value, doubt, is_in_file: false });
        }
        for (name, value) in &chosen.variables {
            all.remove(&format!("{name}_FILE"));
            all.insert((*name).to_owned(), Variable { value: value.clone(), doubt: None, is_in_file: false });
        }
        Ok(Self(all))
    }

    /// The value of a variable, if it is set.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|it| it.value.clone())
    }

    /// What is doubtful about the values of those that are read.
    pub(super) fn doubts(&self, is_read: impl Fn(&str) -> bool) -> Vec<String> {
        let read = self.0.iter().filter(|(name, _)| is_read(name));
        read.filter_map(|(name, it)| Some(format!("{name}: {}", it.doubt.as_ref()?))).collect()
    }

    /// The names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What is in the file, where nobody who wants it looks.
    pub(super) fn unseen(&self, is_read: impl Fn(&str) -> bool) -> Vec<String> {
        let is_unseen = |name: &str| LIBRARIES.iter().any(|start| name.starts_with(start)) && !is_read(name);
        let unseen = self.0.iter().filter(|(name, variable)| variable.is_in_file && is_unseen(name));
        unseen.map(|(name, _)| format!("{name}: is read from the environment only, not from {DOTENV_FILE}")).collect()
    }

    #[cfg(test)]
    pub(super) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let variable = |value: &str| Variable { value: value.to_owned(), doubt: doubt(value), is_in_file: false };
        Self(pairs.map(|(name, value)| (name.to_owned(), variable(value))).collect())
    }
}
