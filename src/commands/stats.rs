//! `docket stats`: how much there is of everything.

use clap::Args;
use docket::{
    config::Config,
    operators,
    service::operator::statistics::{DatabaseStatistics, Total},
};
use serde_json::{Map, Value, json};

use super::{
    Done,
    output::{Output, instant},
};

/// How the figures are printed.
#[derive(Args)]
pub struct StatsArguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the figures.
pub async fn run(config: &Config, arguments: StatsArguments) -> Done {
    let mut output = Output::new(arguments.json);
    let services = operators::open(config).await?;
    let statistics = services.operator().statistics().await;
    services.close().await?;
    let statistics = statistics?;
    output.print(&object(&statistics), &text(&statistics))?;
    output.finish()
}

/// The totals, each with its name in JSON.
fn totals(of: &DatabaseStatistics) -> [(&'static str, Total); 12] {
    [
        ("users", of.users),
        ("verifiedUsers", of.verified_users),
        ("usersWithData", of.users_with_data),
        ("sessions", of.sessions),
        ("tasks", of.tasks),
        ("openTasks", of.open_tasks),
        ("completedTasks", of.completed_tasks),
        ("deletedTasks", of.deleted_tasks),
        ("lists", of.lists),
        ("labels", of.labels),
        ("storedAnswers", of.stored_answers),
        ("verifications", of.verifications),
    ]
}

/// What could not be counted is null, and what was estimated is named.
fn object(of: &DatabaseStatistics) -> Value {
    let mut object = Map::new();
    let mut estimated = Vec::new();
    for (name, total) in totals(of) {
        let value = match total {
            Total::Exact(count) => json!(count),
            Total::About(count) => {
                estimated.push(name);
                json!(count)
            }
            Total::Unknown => Value::Null,
        };
        object.insert(name.to_owned(), value);
    }
    object.insert("estimated".to_owned(), json!(estimated));
    object.insert("database".to_owned(), json!(of.database));
    object.insert("bytes".to_owned(), json!(of.bytes));
    object.insert("schema".to_owned(), json!(of.schema));
    object.insert("oldestDeletion".to_owned(), json!(of.oldest_deletion.map(instant)));
    Value::Object(object)
}

fn text(of: &DatabaseStatistics) -> String {
    let oldest = of.oldest_deletion.map_or(String::new(), |at| format!(", the oldest since {}", instant(at)));
    let lines = [
        ("database", format!("{}, {}", of.database, size(of.bytes))),
        ("schema", of.schema.clone()),
        ("users", format!("{}, of whom {} have a verified address", total(of.users), total(of.verified_users))),
        ("with data", total(of.users_with_data)),
        ("sessions", total(of.sessions)),
        ("tasks", total(of.tasks)),
        ("  open", total(of.open_tasks)),
        ("  completed", total(of.completed_tasks)),
        ("  deleted", format!("{}{oldest}", total(of.deleted_tasks))),
        ("lists", total(of.lists)),
        ("labels", total(of.labels)),
        ("answers", format!("{} stored for requests with an Idempotency-Key", total(of.stored_answers))),
        ("links", format!("{} mailed and not used, with deleted accounts", total(of.verifications))),
    ];
    lines.map(|(name, value)| format!("{name:<12}{value}")).join("\n")
}

fn total(of: Total) -> String {
    match of {
        Total::Exact(count) => count.to_string(),
        Total::About(count) => format!("about {count}"),
        Total::Unknown => "too many to count".to_owned(),
    }
}

/// A number of bytes in a unit of which there are few.
fn size(bytes: i64) -> String {
    match bytes {
        ..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..10_737_418_240 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
