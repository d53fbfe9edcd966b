//! Fault injection: programs that break things under a running Docket and compare what it says afterwards with what it
//! had acknowledged (docs/contracts/reliability.md). Each has a short form, which `tests/run` does, and a long one:
//! `cargo test --test faults -- kill=100 power=50 away=10 failover=10 replicas=40 rolling=10`. Those about load are done only when
//! they are named, with a release build: `cargo test --release --test faults -- attack=10
//! attack-unlimited=10 overload=30 crowd=5000 soak=3600`; so is
//! `bouncer=20`, which wants PgBouncer. On SQLite, or on PostgreSQL when `DOCKET_TEST_POSTGRES` names a server.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a check that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a program that reports to people")]

mod attack;
mod away;
mod clock;
mod cluster;
mod disk;
mod failover;
mod kill;
mod ledger;
mod load;
mod proxy;
mod replicas;
mod rolling;
#[path = "../../benches/load/sender.rs"]
mod sender;
mod shown;
mod stage;
mod starts;
#[expect(dead_code, reason = "shared with the suite, which uses all of it")]
#[path = "../it/support.rs"]
mod support;

use std::env;

use self::stage::Stage;

/// A program: what it is called, how long its short form is (0: only when it is named), and on which databases it makes
/// sense.
const PROGRAMS: [(&str, u32, Where); 15] = [
    ("kill", 4, Where::Both),
    ("power", 3, Where::Sqlite),
    ("disk", 1, Where::Sqlite),
    ("away", 5, Where::Postgres),
    ("failover", 1, Where::Postgres),
    ("replicas", 3, Where::Postgres),
    ("bouncer", 0, Where::Postgres),
    ("starts", 2, Where::Both),
    ("clock", 1, Where::Both),
    ("rolling", 1, Where::Postgres),
    ("attack", 0, Where::Both),
    ("attack-unlimited", 0, Where::Both),
    ("overload", 0, Where::Both),
    ("crowd", 0, Where::Both),
    ("soak", 0, Where::Both),
];

#[derive(Clone, Copy, PartialEq)]
enum Where {
    Both,
    Sqlite,
    Postgres,
}

fn main() {
    let wanted: Vec<(String, Option<u32>)> = env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .map(|it| match it.split_once('=') {
            Some((name, rounds)) => (name.to_owned(), Some(rounds.parse().unwrap())),
            None => (it, None),
        })
        .collect();
    for (name, _) in &wanted {
        assert!(PROGRAMS.iter().any(|(it, ..)| it == name), "there is no {name}");
    }
    let is_postgres = env::var_os("DOCKET_TEST_POSTGRES").is_some();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut count = 0;
    for (name, short, place) in PROGRAMS {
        let chosen = wanted.iter().find(|(it, _)| it == name);
        let fits = place == Where::Both || (place == Where::Postgres) == is_postgres;
        if !fits || (chosen.is_none() && (!wanted.is_empty() || short == 0)) {
            continue;
        }
        let rounds = chosen.and_then(|(_, rounds)| *rounds).unwrap_or(short);
        let report = runtime.block_on(async {
            // These have servers of their own.
            match name {
                "failover" => return failover::failover(rounds).await,
                "replicas" => return replicas::replicas(rounds).await,
                "bouncer" => return failover::bouncer(rounds).await,
                "starts" => return starts::starts(rounds).await,
                _ => {}
            }
            let stage = Stage::new().await;
            match name {
                "kill" => kill::kill(&stage, rounds).await,
                "power" => kill::power(&stage, rounds).await,
                "disk" => disk::full(&stage).await,
                "away" => away::away(&stage, rounds).await,
                "clock" => clock::steps(&stage).await,
                "rolling" => rolling::rolling(&stage, rounds).await,
                "attack" => attack::attacks(&stage, rounds, "on").await,
                "attack-unlimited" => attack::attacks(&stage, rounds, "off").await,
                "overload" => load::overload(&stage, rounds).await,
                "crowd" => load::crowd(&stage, rounds).await,
                _ => load::soak(&stage, rounds).await,
            }
        });
        println!("{name:<9} {report}");
        count += 1;
    }
    println!("{count} passed, 0 failed");
}
