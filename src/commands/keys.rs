//! `docket keys`: the keys that sign access tokens.

use clap::{Args, Subcommand};
use docket::{
    config::{Config, JwtAlg},
    operators,
    service::{
        Services,
        auth::{KeyState, ListedKey},
    },
};
use serde::Serialize;

use super::{
    Done,
    output::{Output, instant},
};

/// What to do with the keys.
#[derive(Args)]
pub struct KeyArguments {
    #[command(subcommand)]
    command: KeyCommand,
    /// Print JSON, an object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Show all keys, newest first
    List,
    /// Make a key, which signs when it has been published for an hour; tokens of the others hold until they expire
    Rotate {
        /// Remove the others, as when one is known to strangers: the tokens that they signed hold no longer
        #[arg(long)]
        remove_others: bool,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyLine {
    id: String,
    algorithm: String,
    created_at: String,
    expires_at: Option<String>,
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RotationLine {
    id: String,
    signs_from: String,
    removed: Vec<String>,
}

/// Does what the arguments say.
pub async fn run(config: &mut Config, arguments: KeyArguments) -> Done {
    if let KeyCommand::Rotate { .. } = arguments.command {
        // It seals the key.
        config.keep_secret()?;
    }
    let output = Output::new(arguments.json);
    let services = operators::open(config).await?;
    let done = match arguments.command {
        KeyCommand::List => list(&services, output).await,
        KeyCommand::Rotate { .. } if config.jwt_alg == JwtAlg::Hs256 => {
            Err("JWT_ALG is HS256: access tokens are signed with BETTER_AUTH_SECRET, and there are no keys".into())
        }
        KeyCommand::Rotate { remove_others } => rotate(&services, output, remove_others).await,
    };
    services.close().await?;
    done
}

async fn list(services: &Services, mut output: Output) -> Done {
    let keys = services.auth().list_keys().await?;
    output.heading(&format!("{:<33} {:<9} {:<24}  {:<24}  state", "id", "algorithm", "created", "signs until"))?;
    for key in keys {
        let ListedKey { id, algorithm, created_at, expires_at, state } = key;
        let (created_at, expires_at) = (instant(created_at), expires_at.map(instant));
        let (state, meaning) = words(state);
        let end = expires_at.as_deref().unwrap_or("for ever");
        let text = format!("{id:<33} {algorithm:<9} {created_at}  {end:<24}  {meaning}");
        output.print(&KeyLine { id, algorithm, created_at, expires_at, state }, &text)?;
    }
    output.finish()
}

/// The word for scripts, and what it means.
fn words(state: KeyState) -> (&'static str, &'static str) {
    match state {
        KeyState::Signs => ("signs", "signs"),
        KeyState::Next => ("next", "published, signs soon"),
        KeyState::Verifies => ("verifies", "published, only verifies"),
        KeyState::Ended => ("ended", "published no more"),
        KeyState::Sealed => ("sealed", "only verifies: it was sealed with another secret"),
        KeyState::Foreign => ("foreign", "of an algorithm that Docket does not use"),
    }
}

async fn rotate(services: &Services, mut output: Output, removes_others: bool) -> Done {
    let rotated = services.auth().rotate_keys(removes_others).await?;
    let line = RotationLine { id: rotated.id, signs_from: instant(rotated.signs_from), removed: rotated.removed };
    let mut text = format!("The key {} signs from {} on.", line.id, line.signs_from);
    if !line.removed.is_empty() {
        text.push_str(" The others are removed: running servers accept their tokens for two minutes at most.");
    }
    output.report(&line, &text)?;
    output.finish()
}
