//! Commands on whole databases and files: migrate, backup, restore, adopt, export, import, doctor.

use std::path::Path;

use clap::Args;
use docket::{
    adopt::{self, PriorityRule, Rules, StatusRule},
    archive::{self, ImportOptions, ImportedFile},
    config::Config,
    db, doctor, proof, rest,
    service::import::Imported,
};

use super::{Done, output};

pub async fn migrate(config: &Config) -> Done {
    let db = db::connect(config).await?;
    proof::prepare(&db).await?;
    db.close().await?;
    Ok(output::report("The schema is up to date.")?)
}

pub async fn backup(config: &Config, file: &Path) -> Done {
    db::file::backup(config, file).await?;
    Ok(output::report(&format!("The database is copied to {}.", file.display()))?)
}

pub async fn restore(config: &Config, file: &Path) -> Done {
    let kept = db::file::restore(config, file).await?;
    let kept = kept.map(|it| format!("\nWhat was there is kept as {}.", it.display())).unwrap_or_default();
    Ok(output::report(&format!("The backup is in its place.{kept}"))?)
}

/// What is to be taken over of others' databases, and how.
#[derive(Args)]
pub struct AdoptArguments {
    /// Take over what can be taken, instead of only saying so
    #[arg(long)]
    apply: bool,
    /// Leave rows behind that cannot be taken
    #[arg(long, requires = "apply")]
    skip_invalid: bool,
    /// What a word or number of theirs means: low, medium, high or urgent
    #[arg(long, value_name = "WORD=PRIORITY")]
    priority: Vec<PriorityRule>,
    /// What a word for a state means: completed or pending
    #[arg(long, value_name = "WORD=STATE")]
    status: Vec<StatusRule>,
    /// Cut titles over 200 characters, and put the whole into the description
    #[arg(long)]
    shorten_titles: bool,
    /// Remove the old tables, all of whose rows were taken over
    #[arg(long, conflicts_with = "apply")]
    drop: bool,
}

pub async fn adopt(config: &Config, arguments: AdoptArguments) -> Done {
    let AdoptArguments { apply, skip_invalid, priority, status, shorten_titles, drop } = arguments;
    let rules = Rules {
        skips_invalid: skip_invalid,
        priorities: priority.into_iter().collect(),
        states: status.into_iter().collect(),
        shortens_titles: shorten_titles,
    };
    if drop {
        let dropped = adopt::drop_old(config, &rules).await?;
        let dropped = if dropped.is_empty() { "nothing".to_owned() } else { dropped.join(", ") };
        return Ok(output::report(&format!("Dropped: {dropped}."))?);
    }
    let survey = adopt::survey(config, &rules).await?;
    if apply {
        output::reveal(&survey.to_string(), "what was found could not be printed, and nothing was taken over")?;
        Ok(output::report(&format!("{}.", adopt::apply(config, &rules, &survey).await?))?)
    } else {
        Ok(output::show(&format!("{survey}{}\n", survey.outlook()))?)
    }
}

pub async fn export(config: &Config, file: &Path) -> Done {
    let written = archive::export(config, file).await?;
    Ok(output::report(&format!("{} has {written}.", file.display()))?)
}

pub async fn import(config: &Config, file: &Path, options: ImportOptions) -> Done {
    let read = archive::import(config, file, options).await?;
    let file = file.display();
    Ok(match options.is_dry_run {
        true => output::show(&format!("{file} can be imported: {read}.\n")),
        false => output::report(&format!("{file} is imported: {read}.")),
    }?)
}

pub async fn export_user(config: &Config, user: &str, file: &Path) -> Done {
    let tasks = archive::export_user(config, user, file).await?;
    Ok(output::report(&format!("{} has {tasks} tasks.", file.display()))?)
}

pub async fn import_user(config: &Config, user: &str, file: &Path, is_dry: bool) -> Done {
    let ImportedFile { counts, ignored } = archive::import_user(config, user, file, is_dry).await?;
    let Imported { lists, labels, tasks, skipped } = counts;
    let does = if is_dry { "would bring" } else { "brought" };
    let ignored = match ignored {
        0 => String::new(),
        ignored => format!("\n{ignored} entries of the calendar are no tasks, and were left out."),
    };
    let text = format!(
        "{} {does} {lists} lists, {labels} labels and {tasks} tasks; {skipped} were here already.{ignored}",
        file.display()
    );
    Ok(if is_dry { output::show(&format!("{text}\n")) } else { output::report(&text) }?)
}

/// Ends with an error when something is bad; mends what is safe to mend before, if that is asked for.
pub async fn doctor(config: &Config, fixes: bool) -> Done {
    let mut findings = if fixes { doctor::fix(config) } else { Vec::new() };
    findings.extend(doctor::examine(config).await);
    let lines: String = findings.iter().map(|it| format!("{it}\n")).collect();
    output::show(&lines)?;
    match findings.iter().filter(|it| it.level == doctor::Level::Bad).count() {
        0 => Ok(()),
        count => Err(format!("{count} of these must be mended").into()),
    }
}

pub fn openapi() -> Done {
    Ok(output::show(&format!("{}\n", rest::openapi::document().to_pretty_json()?))?)
}
