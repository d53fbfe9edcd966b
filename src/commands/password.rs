//! Where a command takes a password from: a terminal, standard input, or chance. Never from its arguments, which other
//! users of the machine see and shells remember.

use std::{
    error::Error,
    io::{self, IsTerminal, Read},
};

use clap::Args;
use rand::distr::{Alphanumeric, SampleString};

/// How many bytes of standard input are read: more than any password has.
const MAX_INPUT: u64 = 4096;
/// How long a password is that is made: 24 characters of 62 are 142 bits.
const GENERATED_LENGTH: usize = 24;

/// What to say to somebody who gives it in another way.
pub const ADVICE: &str = "no password is taken from the command line, which others see and shells remember: docket user \
                          create and set-password ask for it at a terminal, read it with --password-stdin, or make one \
                          with --generate";

/// How the password is given; at a terminal it is asked for.
#[derive(Args, Clone, Copy)]
#[group(multiple = false)]
pub struct PasswordArguments {
    /// Read the password from standard input, which has that one line
    #[arg(long)]
    password_stdin: bool,
    /// Make a password, and print it
    #[arg(long)]
    generate: bool,
}

/// A password to be set.
pub struct ChosenPassword {
    /// The password.
    pub text: String,
    /// Whether it was made here, so that it has to be printed.
    pub is_generated: bool,
}

impl PasswordArguments {
    /// The password; people are asked for it twice.
    pub fn read(self) -> Result<ChosenPassword, Box<dyn Error>> {
        if self.generate {
            let text = Alphanumeric.sample_string(&mut rand::rng(), GENERATED_LENGTH);
            return Ok(ChosenPassword { text, is_generated: true });
        }
        let text = if self.password_stdin { of_input(io::stdin().lock())? } else { asked()? };
        Ok(ChosenPassword { text, is_generated: false })
    }
}

/// The one line of a text.
fn of_input(input: impl Read) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    input.take(MAX_INPUT + 1).read_to_string(&mut text).map_err(|_| "standard input is not UTF-8")?;
    if text.len() as u64 > MAX_INPUT {
        return Err("standard input is longer than a password".into());
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err("standard input has no password".into()),
        line if line.contains(['\n', '\r']) => Err("standard input has more than one line".into()),
        line => Ok(line.to_owned()),
    }
}

fn asked() -> Result<String, Box<dyn Error>> {
    if !io::stdin().is_terminal() {
        return Err("there is no terminal to ask for a password at: give --password-stdin or --generate".into());
    }
    let first = rpassword::prompt_password("Password: ")?;
    let second = rpassword::prompt_password("The same again: ")?;
    if first == second { Ok(first) } else { Err("these are two different passwords, and nothing was changed".into()) }
}
