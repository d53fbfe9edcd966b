//! The command line: serve (default), health, migrate, demo, backup, restore, export, import, doctor, schema, openapi.

mod commands;

use std::{
    error::Error,
    future::Future,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{
    ArgGroup, CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use clap_complete::Shell;
use docket::{
    app,
    archive::ImportOptions,
    config::{Config, reference},
    db, error, graphql,
    server::Server,
    telemetry::{SecurityEvent, Telemetry},
};
use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;
use url::Url;

use self::commands::{
    Done,
    data::{self, AdoptArguments},
    demo::{self, DemoArguments},
    keys::{self, KeyArguments},
    output, password,
    settings::CommonSettings,
    shell,
    stats::{self, StatsArguments},
    user::{self, UserArguments},
};

/// Gives memory back and has less to lock than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a server may take to say that it lives.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// A task back-end: GraphQL first, with a REST API for legacy clients.
///
/// Settings come from the environment and from the file .env of the working directory.
#[derive(Parser)]
#[command(version, after_help = "docket --help lists the settings, and docket settings explains them.")]
#[command(after_long_help = reference::overview())]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: CommonSettings,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Work(WorkCommand),
    #[command(flatten)]
    Explain(ExplainCommand),
}

/// What needs the settings.
#[derive(Subcommand)]
enum WorkCommand {
    /// Answer requests (the default)
    Serve {
        /// Open its first page in a browser
        #[arg(long)]
        open: bool,
    },
    /// Ask the server that has these settings whether it lives, for containers without a shell
    Health,
    /// Bring the database schema up to date, and end
    Migrate,
    /// Make an account with believable data, and print how to sign in to it
    Demo(DemoArguments),
    /// Copy the SQLite database into a new file, while it is used or not
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Put a backup in the place of the SQLite database, which is kept beside it
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Look at a database that others have made, and take over its accounts and tasks
    Adopt(AdoptArguments),
    /// Write all accounts and tasks as lines of JSON, for a database of either kind; or one user's data
    #[command(group = ArgGroup::new("whose").required(true).args(["all", "user"]))]
    Export {
        /// All that is stored, passwords and sessions too
        #[arg(long)]
        all: bool,
        /// The lists, labels and tasks of one user, as the REST API exports them: JSON, or what .csv or .ics says
        #[arg(long, value_name = "EMAIL_OR_ID")]
        user: Option<String>,
        /// The new file
        file: PathBuf,
    },
    /// Read the lines of an export into an empty database; or bring a file to one user
    #[command(group = ArgGroup::new("whose").required(true).args(["all", "user"]))]
    Import {
        /// All that is in the file
        #[arg(long)]
        all: bool,
        /// To this user, as the REST API imports: JSON, or what .csv or .ics says
        #[arg(long, value_name = "EMAIL_OR_ID")]
        user: Option<String>,
        /// Only check the file
        #[arg(long)]
        dry_run: bool,
        /// Go on with an import of all that was cut off
        #[arg(long, conflicts_with = "user")]
        resume: bool,
        /// The file
        file: PathBuf,
    },
    /// Look at accounts, make, change and delete them
    User(UserArguments),
    /// Look at the keys that sign access tokens, and make another
    Keys(KeyArguments),
    /// Show how much there is of everything
    Stats(StatsArguments),
    /// Look at the configuration and at all it leads to, and say what to do
    Doctor {
        /// Mend what is safe to mend: files that others may read
        #[arg(long)]
        fix: bool,
    },
}

/// What needs none.
#[derive(Subcommand)]
enum ExplainCommand {
    /// Explain all settings
    Settings,
    /// Print the GraphQL schema
    Schema,
    /// Print the OpenAPI document
    Openapi,
    /// Print completions of the command line for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write manual pages
    Man {
        /// The folder
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let Arguments { command, settings } = Arguments::try_parse().unwrap_or_else(|error| misread(error).exit());
    let done = match command.unwrap_or(Command::Work(WorkCommand::Serve { open: false })) {
        Command::Work(command) => {
            settings.started(|config, runtime, telemetry| runtime.block_on(work(command, config, telemetry)))
        }
        Command::Explain(command) => explain(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if commands::is_harmless(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::from(2)
        }
    }
}

/// What is wrong with the command line. clap's tip for an unknown option is to give it as a value behind `--`, which
/// nobody means.
fn misread(mut error: clap::Error) -> clap::Error {
    if error.kind() == ErrorKind::UnknownArgument {
        error.remove(ContextKind::Suggested);
        let is_option =
            |name: &str| matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(it)) if it == name);
        if ["--password", "-p"].into_iter().any(is_option) {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![password::ADVICE.into()]));
        }
    }
    error
}

fn explain(command: ExplainCommand) -> Done {
    match command {
        ExplainCommand::Completions { shell } => shell::completions(Arguments::command(), shell),
        ExplainCommand::Man { folder } => shell::manual_pages(Arguments::command(), &folder),
        ExplainCommand::Openapi => data::openapi(),
        ExplainCommand::Settings => shell::settings(),
        ExplainCommand::Schema => Ok(output::show(&graphql::sdl())?),
    }
}

