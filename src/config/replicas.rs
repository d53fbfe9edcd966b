//! What `DATABASE_READ_URL` may say: the URLs of replicas of PostgreSQL's.

use super::{
    database_url::{Database, Postgres},
    reader::SettingsReader,
};

const NAME: &str = "DATABASE_READ_URL";

impl<F: Fn(&str) -> Option<String>> SettingsReader<F> {
    /// The replicas of that database. A comma in a URL is written as `%2C`.
    pub(super) fn replica_urls(&mut self, database: &Database) -> Vec<Postgres> {
        let Some(urls) = self.secret_text(NAME) else { return Vec::new() };
        // A database whose own URL is wrong may be either.
        if matches!(database, Database::Sqlite(_)) && *database != Database::nowhere() {
            self.mistakes.push(format!("{NAME}: has no meaning without PostgreSQL in DATABASE_URL"));
            return Vec::new();
        }
        let mut replicas: Vec<Postgres> = Vec::new();
        for url in urls.split(',') {
            let wanted =
                || vec!["must have URLs that start with postgres: or postgresql:, with commas between".to_owned()];
            match Postgres::parse(url.trim(), |name| self.text(name)).unwrap_or_else(|| Err(wanted())) {
                Ok(replica) if replicas.contains(&replica) => {
                    self.mistakes.push(format!("{NAME}: must not have the same URL twice"));
                }
                Ok(replica) => replicas.push(replica),
                Err(faults) => self.mistakes.extend(faults.into_iter().map(|fault| format!("{NAME}: {fault}"))),
            }
        }
        replicas
    }
}
