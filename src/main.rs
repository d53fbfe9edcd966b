//! The command line: serve (default), migrate, demo, schema, openapi.

use std::{error::Error, future::Future, io, net::IpAddr, process::ExitCode};

use clap::{Parser, Subcommand};
use docket::{
    config::Config,
    db, demo, error, graphql, rest,
    server::Server,
    telemetry::{self, Telemetry},
};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

/// Gives memory back and has less to lock than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A task back-end: GraphQL first, with a REST door for legacy clients.
///
/// Settings come from the environment and from the file .env; the README lists them.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Answer requests (the default)
    Serve,
    /// Bring the database schema up to date, and end
    Migrate,
    /// Make an account with believable data, and print how to sign in to it
    Demo,
    /// Print the GraphQL schema
    Schema,
    /// Print the OpenAPI document
    Openapi,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => started(|config, runtime, telemetry| runtime.block_on(serve(config, telemetry))),
        Command::Migrate => started(|config, runtime, _| runtime.block_on(migrate(config))),
        Command::Demo => started(|config, runtime, _| runtime.block_on(demo(config))),
        Command::Openapi => openapi(),
        Command::Schema => {
            print!("{}", graphql::sdl());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::from(2)
        }
    }
}

type Done = Result<(), Box<dyn Error>>;

/// The environment is read before any thread starts.
fn started(work: impl FnOnce(&Config, &Runtime, &Telemetry) -> Done) -> Done {
    let config = Config::from_env()?;
    let telemetry = telemetry::start(&config)?;
    work(&config, &Runtime::new()?, &telemetry)
}

async fn serve(config: &Config, telemetry: &Telemetry) -> Done {
    let stop = stop_signal()?;
    let server = Server::bind(config, Some(telemetry.dropped())).await?;
    let (host, port) = (server.address().ip(), server.address().port());
    let host = if host.is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { host };
    let base = format!("http://{}", std::net::SocketAddr::new(host, port));
    println!("Docket is listening ({})", config.environment);
    if config.playground {
        let whole = if graphql::is_whole() { "" } else { "  (built without npm: loads GraphiQL from unpkg.com)" };
        println!("  playground  {base}/graphiql{whole}");
    }
    println!("  GraphQL     {base}/graphql");
    println!("  REST        {base}/api");
    println!("  health      {base}/health");
    if let Some(address) = server.metrics_address() {
        println!("  metrics     http://{address}/metrics");
    }
    server.run(stop).await?;
    Ok(())
}

async fn migrate(config: &Config) -> Done {
    let db = db::connect(config).await?;
    db.migrate().await?;
    db.close().await?;
    println!("The schema is up to date.");
    Ok(())
}

async fn demo(config: &Config) -> Done {
    match demo::fill(config).await {
        Ok(password) => {
            println!("Sign in as {} with the password {password}", demo::EMAIL);
            Ok(())
        }
        Err(error::Error::Auth(error::AuthFault::EmailTaken)) => Err("the demo account is there already".into()),
        Err(error) => Err(error.into()),
    }
}

fn openapi() -> Done {
    println!("{}", rest::openapi::document().to_pretty_json()?);
    Ok(())
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
fn complain(error: &dyn Error) {
    eprintln!("docket: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
