//! What PostgreSQL, the role or a pooler sets otherwise than statements rely on.

use sea_orm::DbErr;

use super::catalog::Catalog;

impl Catalog<'_> {
    /// What is set otherwise than statements rely on, a sentence each.
    pub(super) async fn settings(&self) -> Result<Vec<String>, DbErr> {
        let text = "select current_setting('server_encoding'), current_setting('transaction_isolation'), \
                    current_setting('transaction_read_only'), pg_is_in_recovery(), current_schema() is null, \
                    coalesce(current_setting('idle_session_timeout', true), '0')";
        let rows = self.ask(text.to_owned()).await?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let mut obstacles = Vec::new();
        let encoding: String = row.try_get_by_index(0)?;
        if encoding != "UTF8" {
            obstacles.push(format!("the database's encoding is {encoding}; make one with encoding 'UTF8'"));
        }
        let isolation: String = row.try_get_by_index(1)?;
        if isolation != "read committed" {
            obstacles.push(format!(
                "default_transaction_isolation is {isolation}, and a pooler keeps Docket from setting it: set it to \
                 'read committed' for Docket's role (alter role … set …)"
            ));
        }
        if row.try_get_by_index::<bool>(3)? {
            obstacles.push("the server of DATABASE_URL is a standby, which is read-only".to_owned());
        } else if row.try_get_by_index::<String>(2)? == "on" {
            obstacles.push("default_transaction_read_only is on for Docket's role or database".to_owned());
        }
        if row.try_get_by_index(4)? {
            let advice = "set it for Docket's role to the schema that its tables are to be in (alter role … set …)";
            obstacles.push(format!("the search_path names no schema that is there and may be used: {advice}"));
        }
        if row.try_get_by_index::<String>(5)? != "0" {
            let advice = "set it to 0 for Docket's role (alter role … set …)";
            obstacles.push(format!("idle_session_timeout ends the connections that Docket keeps: {advice}"));
        }
        Ok(obstacles)
    }
}
