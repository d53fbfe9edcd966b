//! What stands between Docket and PostgreSQL, and can be cut.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use url::Url;

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// It passes on what comes.
    Pass,
    /// It ends connections, and takes no new ones.
    Refuse,
    /// It takes connections and bytes, and passes nothing on, as a network that loses everything.
    Silent,
}

/// A proxy to one address at a time.
pub struct Proxy {
    pub address: SocketAddr,
    mode: watch::Sender<Mode>,
    target: watch::Sender<SocketAddr>,
}

impl Proxy {
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, now) = watch::channel(Mode::Pass);
        let (aim, aimed) = watch::channel(target);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *now.borrow() == Mode::Refuse {
                    tokio::spawn(end(client));
                    continue;
                }
                let (mut refused, mut passing, target) = (now.clone(), now.clone(), aimed.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = refused.wait_for(|it| *it == Mode::Refuse) => {}
                        () = carry(client, &target, &mut passing) => {}
                    }
                });
            }
        });
        Self { address, mode, target: aim }
    }

    /// Leads new connections to another address.
    pub fn aim(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// The URL of a database that is reached through this.
    pub fn instead_of(&self, database: &Url) -> Url {
        let mut url = database.clone();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// Ends a connection in good order after its first bytes, as a balancer does that has no server left.
async fn end(mut client: TcpStream) {
    let mut bytes = [0; 1 << 10];
    let _ = client.read(&mut bytes).await;
}

async fn carry(client: TcpStream, target: &watch::Receiver<SocketAddr>, now: &mut watch::Receiver<Mode>) {
    if now.wait_for(|it| *it != Mode::Silent).await.is_err() {
        return;
    }
    let target = *target.borrow();
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pass(from_client, to_server, now.clone()) => {}
        () = pass(from_server, to_client, now.clone()) => {}
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut now: watch::Receiver<Mode>) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if now.wait_for(|it| *it != Mode::Silent).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
