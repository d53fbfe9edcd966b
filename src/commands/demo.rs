//! `docket demo`.

use clap::Args;
use docket::{
    config::{Config, Environment},
    demo::{self, DemoAccount},
    error::{AuthError, Error},
};

use super::{Done, output};

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
            let text = format!(
                "The demo account has {tasks} tasks. While docket serve runs, sign in to it:\n  at        {page}\n  \
                 e-mail    {}\n  password  {password}\n",
                demo::EMAIL
            );
            let if_lost = "the demo account is made, but its password could not be printed: docket demo --reset makes \
                           it anew, with another password";
            Ok(output::reveal(&text, if_lost)?)
        }
        Err(Error::Auth(AuthError::EmailTaken)) => {
            Err("the demo account is there already; docket demo --reset makes it anew, with another password".into())
        }
        Err(error) => Err(error.into()),
    }
}
