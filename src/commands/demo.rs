//! `docket demo`.

use std::io::{self, Write};

use clap::Args;
use docket::{
    config::{Config, Environment},
    demo::{self, DemoAccount},
    error::{AuthError, Error},
};

use super::Done;

/// What is to be done with the account.
#[derive(Args)]
pub struct DemoArguments {
    /// Make it anew, with another password, if it is there
    #[arg(long)]
    reset: bool,
    /// In production too
    #[arg(long)]
    force: bool,
}

/// Makes the account, and prints where and how to sign in to it.
pub async fn run(config: &Config, arguments: DemoArguments) -> Done {
    if config.environment == Environment::Production && !arguments.force {
        return Err("DOCKET_ENV is production, where docket demo makes an account only with --force".into());
    }
    if config.email_verification {
        return Err("EMAIL_VERIFICATION is on, and nobody reads the mail of the demo account: turn it off".into());
    }
    if arguments.reset {
        demo::remove(config).await?;
    }
    match demo::fill(config).await {
        Ok(DemoAccount { password, tasks, page }) => {
            writeln!(io::stdout(), "The demo account has {tasks} tasks. While docket serve runs, sign in to it:")?;
            writeln!(io::stdout(), "  at        {page}")?;
            writeln!(io::stdout(), "  e-mail    {}", demo::EMAIL)?;
            writeln!(io::stdout(), "  password  {password}")?;
            Ok(())
        }
        Err(Error::Auth(AuthError::EmailTaken)) => {
            Err("the demo account is there already; docket demo --reset makes it anew, with another password".into())
        }
        Err(error) => Err(error.into()),
    }
}
