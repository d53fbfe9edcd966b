//! A full disk: writes are refused with 503, reads work, nothing is half written, and writing goes on by itself when
//! there is space again.
//! See docs/contracts/reliability.md#durability.

use std::{
    process::{Command, Stdio},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    ledger::{WriteCounters, compare, write_all, writers},
    shown,
    stage::Stage,
    support::Process,
};

/// Lets no file of the process grow, and then lets them grow again.
pub async fn full(stage: &Stage) -> String {
    // The signal that a file is too large would end the process; a full disk sends none.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\"", env!("CARGO_BIN_EXE_docket")]);
    let process = Process::start_by(shell, &stage.app.database_url, &[("RUST_LOG", "off")], Stdio::null()).await;
    let base = process.base.clone();
    let (mut ledgers, counters) = (writers(stage, 8), Arc::new(WriteCounters::default()));
    let during = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        limit(process.pid(), "65536");
        let before = counters.acknowledged.load(Ordering::Relaxed);
        while counters.refused.load(Ordering::Relaxed) < 50 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let person = &stage.people[0];
        let list = stage.http.get(format!("{base}/api/{}/tasks", person.id)).bearer_auth(&person.session);
        assert_eq!(list.send().await.unwrap().status(), 200, "reading needs no space");
        limit(process.pid(), "unlimited");
        let there = counters.acknowledged.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let after = counters.acknowledged.load(Ordering::Relaxed);
        assert!(after > there, "nothing was written when there was space again");
        counters.stop.store(true, Ordering::Relaxed);
        (before, after - there)
    };
    let contest = shown::contest(stage, &base, &counters.stop);
    let (written, (before, after), seen) = tokio::join!(write_all(stage, &base, ledgers, &counters), during, contest);
    assert!(seen.conflicts > 50 && seen.refused > 10, "{seen:?}: too little happened to show anything");
    ledgers = written;
    let compared = compare(stage, &base, &mut ledgers).await;
    process.kill();
    let process = stage.docket().await;
    compare(stage, &process.base, &mut ledgers).await;
    let refused = counters.refused.load(Ordering::Relaxed);
    format!(
        "{before} writes, then {refused} refused while no file could grow, then {after} more by itself; {compared} \
         tasks compared, none half written; {} conflicts and {} titles shown, none of {} that were not stored",
        seen.conflicts, seen.shown, seen.refused
    )
}

fn limit(pid: u32, bytes: &str) {
    let set = Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--fsize={bytes}:unlimited")]).status();
    assert!(set.unwrap().success());
}
