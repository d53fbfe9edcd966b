//! Fills a Docket, loads it with one kind of request after the other, and prints what it did, with a limit beside each
//! figure: the same server with nothing to do, and PostgreSQL alone with the same SQL (pgbench).
//! `cargo bench --bench load -- [seconds]`; on PostgreSQL too when `DOCKET_TEST_POSTGRES` names a server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a program that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a program that reports to people")]
#![expect(clippy::too_many_lines, reason = "a table of work is as long as it is")]

mod fill;
mod sender;
#[expect(dead_code, reason = "shared with the suite, which uses all of it")]
#[path = "../../tests/it/support.rs"]
mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::Ordering,
    time::Duration,
};

use serde_json::{Value, json};

use self::{
    fill::list_and_labels,
    sender::{Outcome, Sender, closed, kilobytes, open, request},
    support::{App, Person, Process},
};

const PEOPLE: usize = 20;
const TASKS: usize = 100;
const CLIENTS: usize = 32;
/// How long nothing is counted, so that caches are full.
const WARM: Duration = Duration::from_secs(1);
/// The variable that names a PostgreSQL server.
const POSTGRES: &str = "DOCKET_TEST_POSTGRES";
/// The share of what can be done at which waiting is measured.
const EASY: f64 = 0.6;
/// Linux counts the time of a process in hundredths of a second.
const TICK: f64 = 0.01;

fn main() {
    let seconds = env::args().filter_map(|it| it.parse().ok()).next().unwrap_or(3);
    let time = Duration::from_secs(seconds);
    if env::var_os(POSTGRES).is_some() {
        // First the same on SQLite, by a process that knows of no PostgreSQL.
        let program = env::current_exe().unwrap();
        assert!(Command::new(program).arg(seconds.to_string()).env_remove(POSTGRES).status().unwrap().success());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(measure(time));
}

/// A kind of request, and what limits it.
struct Work {
    name: &'static str,
    requests: Vec<Vec<u8>>,
    /// Files of SQL that do the same.
    scripts: Vec<PathBuf>,
}

async fn measure(time: Duration) {
    let mut app = App::spawn().await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(app.person(&format!("p{number}")).await);
    }
    let mut ids = Vec::new();
    for person in &people {
        ids.push(fill(&app, person).await);
    }
    app.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let is_sqlite = app.database_url.starts_with("sqlite:");
    let process = Process::start_with(&app.database_url, &[("RUST_LOG", "off")], Stdio::null()).await;
    println!("{} on {} cores", if is_sqlite { "SQLite" } else { "PostgreSQL" }, cores());
    println!("{:<30}{:>9}{:>9}{:>14}   limit", "work", "/s", "CPU µs", "p99 at 60 %");
    let mut idle = 0.0;
    for work in works(&people, &ids, folder.path()) {
        let sender = Sender::new(&process.base, work.requests);
        closed(&sender, CLIENTS, WARM).await;
        let before = cpu(process.pid());
        let outcome = closed(&sender, CLIENTS, time).await;
        let used = cpu(process.pid()) - before;
        assert_eq!(outcome.failed.load(Ordering::Relaxed), 0, "{}", work.name);
        let rate = outcome.rate(time);
        let easy = open(&sender, rate * EASY, time).await;
        let limit = match (idle, pgbench(&app.database_url, &work.scripts, time)) {
            (0.0, _) => String::new(),
            (idle, Some(alone)) => format!("nothing to do {idle:.0}/s; the SQL alone {alone:.0}/s"),
            (idle, None) => format!("nothing to do {idle:.0}/s"),
        };
        if idle == 0.0 {
            idle = rate;
        }
        let micros = used * 1e6 / (rate * time.as_secs_f64());
        println!("{:<30}{rate:>9.0}{micros:>9.0}{:>11.1} ms   {limit}", work.name, Outcome::p99(&easy.done));
    }
    println!("memory {} MB", kilobytes(process.pid()) / 1024);
    process.stop().await;
}

/// A list, labels and tasks; the answer is the id of one of them.
async fn fill(app: &App, person: &Person) -> String {
    let (list, labels) = list_and_labels(app, person).await;
    let draft = |number: usize| {
        json!({
            "title": format!("task {number:0>3}"), "description": "something to be done before long", "listId": list,
            "labelIds": labels, "priority": "HIGH",
        })
    };
    let query = "mutation($i: CreateTasksInput!) { createTasks(input: $i) { tasks { id } } }";
    let input = json!({ "i": { "tasks": (0..TASKS).map(draft).collect::<Vec<Value>>() } });
    let made = app.graphql(person, query, input).await.data();
    support::text(&made["createTasks"]["tasks"][0]["id"])
}

