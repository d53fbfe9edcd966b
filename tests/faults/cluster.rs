//! PostgreSQL servers of a program's own: one that is written, its replica, and PgBouncer in front of one.

use std::{
    fs,
    net::SocketAddr,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sqlx::{Connection, Executor, PgConnection, Row};
use tempfile::TempDir;
use url::Url;

use super::support::free_port;

/// A PostgreSQL server, which ends with this value.
pub struct Cluster {
    folder: TempDir,
    port: u16,
    delay: Duration,
}

impl Cluster {
    /// An empty one. It need not survive a power cut.
    pub fn new() -> Self {
        let cluster = Self::unmade();
        cluster.run("initdb", &["-U", "docket", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        cluster.start();
        cluster
    }

    /// A replica, without which nothing is acknowledged from now on.
    pub async fn replica(&self) -> Self {
        let replica = self.standby(Duration::ZERO);
        let mut connection = PgConnection::connect(self.url().as_str()).await.unwrap();
        while connection
            .fetch_optional("select 1 from pg_stat_replication where state = 'streaming'")
            .await
            .unwrap()
            .is_none()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        connection.execute("alter system set synchronous_standby_names = '*'").await.unwrap();
        connection.execute("select pg_reload_conf()").await.unwrap();
        while connection.fetch_one("show synchronous_standby_names").await.unwrap().get::<String, _>(0) != "*" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        replica
    }

    /// A replica that nobody waits for, and that is behind by so much.
    pub fn standby(&self, delay: Duration) -> Self {
        let mut replica = Self::unmade();
        replica.delay = delay;
        let port = self.port.to_string();
        replica.run(
            "pg_basebackup",
            &["-h", "127.0.0.1", "-p", &port, "-U", "docket", "-R", "-X", "stream", "-c", "fast"],
        );
        replica.start();
        replica
    }

    /// Ends it without letting it finish anything.
    pub fn kill(&self) {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"]);
    }

    /// Makes a replica a server of its own.
    pub fn promote(&self) {
        self.run("pg_ctl", &["-w", "promote"]);
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub fn url(&self) -> Url {
        format!("postgres://docket@{}/postgres", self.address()).parse().unwrap()
    }

    fn unmade() -> Self {
        let folder = tempfile::tempdir().unwrap();
        owned_by_postgres(folder.path());
        Self { folder, port: free_port(), delay: Duration::ZERO }
    }

    /// Starts it, also after it was killed.
    pub fn start(&self) {
        let place = self.folder.path().display();
        let port = self.port;
        let delay = self.delay.as_millis();
        let options = format!(
            "-p {port} -h 127.0.0.1 -k {place} -c fsync=off -c max_connections=100 -c recovery_min_apply_delay={delay}ms"
        );
        self.run("pg_ctl", &["-w", "-l", &format!("{place}/log"), "-o", &options, "start"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let data = self.folder.path().join("data");
        let mut command = as_postgres(&tools().join(program));
        let done = command.arg("-D").arg(data).args(arguments).stdout(Stdio::null()).status().unwrap();
        assert!(done.success(), "{program}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        // One that was killed is not there to be stopped.
        let _ = as_postgres(&tools().join("pg_ctl"))
            .arg("-D")
            .arg(data)
            .args(["-m", "immediate", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// PgBouncer in transaction mode, which ends with this value.
pub struct Bouncer {
    child: Child,
    _folder: TempDir,
    pub url: Url,
}

impl Bouncer {
    /// In front of a server; each transaction may go over another of few connections. It is the program that
    /// `DOCKET_TEST_PGBOUNCER` names, of version 1.21 or later.
    pub fn before(cluster: &Cluster) -> Self {
        let program = std::env::var_os("DOCKET_TEST_PGBOUNCER").expect("DOCKET_TEST_PGBOUNCER names PgBouncer");
        let folder = tempfile::tempdir().unwrap();
        owned_by_postgres(folder.path());
        let port = free_port();
        let config = folder.path().join("pgbouncer.ini");
        let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/pgbouncer.ini")).unwrap();
        let server = format!("host=127.0.0.1 port={}", cluster.port);
        let text = shipped
            .replace("host=postgres port=5432", &server)
            .replace("listen_addr = *", "listen_addr = 127.0.0.1")
            .replace("listen_port = 6432", &format!("listen_port = {port}"))
            .replace("auth_type = scram-sha-256", "auth_type = any")
            .replace("auth_file = /etc/pgbouncer/userlist.txt\n", "")
            .replace("* = ", "* = user=docket ");
        assert!(text.contains(&server) && text.contains(&format!("listen_port = {port}")), "{text}");
        fs::write(&config, text).unwrap();
        let child =
            as_postgres(Path::new(&program)).arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let url = format!("postgres://docket@127.0.0.1:{port}/postgres").parse().unwrap();
        Self { child, _folder: folder, url }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the newest PostgreSQL has its programs.
fn tools() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let mut places: Vec<PathBuf> = versions.map(|it| it.unwrap().path().join("bin")).collect();
    places.sort();
    places.pop().unwrap()
}

/// PostgreSQL does not run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        let id = |what| {
            let output = Command::new("id").args([what, "postgres"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
        };
        command.uid(id("-u")).gid(id("-g"));
    }
    command
}

fn owned_by_postgres(folder: &Path) {
    if is_root() {
        assert!(Command::new("chown").arg("postgres").arg(folder).status().unwrap().success());
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
