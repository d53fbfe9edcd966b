//! An SMTP server that a test starts, and the mail that it received.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Takes mail on a port of its own.
pub struct Sink {
    pub url: String,
    mail: Arc<Mutex<Vec<Received>>>,
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub to: String,
    pub subject: String,
    /// The link in it.
    pub url: String,
}

impl Sink {
    pub async fn start() -> Self {
        Self::answering(&[]).await
    }

    /// A server that answers so to the first recipients, whose address it puts behind the answer.
    pub async fn answering(first: &[&'static str]) -> Self {
        let answers = Arc::new(Mutex::new(first.iter().copied().collect::<VecDeque<_>>()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mail = Arc::<Mutex<Vec<Received>>>::default();
        let kept = Arc::clone(&mail);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&kept), Arc::clone(&answers)));
            }
        });
        Self { url, mail }
    }

    /// How many messages have arrived.
    pub fn count(&self) -> usize {
        self.mail.lock().unwrap().len()
    }

    /// The last message to an address, as soon as it is there.
    pub async fn to(&self, address: &str) -> Received {
        self.last(address, |it| it.to == address).await
    }

    /// The last message to an address with that subject, as soon as it is there.
    pub async fn with(&self, address: &str, subject: &str) -> Received {
        self.last(subject, |it| it.to == address && it.subject == subject).await
    }

    /// The message that comes after so many.
    pub async fn after(&self, count: usize) -> Received {
        self.last("another message", |_| self.count() > count).await
    }

    /// How many messages with that subject came to an address.
    pub fn count_with(&self, address: &str, subject: &str) -> usize {
        let mail = self.mail.lock().unwrap();
        mail.iter().filter(|it| it.to == address && it.subject == subject).count()
    }

    /// The message with that subject to an address that comes after so many, whatever else comes meanwhile.
    pub async fn next_with(&self, address: &str, subject: &str, count: usize) -> Received {
        self.last(subject, |it| it.to == address && it.subject == subject && self.count_with(address, subject) > count)
            .await
    }

    async fn last(&self, what: &str, is_it: impl Fn(&Received) -> bool) -> Received {
        for _ in 0..500 {
            let all = self.mail.lock().unwrap().clone();
            if let Some(found) = all.iter().rfind(|it| is_it(it)) {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no mail: {what}");
    }
}

impl Received {
    /// The path and query of the link.
    pub fn path(&self) -> String {
        let url = url::Url::parse(&self.url).unwrap();
        format!("{}?{}", url.path(), url.query().unwrap_or_default())
    }

    /// The token in the link.
    pub fn token(&self) -> String {
        let url = url::Url::parse(&self.url).unwrap();
        let in_query = url.query_pairs().find(|(name, _)| name == "token").map(|(_, token)| token.into_owned());
        in_query.unwrap_or_else(|| url.path_segments().unwrap().next_back().unwrap().to_owned())
    }
}

/// As much of RFC 5321 as a client needs.
async fn converse(stream: TcpStream, kept: Arc<Mutex<Vec<Received>>>, answers: Arc<Mutex<VecDeque<&'static str>>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut body: Option<String> = None;
    write.write_all(b"220 sink\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let given = line.strip_prefix("RCPT TO:").and_then(|to| Some((to, answers.lock().unwrap().pop_front()?)));
        if let Some((to, answer)) = given {
            write.write_all(format!("{answer} {to}\r\n").as_bytes()).await.unwrap();
            continue;
        }
        let answer = match &mut body {
            Some(text) if line == "." => {
                kept.lock().unwrap().push(received(text));
                body = None;
                "250 kept\r\n"
            }
            Some(text) => {
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push_str("\r\n");
                continue;
            }
            None if line.eq_ignore_ascii_case("data") => {
                body = Some(String::new());
                "354 go on\r\n"
            }
            None => "250 ok\r\n",
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn received(message: &str) -> Received {
    let (head, text) = message.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    // Quoted-printable: soft line breaks, and `=` itself.
    let text = text.replace("=\r\n", "").replace("=3D", "=").replace("=3d", "=");
    let url = text.split_whitespace().find(|it| it.starts_with("http")).unwrap_or_default().to_owned();
    Received { to: header("To:"), subject: header("Subject:"), url }
}