fn works(people: &[Person], ids: &[String], folder: &Path) -> Vec<Work> {
    let fields = "id title description completed priority dueAt createdAt updatedAt";
    let each =
        |make: &dyn Fn(usize, &Person) -> Vec<u8>| people.iter().enumerate().map(|(at, it)| make(at, it)).collect();
    let graphql = |query: String, variables: &dyn Fn(usize) -> Value| -> Vec<Vec<u8>> {
        each(&|at, person| {
            let body = json!({ "query": query, "variables": variables(at) }).to_string();
            request("POST", "/graphql", &person.token, &body)
        })
    };
    let list = |more: &str| {
        let query = format!(
            "query($first: Int!) {{ tasks(first: $first, filter: {{ completed: false }}) {{ nodes {{ {fields}{more} }} }} }}"
        );
        graphql(query, &|_| json!({ "first": 20 }))
    };
    let create = format!("mutation($i: CreateTaskInput!) {{ createTask(input: $i) {{ task {{ {fields} }} }} }}");
    let one = format!("query($id: ID!) {{ task(id: $id) {{ {fields} }} }}");
    let tasks = |person: &Person, tail: &str| format!("/api/{}/tasks{tail}", person.id);
    let script = |name: &str, sql: &dyn Fn(&Person) -> String| scripts(folder, name, people, sql);
    let selected = |person: &Person| {
        format!(
            "select * from tasks where user_id = '{}' and deleted_at is null and completed = false \
             order by created_at desc, number desc limit 21;",
            person.id
        )
    };
    let created = |person: &Person| {
        format!(
            "with taken as (update user_revisions set revision = revision + 1 where user_id = '{}' returning revision) \
             insert into tasks (user_id, id, title, description, completed, priority, position, revision, created_at, \
             updated_at) select '{0}', gen_random_uuid(), 'new', 'soon', false, 1, 'i', revision, now(), now() from taken \
             returning *;",
            person.id
        )
    };
    vec![
        Work {
            name: "static answer",
            requests: each(&|_, person| request("GET", "/health", &person.token, "")),
            scripts: vec![],
        },
        Work {
            name: "GraphQL __typename",
            requests: graphql("{ __typename }".into(), &|_| json!({})),
            scripts: vec![],
        },
        Work { name: "GraphQL list of 20", requests: list(""), scripts: script("list", &selected) },
        Work { name: "GraphQL list with relations", requests: list(" list { name } labels { name }"), scripts: vec![] },
        Work { name: "GraphQL one task", requests: graphql(one, &|at| json!({ "id": ids[at] })), scripts: vec![] },
        Work {
            name: "GraphQL create",
            requests: graphql(create, &|_| json!({ "i": { "title": "new", "description": "soon" } })),
            scripts: script("create", &created),
        },
        Work {
            name: "REST list of 20",
            requests: each(&|_, it| request("GET", &tasks(it, "?status=pending&limit=20"), &it.token, "")),
            scripts: script("list", &selected),
        },
        Work {
            name: "REST create",
            requests: each(&|_, it| request("POST", &tasks(it, ""), &it.token, "{\"title\":\"new\"}")),
            scripts: script("create", &created),
        },
        Work {
            name: "get-session",
            requests: each(&|_, it| request("GET", "/api/auth/get-session", &it.session, "")),
            scripts: vec![],
        },
    ]
}

/// A file of SQL for each person.
fn scripts(folder: &Path, name: &str, people: &[Person], sql: &dyn Fn(&Person) -> String) -> Vec<PathBuf> {
    let write = |(at, person)| {
        let place = folder.join(format!("{name}-{at}.sql"));
        fs::write(&place, sql(person)).unwrap();
        place
    };
    people.iter().enumerate().map(write).collect()
}

/// How many times a second PostgreSQL does the scripts, by as many clients as Docket has connections.
fn pgbench(url: &str, scripts: &[PathBuf], time: Duration) -> Option<f64> {
    let installed =
        fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|it| Some(it.ok()?.path().join("bin/pgbench")));
    let program =
        installed.filter(|it| it.exists()).max().filter(|_| url.starts_with("postgres") && !scripts.is_empty())?;
    let mut command = Command::new(program);
    command.args(["-n", "-M", "prepared", "-c", "10", "-j", "2", "-T", &time.as_secs().to_string()]);
    for script in scripts {
        command.arg("-f").arg(script);
    }
    let said = String::from_utf8(command.arg(url).output().ok()?.stdout).ok()?;
    said.lines().find_map(|it| it.strip_prefix("tps = "))?.split(' ').next()?.parse().ok()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The seconds that the process has worked.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<f64> =
        stat.rsplit_once(')').unwrap().1.split_whitespace().map(|it| it.parse().unwrap_or(0.0)).collect();
    (fields[11] + fields[12]) * TICK
}
