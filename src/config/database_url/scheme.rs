//! What a URL of PostgreSQL's begins with, and what to write instead of what others paste.

/// Drivers that SQLAlchemy's URLs name; what follows them is the same for all.
const DRIVERS: [&str; 6] = ["asyncpg", "pg8000", "psycopg", "psycopg2", "psycopg2cffi", "psycopg_async"];

/// What follows the scheme, if it is one of PostgreSQL's.
pub(super) fn behind(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let (dialect, driver) = scheme.split_once('+').map_or((scheme, None), |(dialect, it)| (dialect, Some(it)));
    let is_known = driver.is_none_or(|it| DRIVERS.contains(&it));
    (matches!(dialect, "postgres" | "postgresql") && is_known).then_some(rest)
}

/// What to write instead, if what the text is can be seen.
pub(super) fn advice(text: &str) -> Option<&'static str> {
    let is_dialect = |names: &[&str], ends: &[char]| {
        names.iter().any(|name| text.strip_prefix(name).is_some_and(|rest| rest.starts_with(ends)))
    };
    Some(match text {
        _ if text.starts_with(['"', '\'', '`']) => "begins with a quotation mark: write the URL without any",
        _ if text.starts_with("psql ") => "is a command: write the URL in it alone",
        _ if text.starts_with("jdbc:") => "is one of JDBC: write it without jdbc:",
        _ if is_dialect(&["postgres", "postgresql"], &['+']) => "names a driver that is not known: write postgresql://",
        _ if is_dialect(&["postgis", "pgsql", "psql", "pg"], &[':', '+']) => {
            "has another name of PostgreSQL: write postgresql://"
        }
        _ if text.starts_with("file:") => "is one of Prisma: write sqlite: and the path from the working directory",
        _ if !text.contains("://") && ["host=", "dbname="].iter().any(|it| text.contains(it)) => {
            "is a list of parameters: write a URL, postgresql://user:password@host/database"
        }
        _ => return None,
    })
}
