//! `docket user`: the accounts of one Docket.

mod change;
mod lines;
mod look;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use docket::{archive, config::Config, operators};
use serde_json::json;

use super::{Done, output::Output, password::PasswordArguments};

/// What to do with accounts.
#[derive(Args)]
pub struct UserArguments {
    #[command(subcommand)]
    command: UserCommand,
    /// Print JSON, an object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Show all accounts in the order of their addresses
    List {
        /// Only addresses that contain this text
        #[arg(long, value_name = "TEXT")]
        email: Option<String>,
        /// Only addresses behind this one, to go on with a list
        #[arg(long, value_name = "EMAIL")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_name = "NUMBER")]
        limit: Option<u64>,
    },
    /// Show one account and how much belongs to it
    Show {
        /// The address or the id
        user: String,
    },
    /// Make an account; at a terminal its password is asked for
    Create {
        /// The address
        email: String,
        /// What it is called
        #[arg(long, default_value = "")]
        name: String,
        /// The address counts as verified
        #[arg(long)]
        verified: bool,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Set the password of an account, which at a terminal is asked for; its sessions end as after a reset
    SetPassword {
        /// The address or the id
        user: String,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Mark the address of an account as verified
    Verify {
        /// The address or the id
        user: String,
    },
    /// End all sessions of an account
    SignOut {
        /// The address or the id
        user: String,
    },
    /// Delete an account and all that belongs to it, for ever
    Delete {
        /// The address or the id
        user: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Write the lists, labels and tasks of a user into a file, as docket export --user does
    Export {
        /// The address or the id
        user: String,
        /// The new file: JSON, or what .csv or .ics says
        file: PathBuf,
    },
    /// Print an access token of an account, good for 15 minutes
    Token {
        /// The address or the id
        user: String,
    },
}

/// Does what the arguments say.
pub async fn run(config: &mut Config, arguments: UserArguments) -> Done {
    let UserArguments { command, json } = arguments;
    let mut output = Output::new(json);
    if let UserCommand::Export { user, file } = command {
        let tasks = archive::export_user(config, &user, &file).await?;
        output.report(&json!({ "tasks": tasks }), &format!("{} has {tasks} tasks.", file.display()))?;
        return output.finish();
    }
    if let UserCommand::Token { .. } = command {
        // The first token makes the key, which the secret seals.
        config.keep_secret()?;
    }
    let services = operators::open(config).await?;
    let done = match command {
        UserCommand::List { email, after, limit } => look::list(&services, &mut output, email, after, limit).await,
        UserCommand::Show { user } => look::show(&services, &mut output, config, &user).await,
        UserCommand::Create { email, name, verified, password } => {
            change::create(&services, &mut output, change::Creation { email, name, verified, password }).await
        }
        UserCommand::SetPassword { user, password } => {
            change::set_password(&services, &mut output, &user, password).await
        }
        UserCommand::Verify { user } => change::verify(&services, &mut output, &user).await,
        UserCommand::SignOut { user } => change::sign_out(&services, &mut output, &user).await,
        UserCommand::Delete { user, yes } => change::delete(&services, &mut output, &user, yes).await,
        UserCommand::Token { user } => look::token(&services, &mut output, &user).await,
        UserCommand::Export { .. } => Ok(()),
    };
    services.close().await?;
    done?;
    output.finish()
}
