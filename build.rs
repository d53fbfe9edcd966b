//! Puts the playground's files into the binary, where npm is there to fetch them; without it the page loads the same
//! files from a CDN.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the files are made from.
const SOURCES: [&str; 4] = ["page.html", "bundle.mjs", "package.json", "package-lock.json"];

fn main() -> Result<(), Box<dyn Error>> {
    let source = Path::new("src/graphql/playground");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    for file in SOURCES {
        println!("cargo::rerun-if-changed={}", source.join(file).display());
    }
    if let Err(cause) = bundle(source, &out) {
        println!("cargo::warning=the playground will load its files from a CDN: {cause}");
        fs::write(out.join("playground.rs"), "&[]")?;
        // A file that is never there: the next build tries again.
        println!("cargo::rerun-if-changed={}", out.join("never").display());
    }
    Ok(())
}

fn bundle(source: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), out.join(file))?;
    }
    let flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefer-offline", "--fetch-retries=1"];
    run(Command::new("npm").arg("ci").args(flags).current_dir(out))?;
    run(Command::new("node").arg(source.join("bundle.mjs")).arg(out))?;
    fs::remove_dir_all(out.join("node_modules"))?;
    Ok(())
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|cause| format!("{program}: {cause}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} failed: {}", said.lines().next().unwrap_or_default()).into())
}
