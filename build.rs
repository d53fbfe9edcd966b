//! Puts the files of three pages into the binary: the playground and the app, where npm is there to build them, and Swagger
//! UI, which comes as a crate.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

type Done = Result<(), Box<dyn Error>>;

/// A page that npm builds.
struct Page {
    /// What its list of files is called.
    name: &'static str,
    folder: &'static str,
    /// What it is made from, in that folder.
    sources: &'static [&'static str],
    /// What follows when it cannot be built.
    otherwise: &'static str,
}

const PLAYGROUND: Page = Page {
    name: "playground",
    folder: "playground",
    sources: &["src", "examples", "index.html", "vite.config.ts", "package.json", "package-lock.json"],
    otherwise: "the playground is left out",
};
const APP: Page = Page {
    name: "app",
    folder: "examples/web",
    sources: &["src", "public", "index.html", "vite.config.ts", "package.json", "package-lock.json"],
    otherwise: "the app is left out",
};
/// The files of Swagger UI that the page at `/docs` loads.
const SWAGGER_UI: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

/// A file for the binary.
struct Embedded {
    /// The name that its page calls it by.
    name: String,
    bytes: Vec<u8>,
}

fn main() -> Done {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    println!("cargo::rerun-if-changed=build.rs");
    keep_all("swagger_ui", swagger_ui()?, &out)?;
    embed(&PLAYGROUND, &out)?;
    embed(&APP, &out)
}

/// Makes the list of a page's files, or an empty one with a warning that says what follows from that.
fn embed(page: &Page, out: &Path) -> Done {
    for source in page.sources {
        println!("cargo::rerun-if-changed={}/{source}", page.folder);
    }
    if let Err(cause) = build(page, out).and_then(|files| keep_all(page.name, files, out)) {
        println!("cargo::warning={}: {cause}", page.otherwise);
        keep_all(page.name, Vec::new(), out)?;
        // A file that is never there: the next build tries again.
        println!("cargo::rerun-if-changed={}", out.join("never").display());
    }
    Ok(())
}

/// Builds a page in a folder of its own, so that nothing is written beside the sources.
fn build(page: &Page, out: &Path) -> Result<Vec<Embedded>, Box<dyn Error>> {
    let folder = out.join(page.folder);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for source in page.sources {
        copy(&Path::new(page.folder).join(source), &folder.join(source))?;
    }
    install(&folder)?;
    run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&folder))?;
    let mut files = Vec::new();
    read_all(&folder.join("dist"), "", &mut files)?;
    fs::remove_dir_all(folder)?;
    if files.iter().all(|it| it.name != "index.html") {
        return Err("npm built no page".into());
    }
    Ok(files)
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

/// Reads the files of a folder and of those in it; `before` is what their names begin with.
fn read_all(folder: &Path, before: &str, files: &mut Vec<Embedded>) -> Done {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|it| it.to_str()).ok_or("a file has an odd name")?;
        if path.is_dir() {
            read_all(&path, &format!("{before}{name}/"), files)?;
        } else {
            files.push(Embedded { name: format!("{before}{name}"), bytes: fs::read(&path)? });
        }
    }
    Ok(())
}

/// The files of Swagger UI, from the archive that its crate is.
fn swagger_ui() -> Result<Vec<Embedded>, Box<dyn Error>> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    // A folder that is named by the version.
    let root = archive.file_names().find_map(|it| Some(it.ok()?.split('/').next()?.to_owned()));
    let root = root.ok_or("the archive of Swagger UI is empty")?;
    let mut files = Vec::new();
    for name in SWAGGER_UI {
        let path = format!("{root}/dist/{name}");
        let mut bytes = Vec::new();
        io::copy(&mut archive.by_name(&path)?, &mut bytes)?;
        files.push(Embedded { name: name.to_owned(), bytes });
    }
    Ok(files)
}

/// Writes the files, compressed where that makes them smaller, and a list of them for `include!`.
fn keep_all(list: &str, mut files: Vec<Embedded>, out: &Path) -> Done {
    let folder = out.join(format!("{list}-files"));
    fs::create_dir_all(&folder)?;
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let mut entries = String::new();
    for (index, Embedded { name, bytes }) in files.into_iter().enumerate() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        let compressed = encoder.finish()?;
        let is_gzip = compressed.len() < bytes.len() / 20 * 19;
        let path = folder.join(index.to_string());
        fs::write(&path, if is_gzip { compressed } else { bytes })?;
        writeln!(entries, "File {{ name: {name:?}, bytes: include_bytes!({path:?}), is_gzip: {is_gzip} }},")?;
    }
    fs::write(out.join(format!("{list}.rs")), format!("&[\n{entries}]\n"))?;
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
