//! Puts the files of two pages into the binary, where npm is there to fetch what they are made of: the playground, which
//! otherwise loads the same files from a CDN, and the app, which otherwise is left out.

use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

type Done = Result<(), Box<dyn Error>>;

/// What makes the lists of files.
const EMBEDDED: &str = "src/embedded/keep.mjs";
const PLAYGROUND: &str = "src/graphql/playground";
/// What the files of the playground are made from.
const PLAYGROUND_SOURCES: [&str; 4] = ["page.html", "bundle.mjs", "package.json", "package-lock.json"];
const APP: &str = "examples/web";
/// What the app is made from.
const APP_SOURCES: [&str; 7] =
    ["src", "public", "index.html", "vite.config.ts", "embed.mjs", "package.json", "package-lock.json"];

fn main() -> Done {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    println!("cargo::rerun-if-changed={EMBEDDED}");
    let playground = PLAYGROUND_SOURCES.map(|it| Path::new(PLAYGROUND).join(it));
    embed("the playground will load its files from a CDN", &out.join("playground.rs"), &playground, || {
        bundle_playground(&out)
    })?;
    let app = APP_SOURCES.map(|it| Path::new(APP).join(it));
    embed("the app is left out", &out.join("app.rs"), &app, || build_app(&app, &out))
}

/// Makes a list of files, or an empty one with a warning that says what follows from that.
fn embed(otherwise: &str, list: &Path, sources: &[PathBuf], make: impl FnOnce() -> Done) -> Done {
    for source in sources {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    if let Err(cause) = make() {
        println!("cargo::warning={otherwise}: {cause}");
        fs::write(list, "&[]")?;
        // A file that is never there: the next build tries again.
        println!("cargo::rerun-if-changed={}", list.with_extension("never").display());
    }
    Ok(())
}

fn bundle_playground(out: &Path) -> Done {
    let source = Path::new(PLAYGROUND);
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), out.join(file))?;
    }
    install(out)?;
    run(Command::new("node").arg(source.join("bundle.mjs")).arg(out))?;
    fs::remove_dir_all(out.join("node_modules"))?;
    Ok(())
}

/// Builds the app in a folder of its own, so that nothing is written beside the sources.
fn build_app(sources: &[PathBuf], out: &Path) -> Done {
    let folder = out.join("app");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir(&folder)?;
    for source in sources {
        copy(source, &folder.join(source.file_name().unwrap_or_default()))?;
    }
    install(&folder)?;
    run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&folder))?;
    run(Command::new("node").arg(Path::new(APP).join("embed.mjs")).arg(folder.join("dist")).arg(out))?;
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// Copies a file or a folder.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Fetches the packages of a folder, without those that only its developers need.
fn install(folder: &Path) -> Done {
    let flags = [
        "--omit=dev",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--prefer-offline",
        "--fetch-retries=1",
    ];
    run(Command::new("npm").arg("ci").args(flags).current_dir(folder))
}

fn run(command: &mut Command) -> Done {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|cause| format!("{program}: {cause}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
    Err(format!("{program} failed: {reason}").into())
}
