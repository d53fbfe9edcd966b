//! What changes an account: create, set-password, verify, sign-out, delete.

use std::{
    error::Error,
    io::{self, IsTerminal, Write},
};

use docket::{
    error::{self, AuthError},
    operators,
    service::{
        Services,
        auth::{Client, Email, NewAccount},
        operator::NamedUser,
        values::UserName,
    },
};

use super::lines::ChangeLine;
use crate::commands::{
    Done,
    output::{Output, counted, shown},
    password::{ChosenPassword, PasswordArguments},
};

/// An account to be made, as it was typed.
pub struct Creation {
    pub email: String,
    pub name: String,
    pub verified: bool,
    pub password: PasswordArguments,
}

/// Makes an account.
pub async fn create(services: &Services, output: &mut Output, creation: Creation) -> Done {
    let email = Email::parse(creation.email.trim()).ok_or(error::Error::from(AuthError::InvalidEmail))?;
    let name = UserName::parse(&creation.name).map_err(|rule| format!("--name: {rule}"))?;
    let password = creation.password.read()?;
    let account = NewAccount { email, name, password: password.text.clone(), is_verified: creation.verified };
    let user = services.auth().create_account(account).await?;
    let user = NamedUser { id: user.id.clone(), account: Some(user) };
    let text = format!("Made the account {} with the id {}.", user.name(), user.id);
    tell(output, ChangeLine::of(&user), &text, password, "the account is made")
}

/// Sets a password.
pub async fn set_password(services: &Services, output: &mut Output, user: &str, password: PasswordArguments) -> Done {
    let user = with_account(services, user).await?;
    let password = password.read()?;
    let ended = services.auth().set_password_of(&user.id, &password.text).await?;
    let text = format!("{} has another password; {} ended.", shown(user.name()), counted(ended, "session"));
    let line = ChangeLine { sessions_ended: Some(ended), ..ChangeLine::of(&user) };
    tell(output, line, &text, password, "the account has another password")
}

/// Marks an address as verified.
pub async fn verify(services: &Services, output: &mut Output, user: &str) -> Done {
    let user = with_account(services, user).await?;
    let is_new = services.auth().verify_address(&user.id).await?;
    let how = if is_new { "is verified" } else { "was verified already" };
    output.report(&ChangeLine::of(&user), &format!("{} {how}.", shown(user.name())))?;
    Ok(())
}

/// Ends all sessions.
pub async fn sign_out(services: &Services, output: &mut Output, user: &str) -> Done {
    let user = with_account(services, user).await?;
    let ended = services.auth().revoke_all(&user.id, None, &Client::operator()).await?;
    let text = format!(
        "{}: {} ended. Access tokens hold until they expire, for 15 minutes at most.",
        shown(user.name()),
        counted(ended, "session")
    );
    output.report(&ChangeLine { sessions_ended: Some(ended), ..ChangeLine::of(&user) }, &text)?;
    Ok(())
}

/// Deletes an account and all that belongs to it, when the address was typed once more.
pub async fn delete(services: &Services, output: &mut Output, user: &str, is_sure: bool) -> Done {
    let user = operators::find(services, user).await?;
    let totals = services.operator().totals(&user.id).await?;
    let tasks = totals.open_tasks + totals.completed_tasks + totals.deleted_tasks;
    let text = format!(
        "{}, {} and {}",
        counted(tasks, "task"),
        counted(totals.lists, "list"),
        counted(totals.labels, "label")
    );
    if !is_sure {
        confirm(user.name(), &text)?;
    }
    services.auth().delete_whole_account(&user.id).await?;
    let text = format!("{} is deleted, with {text}.", shown(user.name()));
    output.report(&ChangeLine::of(&user), &text)?;
    Ok(())
}

fn confirm(name: &str, text: &str) -> Done {
    if !io::stdin().is_terminal() {
        return Err("there is no terminal to ask at: give --yes to delete the account".into());
    }
    let name = shown(name);
    write!(io::stderr(), "This deletes {name} with {text}, for ever.\nType {name} to go on: ")?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed)?;
    if typed.trim() == name { Ok(()) } else { Err("that is something else, and nothing was deleted".into()) }
}

async fn with_account(services: &Services, user: &str) -> Result<NamedUser, Box<dyn Error>> {
    let user = operators::find(services, user).await?;
    if user.account.is_some() { Ok(user) } else { Err("the account of this user is elsewhere".into()) }
}

/// Prints what was done, and the password if it was made here.
fn tell(output: &mut Output, line: ChangeLine, text: &str, password: ChosenPassword, done: &str) -> Done {
    if !password.is_generated {
        return Ok(output.report(&line, text)?);
    }
    let if_lost = format!(
        "{done}, but the password could not be printed and nobody knows it: docket user set-password {} --generate \
         makes another",
        line.id
    );
    let text = format!("{text}\nIts password is {}", password.text);
    Ok(output.reveal(&ChangeLine { password: Some(password.text), ..line }, &text, &if_lost)?)
}
