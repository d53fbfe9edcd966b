//! What growth costs: a request of one user, but for searches, takes as long beside ten or a hundred times as many
//! tasks of others, and instances beside each other hear what they need.
//!
//! `cargo test --test growth` fills 60,000 tasks of 600 users by SQL, and a tenth of that, and compares the main
//! requests; on PostgreSQL it starts three instances too. `cargo test --test growth -- tasks=10000000` is the long form,
//! which compares with a hundredth: it takes 7 GB of disk. `-- instances=10` starts ten. On SQLite, or on
//! PostgreSQL when `DOCKET_TEST_POSTGRES` names a server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a program that reports to people")]

mod fill;
mod instances;
mod requests;
#[expect(dead_code, reason = "shared with the suite, which uses all of it")]
#[path = "../it/support.rs"]
mod support;

/// The tasks of the short form, and by how much less the other database has.
const SHORT: Growth = Growth { tasks: 60_000, factor: 10 };
/// By how much less it has in the long form.
const LONG_FACTOR: u64 = 100;
/// How many instances the short form starts.
const INSTANCES: usize = 3;

/// Two sizes of a database.
#[derive(Clone, Copy)]
struct Growth {
    tasks: u64,
    factor: u64,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(check());
}

async fn check() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{text} is no number"));
    match arguments.iter().map(|it| it.split_once('=')).collect::<Vec<_>>().as_slice() {
        [] => {
            requests::check(SHORT).await;
            instances::check(INSTANCES).await;
        }
        [Some(("tasks", tasks))] => requests::check(Growth { tasks: number(tasks), factor: LONG_FACTOR }).await,
        [Some(("instances", count))] => instances::check(usize::try_from(number(count)).unwrap()).await,
        _ => panic!("usage: growth [tasks=NUMBER | instances=NUMBER]"),
    }
    println!("1 passed, 0 failed");
}
