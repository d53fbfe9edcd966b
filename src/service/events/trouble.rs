//! What goes wrong again and again while a database or its way to others is away, and is logged once.

use std::{collections::BTreeSet, fmt};

use tracing::{info, warn};

/// How many causes are told apart.
const MAX_CAUSES: usize = 8;

/// Something that is tried again and again, and what it failed with since it last went well.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What is logged when it begins to fail, and when it fails in another way.
    begins: &'static str,
    /// What is logged when it goes well again.
    ends: &'static str,
    causes: BTreeSet<String>,
}

impl Trouble {
    pub(super) fn new(begins: &'static str, ends: &'static str) -> Self {
        Self { begins, ends, causes: BTreeSet::new() }
    }

    /// It failed.
    pub(super) fn note(&mut self, cause: impl fmt::Display) {
        let cause = cause.to_string();
        if self.causes.len() < MAX_CAUSES && !self.causes.contains(&cause) {
            warn!(cause, "{}", self.begins);
            self.causes.insert(cause);
        }
    }

    /// It went well.
    pub(super) fn end(&mut self) {
        if !std::mem::take(&mut self.causes).is_empty() {
            info!("{}", self.ends);
        }
    }
}
