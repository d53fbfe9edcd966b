//! Sending mail: by SMTP, or in development to the log and a folder. Requests do not wait for it.

use std::path::PathBuf;

use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox};
use tokio::sync::{Mutex, mpsc};
use tracing::{error, info, warn};

use crate::config::{Config, Environment};

/// How many messages wait at most; more are dropped, because mail is slower than requests.
const QUEUE: usize = 1000;

/// A message to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: &'static str,
    /// The text, with a link in it.
    pub text: String,
}

/// Takes messages, and sends them as long as [`Mailer::run`] runs.
#[derive(Debug)]
pub struct Mailer {
    way: Option<Way>,
    from: Mailbox,
    queue: mpsc::Sender<Mail>,
    waiting: Mutex<mpsc::Receiver<Mail>>,
}

#[derive(Debug)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>, PathBuf),
}

/// Why the settings do not lead to a mailer.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The sender is no address.
    #[error("MAIL_FROM is no address")]
    From(#[from] lettre::address::AddressError),
    /// The SMTP server's URL is not understood.
    #[error("SMTP_URL is not understood")]
    Smtp(#[from] lettre::transport::smtp::Error),
}

impl Mailer {
    /// The way that the configuration names, if it names one.
    pub fn new(config: &Config) -> Result<Self, MailerError> {
        let way = match (&config.smtp_url, config.environment) {
            (Some(url), _) => Some(Way::Smtp(AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal())?.build())),
            (None, Environment::Development) => {
                let folder = config.mail_folder.clone();
                Some(Way::Folder(AsyncFileTransport::new(&folder), folder))
            }
            (None, _) => None,
        };
        let (queue, waiting) = mpsc::channel(QUEUE);
        Ok(Self { way, from: config.mail_from.parse()?, queue, waiting: Mutex::new(waiting) })
    }

    /// Whether mail goes anywhere.
    pub fn is_on(&self) -> bool {
        self.way.is_some()
    }

    /// Says where mail goes, after trying whether it can go there, or why it cannot.
    pub async fn reach(&self) -> Result<String, String> {
        match &self.way {
            None => Ok("none is sent, because SMTP_URL is not set".to_owned()),
            Some(Way::Folder(_, folder)) => Ok(format!("written to {} and the log", folder.display())),
            Some(Way::Smtp(smtp)) => match smtp.test_connection().await {
                Ok(true) => Ok(format!("the server answers; from {}", self.from)),
                Ok(false) => Err("it does not answer as a mail server".to_owned()),
                Err(cause) => Err(cause.to_string()),
            },
        }
    }

    /// Queues a message.
    pub fn send(&self, mail: Mail) {
        if self.queue.try_send(mail).is_err() {
            warn!("too much mail is waiting, a message was dropped");
        }
    }

    /// Sends what is queued, until it is dropped.
    pub async fn run(&self) {
        let mut waiting = self.waiting.lock().await;
        while let Some(mail) = waiting.recv().await {
            self.deliver(mail).await;
        }
    }

    async fn deliver(&self, mail: Mail) {
        let Ok(to) = mail.to.parse::<Mailbox>() else {
            error!("a message has no address that mail can go to");
            return;
        };
        let builder = Message::builder().from(self.from.clone()).to(to).subject(mail.subject);
        let message = match builder.body(mail.text.clone()) {
            Ok(message) => message,
            Err(cause) => {
                error!(%cause, "a message cannot be written");
                return;
            }
        };
        let sent = match &self.way {
            None => return,
            Some(Way::Smtp(smtp)) => smtp.send(message).await.map(drop).map_err(|cause| cause.to_string()),
            Some(Way::Folder(transport, folder)) => {
                // One developer's machine, where the log is the mailbox.
                info!(target: "mail", "{}\n{}", mail.subject, mail.text);
                match tokio::fs::create_dir_all(folder).await {
                    Ok(()) => transport.send(message).await.map(drop).map_err(|cause| cause.to_string()),
                    Err(cause) => Err(cause.to_string()),
                }
            }
        };
        if let Err(cause) = sent {
            error!(cause, "a message was not sent");
        }
    }
}
