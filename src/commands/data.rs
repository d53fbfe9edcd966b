//! Commands on whole databases and files: migrate, backup, restore, adopt, export, import, doctor.

use std::{fs::File, io, path::Path};

use docket::{
    adopt::{self, Rules},
    archive::{self, ImportOptions, ImportedFile},
    config::Config,
    db, doctor, proof, rest,
    service::import::Imported,
};

use super::Done;

pub async fn migrate(config: &Config) -> Done {
    let db = db::connect(config).await?;
    proof::prepare(&db).await?;
    db.close().await?;
    println!("The schema is up to date.");
    Ok(())
}

pub async fn backup(config: &Config, file: &Path) -> Done {
    db::file::backup(config, file).await?;
    println!("The database is copied to {}.", file.display());
    Ok(())
}

pub async fn restore(config: &Config, file: &Path) -> Done {
    let kept = db::file::restore(config, file).await?;
    println!("The backup is in its place.");
    if let Some(kept) = kept {
        println!("What was there is kept as {}.", kept.display());
    }
    Ok(())
}

pub async fn adopt(config: &Config, applies: bool, rules: &Rules) -> Done {
    let survey = adopt::survey(config, rules).await?;
    print!("{survey}");
    if applies {
        println!("{}.", adopt::apply(config, rules).await?);
    } else if survey.has_source() {
        println!("Nothing was changed. docket adopt --apply takes it over.");
    } else {
        println!("There is nothing to take over.");
    }
    Ok(())
}

pub async fn drop_adopted(config: &Config, rules: &Rules) -> Done {
    let dropped = adopt::drop_old(config, rules).await?;
    println!("Dropped: {}.", if dropped.is_empty() { "nothing".to_owned() } else { dropped.join(", ") });
    Ok(())
}

pub async fn export(config: &Config, file: &Path) -> Done {
    let mut to = io::BufWriter::new(archive::create(file)?);
    let written = archive::export(config, &mut to).await?;
    println!("{} has {written}.", file.display());
    Ok(())
}

pub async fn import(config: &Config, file: &Path, options: ImportOptions) -> Done {
    let mut from = io::BufReader::new(File::open(file).map_err(|cause| format!("{}: {cause}", file.display()))?);
    let read = archive::import(config, &mut from, options).await?;
    let does = if options.is_dry_run { "can be imported" } else { "is imported" };
    println!("{} {does}: {read}.", file.display());
    Ok(())
}

pub async fn export_user(config: &Config, user: &str, file: &Path) -> Done {
    let tasks = archive::export_user(config, user, file).await?;
    println!("{} has {tasks} tasks.", file.display());
    Ok(())
}

pub async fn import_user(config: &Config, user: &str, file: &Path, is_dry: bool) -> Done {
    let ImportedFile { counts, ignored } = archive::import_user(config, user, file, is_dry).await?;
    let Imported { lists, labels, tasks, skipped } = counts;
    let does = if is_dry { "would bring" } else { "brought" };
    println!(
        "{} {does} {lists} lists, {labels} labels and {tasks} tasks; {skipped} were here already.",
        file.display()
    );
    if ignored > 0 {
        println!("{ignored} entries of the calendar are no tasks, and were left out.");
    }
    Ok(())
}

/// Ends with an error when something is bad; mends what is safe to mend before, if that is asked for.
pub async fn doctor(config: &Config, fixes: bool) -> Done {
    let mut findings = if fixes { doctor::fix(config) } else { Vec::new() };
    findings.extend(doctor::examine(config).await);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.iter().filter(|it| it.level == doctor::Level::Bad).count() {
        0 => Ok(()),
        count => Err(format!("{count} of these must be mended").into()),
    }
}

pub fn openapi() -> Done {
    println!("{}", rest::openapi::document().to_pretty_json()?);
    Ok(())
}