async fn work(command: WorkCommand, config: &mut Config, telemetry: &Telemetry) -> Done {
    match command {
        WorkCommand::Serve { open } => {
            config.keep_secret()?;
            serve(config, telemetry, open).await
        }
        WorkCommand::Demo(arguments) => {
            config.keep_secret()?;
            demo::run(config, arguments).await
        }
        WorkCommand::Health => health(config).await,
        WorkCommand::Migrate => data::migrate(config).await,
        WorkCommand::Backup { file } => data::backup(config, &file).await,
        WorkCommand::Restore { file } => data::restore(config, &file).await,
        WorkCommand::Adopt(arguments) => data::adopt(config, arguments).await,
        WorkCommand::Export { user: None, file, .. } => data::export(config, &file).await,
        WorkCommand::Export { user: Some(user), file, .. } => data::export_user(config, &user, &file).await,
        WorkCommand::Import { user: None, dry_run, resume, file, .. } => {
            data::import(config, &file, ImportOptions { is_dry_run: dry_run, is_resumed: resume }).await
        }
        WorkCommand::Import { user: Some(user), dry_run, file, .. } => {
            data::import_user(config, &user, &file, dry_run).await
        }
        WorkCommand::User(arguments) => user::run(config, arguments).await,
        WorkCommand::Keys(arguments) => keys::run(config, arguments).await,
        WorkCommand::Stats(arguments) => stats::run(config, arguments).await,
        WorkCommand::Doctor { fix } => data::doctor(config, fix).await,
    }
}

async fn serve(config: &Config, telemetry: &Telemetry, opens: bool) -> Done {
    let mut stop = Box::pin(stop_signal()?);
    for warning in &config.warnings {
        warn!("{warning}");
    }
    if let Some(path) = db::file::path(config).filter(|path| db::file::is_open_to_others(path)) {
        let path = path.display();
        warn!("others on this machine may read {path}, which holds sessions: chmod 600 {path}*");
    }
    for weakness in config.weaknesses() {
        SecurityEvent::ConfigWeak.advise(weakness.setting, weakness.advice, "-");
    }
    let server = tokio::select! {
        bound = Server::bind(config, Some(telemetry.dropped())) => bound?,
        () = &mut stop => return Ok(()),
    };
    let base = seen(config, server.address());
    // Nobody has to read it, and a server that nobody listens to serves all the same.
    let _ = io::stdout().write_all(banner(config, &server, &base).as_bytes());
    if opens && let Err(cause) = open::that_detached(&base) {
        warn!("no browser could be started, to open {base}: {cause}");
    }
    server.run(stop).await?;
    Ok(())
}

/// The addresses of what people look for first.
fn banner(config: &Config, server: &Server, base: &str) -> String {
    let mut lines = vec![format!("Docket is listening ({})", config.environment), format!("  home        {base}/")];
    if config.app && app::is_there() {
        lines.push(format!("  app         {base}{}/", app::PATH));
    } else if config.app {
        lines.push("  app         not in this binary, which was built without npm".to_owned());
    }
    if config.playground {
        let whole = if graphql::is_whole() { "" } else { "  (not in this binary, which was built without npm)" };
        lines.push(format!("  playground  {base}/graphiql{whole}"));
        lines.push(format!("  schema      {base}/schema.graphql"));
    }
    if config.has_guides() {
        lines.push(format!("  guides      {base}/guides"));
    }
    lines.push(format!("  GraphQL     {base}/graphql"));
    let docs = if config.docs { format!("  (what it has: {base}/docs/)") } else { String::new() };
    lines.push(format!("  REST        {base}/api{docs}"));
    lines.push(format!("  health      {base}/health"));
    lines.extend(server.metrics_address().map(|it| format!("  metrics     http://{it}/metrics")));
    lines.join("\n") + "\n"
}

/// The URL at which people on this machine see a server that listens there: cookies and origins are those of one host.
fn seen(config: &Config, address: SocketAddr) -> String {
    let port = address.port();
    let is_here = |url: &&Url| {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_local = host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback());
        is_local && url.scheme() == "http" && url.port_or_known_default() == Some(port) && url.path() == "/"
    };
    let is_localhost = [
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv4Addr::LOCALHOST.into(),
        Ipv6Addr::UNSPECIFIED.into(),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ]
    .contains(&address.ip());
    match config.base_url.as_ref().filter(is_here) {
        Some(url) => url.origin().ascii_serialization(),
        None if is_localhost => format!("http://localhost:{port}"),
        None => format!("http://{address}"),
    }
}

/// The URL by which this machine reaches a server that listens there.
fn local(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    format!("http://{}", SocketAddr::new(host, address.port()))
}

/// Ends with an error when the server does not answer.
async fn health(config: &Config) -> Done {
    let url = format!("{}/health", local(SocketAddr::new(config.host, config.port)));
    // Nothing is encrypted on the way to this machine, so certificates need not be there.
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().timeout(HEALTH_TIMEOUT).build()?;
    client.get(url).send().await?.error_for_status()?;
    Ok(output::show("healthy\n")?)
}

/// The first of SIGTERM and SIGINT.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Says what went wrong, with every cause.
#[expect(clippy::print_stderr, reason = "the command line speaks here, before and after there are logs")]
fn complain(error: &(dyn Error + 'static)) {
    eprintln!("docket: {error}");
    for cause in error::sources(error) {
        eprintln!("  because: {cause}");
    }
}
