//! Sending mail: by SMTP, or in development to the log and a folder. Requests do not wait for it.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox, transport::smtp};
use rustix::fs::Access;
use tokio::{
    fs,
    io::AsyncWriteExt,
    sync::{Mutex, mpsc},
    time,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::config::{Config, Environment};

/// How many messages wait at most; more are dropped, because mail is slower than requests.
const QUEUE_LENGTH: usize = 1000;
/// How long each answer of the SMTP server may take.
const REPLY_TIMEOUT: Duration = Duration::from_secs(15);
/// After which times a message is tried again that the server could not take for now.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// What is said where there is no mail.
const NO_MAIL: &str = "none is sent, because SMTP_URL is not set: who has forgotten a password gets no link, and needs \
                       docket user set-password";

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
    ended: CancellationToken,
}

#[derive(Debug)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

/// Why the settings do not lead to a mailer.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The sender is no address.
    #[error("MAIL_FROM is no address")]
    From(#[from] lettre::address::AddressError),
    /// The SMTP server's URL is not understood.
    #[error("SMTP_URL is not understood")]
    Smtp(#[from] smtp::Error),
}

impl Mailer {
    /// The way that the configuration names, if it names one.
    pub fn new(config: &Config) -> Result<Self, MailerError> {
        let way = match (&config.smtp_url, config.environment) {
            (Some(url), _) => {
                let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal())?.timeout(Some(REPLY_TIMEOUT));
                Some(Way::Smtp(smtp.build()))
            }
            (None, Environment::Development) => Some(Way::Folder(config.mail_folder.clone())),
            (None, _) => None,
        };
        let (queue, waiting) = mpsc::channel(QUEUE_LENGTH);
        let (waiting, ended) = (Mutex::new(waiting), CancellationToken::new());
        Ok(Self { way, from: config.mail_from.parse()?, queue, waiting, ended })
    }

    /// Whether mail goes anywhere.
    pub fn is_on(&self) -> bool {
        self.way.is_some()
    }

    /// Says where mail goes, after trying whether it can go there, or why it cannot.
    pub async fn reach(&self) -> Result<String, String> {
        match &self.way {
            None => Ok(NO_MAIL.to_owned()),
            Some(Way::Folder(folder)) => match self.obstacle() {
                Some(obstacle) => Err(obstacle),
                None => Ok(format!("written to {} and the log", folder.display())),
            },
            Some(Way::Smtp(smtp)) => match smtp.test_connection().await {
                Ok(true) => Ok(format!("the server answers; from {}", self.from)),
                Ok(false) => Err("the server of SMTP_URL does not answer as a mail server".to_owned()),
                Err(cause) => Err(format!("the server of SMTP_URL cannot be used: {cause}")),
            },
        }
    }

    /// Why mail cannot be written to its folder, if it goes to one and cannot.
    fn obstacle(&self) -> Option<String> {
        let Some(Way::Folder(folder)) = &self.way else { return None };
        let problem = unwritable(folder)?;
        Some(format!("MAIL_FOLDER: {} cannot be written: {problem}", folder.display()))
    }

    /// Queues a message.
    pub fn send(&self, mail: Mail) {
        if self.queue.try_send(mail).is_err() {
            warn!("too much mail is waiting, a message was dropped");
        }
    }

    /// Sends what is queued; until there is no more, once [`Mailer::end`] was called.
    pub async fn run(&self) {
        if let Some(obstacle) = self.obstacle() {
            warn!("{obstacle}");
        }
        if !self.is_on() {
            warn!("mail: {NO_MAIL}");
        }
        let mut waiting = self.waiting.lock().await;
        loop {
            tokio::select! {
                biased;
                Some(mail) = waiting.recv() => self.deliver(mail).await,
                () = self.ended.cancelled() => return,
            }
        }
    }

    /// Says that no message will come any more.
    pub fn end(&self) {
        self.ended.cancel();
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
            Some(Way::Smtp(smtp)) => by_smtp(smtp, &message).await.map_err(|cause| told(&cause)),
            Some(Way::Folder(folder)) => {
                // One developer's machine, where the log is the mailbox.
                info!(target: "mail", "{}\n{}", mail.subject, mail.text);
                to_folder(folder, &message).await.map_err(|cause| cause.to_string())
            }
        };
        if let Err(cause) = sent {
            error!(cause, "a message was not sent");
        }
    }
}

/// Why no file can be made in a folder, which the first message makes if it is not there. Nothing is made here.
fn unwritable(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|it| it.symlink_metadata().is_ok());
    let there = there.filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Some(format!("{} is no folder", there.display()));
    }
    rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK).err().map(|cause| cause.to_string())
}

/// Writes the message for the user that Docket runs as alone: there are links in it that open accounts.
async fn to_folder(folder: &Path, message: &Message) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await?;
    let path = folder.join(format!("{}.eml", Uuid::new_v4()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await?;
    file.write_all(&message.formatted()).await?;
    file.flush().await
}

async fn by_smtp(smtp: &AsyncSmtpTransport<Tokio1Executor>, message: &Message) -> Result<(), smtp::Error> {
    let may_pass = |cause: &smtp::Error| !(cause.is_permanent() || cause.is_client() || cause.is_tls());
    let mut pauses = RETRY_DELAYS.into_iter();
    loop {
        match (smtp.send(message.clone()).await, pauses.next()) {
            (Err(cause), Some(pause)) if may_pass(&cause) => {
                warn!(cause = told(&cause), "a message is sent again in {pause:?}");
                time::sleep(pause).await;
            }
            (sent, _) => return sent.map(drop),
        }
    }
}

/// What went wrong, without the words of the SMTP server, which mostly name the address.
fn told(cause: &smtp::Error) -> String {
    match cause.status() {
        Some(code) => format!("the mail server answers {code}"),
        None if cause.is_response() => "the mail server's answer is not understood".to_owned(),
        None => cause.to_string(),
    }
}
