//! The clock steps by an hour, forwards and back: tokens and sessions go by it, nothing panics, and revisions stay in
//! order. libfaketime moves the clock.
//! See docs/contracts/reliability.md#clocks.

use std::{fs, path::Path, time::Duration};

use serde_json::json;

use super::{stage::Stage, support::Process};

const LIBRARY: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"];

/// Steps to and fro.
pub async fn steps(stage: &Stage) -> String {
    let library = LIBRARY.into_iter().find(|it| Path::new(it).exists()).expect("libfaketime (Debian: faketime)");
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    fs::write(&clock, "+0").unwrap();
    let settings = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let process = stage.docket_with(&settings).await;
    let (mut last, mut writes) = (0, 0);
    let mut token = access_token(stage, &process).await.unwrap();
    // An access token lives for 15 minutes, and one that was verified is accepted for half a minute more.
    for (offset, old_holds) in [("+1h", false), ("+0", true), ("-1h", true), ("+0", false), ("+1h", false)] {
        fs::write(&clock, offset).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let status = list(stage, &process, &token).await;
        assert!(status == 401 || old_holds, "{offset}: an expired token got {status}");
        token = access_token(stage, &process).await.unwrap_or_else(|| panic!("{offset}: the session is gone"));
        assert_eq!(list(stage, &process, &token).await, 200, "{offset}");
        for _ in 0..5 {
            let body = json!({ "query": "mutation { createTask(input: { title: \"x\" }) { task { revision } } }" });
            let (_, answer) = stage.graphql(&process.base, &stage.people[0], body).await.unwrap();
            let revision: i64 =
                answer["data"]["createTask"]["task"]["revision"].to_string().replace('"', "").parse().unwrap();
            assert!(revision > last, "{offset}: revision {revision} came after {last}");
            (last, writes) = (revision, writes + 1);
        }
    }
    process.stop().await;
    format!("five steps of an hour: {writes} revisions in order, expired tokens refused, sessions kept")
}

async fn access_token(stage: &Stage, process: &Process) -> Option<String> {
    let request = stage.http.get(format!("{}/api/auth/token", process.base)).bearer_auth(&stage.people[0].session);
    let answer = request.send().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    body["token"].as_str().map(str::to_owned)
}

async fn list(stage: &Stage, process: &Process, token: &str) -> u16 {
    let url = format!("{}/api/{}/tasks?limit=1", process.base, stage.people[0].id);
    stage.http.get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
}
