//! Text in every script: found by its own words, compared as people compare it, the same on both databases.

use migration::{Migrator, MigratorTrait};
use sea_orm::Database;
use serde_json::{Value, json};

use super::support::{Answer, App, PASSWORD, Person, text};

/// Titles in many scripts, the words of each, and other ways to write them.
const TITLES: [(&str, &[&str]); 16] = [
    ("Buy İzmir figs", &["İzmir", "figs", "BUY", "İZMİR", "izmir"]),
    ("Ο Σίσυφος γελά", &["Σίσυφος", "ΣΊΣΥΦΟΣ", "γελά"]),
    ("groß und klein", &["groß", "GROSS", "Klein"]),
    ("कर्म करो", &["कर्म", "करो"]),
    ("ไปซื้อน้ำ", &["น้ำ", "ซื้อ", "ไปซื้อน้ำ"]),
    ("பால் வாங்க", &["வாங்க", "பால்"]),
    ("ရေသောက်ပါ", &["ရေ", "သောက်"]),
    ("mua tiê\u{301}ng Viê\u{323}t", &["tiếng", "Việt", "vie\u{302}\u{323}t"]),
    ("明日東京タワーへ行く", &["東京", "タワー", "行く", "明日東京"]),
    ("회의 준비하기", &["회의", "준비", "\u{1112}\u{116c}\u{110b}\u{1174}"]),
    ("קנה לחם", &["קנה", "לחם"]),
    ("اشتر الخبز", &["الخبز", "اشتر"]),
    ("купить ХЛЕБ", &["хлеб", "Купить"]),
    ("don’t “panic” — now", &["panic", "now", "don’t"]),
    ("fix \u{fb01}le.txt/v2", &["file", "txt", "v2"]),
    ("e\u{301}clair 🍎 au lait", &["éclair", "ÉCLAIR", "lait"]),
];

async fn titles(app: &App, person: &Person, query: &str, wanted: &str) -> Vec<String> {
    let found = app.graphql(person, query, json!({ "text": wanted })).await.data();
    let nodes = found.pointer("/searchTasks/nodes").or(found.pointer("/tasks/nodes")).unwrap_or(&Value::Null);
    nodes.as_array().unwrap().iter().map(|it| text(&it["title"])).collect()
}

#[tokio::test]
async fn a_task_is_found_by_each_word_of_its_title_in_every_script() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for (title, _) in TITLES {
        app.task(&ann, title).await;
    }
    for (title, words) in TITLES {
        for word in words {
            for query in [
                "query($text: String!) { searchTasks(text: $text) { nodes { title } } }",
                "query($text: String!) { tasks(filter: { contains: $text }) { nodes { title } } }",
                "query($text: String!) { tasks(filter: { search: $text }) { nodes { title } } }",
            ] {
                let found = titles(&app, &ann, query, word).await;
                assert_eq!(found, [title], "{word} by {query}");
            }
        }
        let search = "query($text: String!) { searchTasks(text: $text) { nodes { title } } }";
        assert!(titles(&app, &ann, search, title).await.contains(&title.to_owned()), "{title}");
    }
}

#[tokio::test]
async fn what_is_edited_is_found_by_its_new_words_only() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let id = app.task(&ann, "ΑΛΦΑ").await;
    let update =
        "mutation($id: ID!) { updateTask(input: { id: $id, title: \"Βήτα\", description: \"東京\" }) { task { id } } }";
    app.graphql(&ann, update, json!({ "id": id })).await.data();
    let search = "query($text: String!) { searchTasks(text: $text) { nodes { title } } }";
    assert_eq!(titles(&app, &ann, search, "αλφα").await, [""; 0]);
    for wanted in ["βήτα", "東", "京"] {
        assert_eq!(titles(&app, &ann, search, wanted).await, ["Βήτα"], "{wanted}");
    }
    assert_eq!(titles(&app, &ann, search, "京東").await, [""; 0], "letters in another order are another word");
    for nothing in ["\u{1f}", "🍎"] {
        let contains = "query($text: String!) { tasks(filter: { search: $text }) { nodes { title } } }";
        assert_eq!(titles(&app, &ann, contains, nothing).await, [""; 0], "{nothing:?}");
    }
}

#[tokio::test]
async fn titles_are_ordered_without_regard_to_case_in_every_script() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for title in ["Ωμέγα", "ψι", "Beta", "alpha", "Ánna", "a\u{301}nna 2"] {
        app.task(&ann, title).await;
    }
    let query = "query($after: String) { tasks(first: 2, after: $after, order: { by: TITLE }) {
        nodes { title } pageInfo { endCursor hasNextPage } } }";
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = app.graphql(&ann, query, json!({ "after": after })).await.data()["tasks"].clone();
        seen.extend(page["nodes"].as_array().unwrap().iter().map(|it| text(&it["title"])));
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, ["alpha", "Beta", "Ánna", "a\u{301}nna 2", "ψι", "Ωμέγα"]);
}

#[tokio::test]
async fn labels_whose_names_look_the_same_are_the_same() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let create = "mutation($name: String!) { createLabel(input: { name: $name }) { label { id } } }";
    for (name, others) in [("é x", ["e\u{301} x", "É  X", "é\u{a0}x"]), ("groß", ["GROSS", "gro\u{200b}ß", "Groß"])]
    {
        app.graphql(&ann, create, json!({ "name": name })).await.data();
        for other in others {
            assert_eq!(app.graphql(&ann, create, json!({ "name": other })).await.code(), "NAME_TAKEN", "{other:?}");
            let tagged = app.rest_task(&ann, json!({ "title": "a", "tags": [other] })).await;
            assert_eq!(tagged["tags"], json!([name]), "{other:?}");
        }
    }
}

#[tokio::test]
async fn a_database_of_before_is_brought_over() {
    let app = App::unstarted().await;
    let connection = Database::connect(&app.database_url).await.unwrap();
    Migrator::up(&connection, Some(4)).await.unwrap();
    let is_sqlite = app.is_sqlite();
    let id = |number: usize| {
        if is_sqlite { format!("x'{number:032x}'") } else { format!("'00000000-0000-0000-0000-{number:012x}'") }
    };
    let (time, no) = ("'2026-01-01T00:00:00.000000Z'", if is_sqlite { "0" } else { "false" });
    // More than are brought over by one statement.
    let row = |number: usize| {
        let title = TITLES[number % TITLES.len()].0;
        format!("({}, 'ann', '{number} {title}', 'Größe', {no}, 'p', {number}, {time}, {time})", id(number))
    };
    let columns = "(id, user_id, title, description, completed, position, revision, created_at, updated_at)";
    let rows: Vec<String> = (0..1203).map(row).collect();
    app.sql(&format!("insert into tasks {columns} values {}", rows.join(", "))).await;
    app.sql("insert into owners (user_id, revision) values ('ann', 5000)").await;
    let label = |(number, name): (usize, &str)| {
        let folded = name.to_lowercase();
        format!("({}, 'ann', '{name}', '{folded}', {}, {time}, {time})", id(number), 2000 + number)
    };
    let labels: Vec<String> = ["é", "e\u{301}", "a b", "a  b", "c"].into_iter().enumerate().map(label).collect();
    let columns = "(id, user_id, name, folded, revision, created_at, updated_at)";
    app.sql(&format!("insert into labels {columns} values {}", labels.join(", "))).await;
    connection.close().await.unwrap();

    let mut app = app;
    app.start(&[]).await;
    let hour = chrono::Utc::now().timestamp() + 3600;
    let token = super::tokens::hs256(&json!({ "sub": "ann", "exp": hour }));
    let ann = Person { id: "ann".into(), email: String::new(), session: String::new(), token };
    for (title, words) in TITLES {
        for word in words {
            let query = "query($text: String!) { tasks(filter: { contains: $text }) { totalCount nodes { title } } }";
            let found = app.graphql(&ann, query, json!({ "text": word })).await.data()["tasks"].clone();
            assert!(found["totalCount"].as_u64().unwrap() >= 75, "{word}: {found}");
            assert!(found["nodes"].as_array().unwrap().iter().all(|it| text(&it["title"]).ends_with(title)), "{word}");
        }
    }
    let query = "query($text: String!) { tasks(filter: { search: $text }) { totalCount } }";
    let found = app.graphql(&ann, query, json!({ "text": "GRÖSSE" })).await.data();
    assert_eq!(found["tasks"]["totalCount"], 1203);
    let query = "query($after: String!) { labels { name } changes(after: $after) { changes { kind } } }";
    let named = app.graphql(&ann, query, json!({ "after": app.token_at(&ann, 5000).await })).await.data();
    let mut names: Vec<String> = named["labels"].as_array().unwrap().iter().map(|it| text(&it["name"])).collect();
    names.sort();
    assert_eq!(names, ["a  b (2)", "a b", "c", "e\u{301} (2)", "é"]);
    assert_eq!(
        named["changes"]["changes"],
        json!([{ "kind": "LABEL" }, { "kind": "LABEL" }]),
        "who was there hears of it"
    );
}

/// Names that show nothing, and names that show the same with what is not seen in them.
const BLANKS: [&str; 13] = [
    "\u{200b}",
    "\u{fe0f}",
    "\u{34f}\u{115f}",
    "\u{3164}",
    " \u{e0001} ",
    "\u{2800}",
    "\u{200d}\u{1}",
    "\u{301}",
    " \u{20e3}\u{301}",
    "\u{fff9}\u{fffb}",
    "\u{fffc}",
    "\u{ffff}\u{fdd0}",
    "\u{1d159}",
];
const UNSEEN: [&str; 8] =
    ["\u{fe0f}", "\u{34f}", "\u{115f}", "\u{3164}", "\u{e0001}", "\u{200b}", "\u{200d}", "\u{ad}\u{202e}"];

#[tokio::test]
async fn what_shows_nothing_is_no_title_and_no_name() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for blank in BLANKS {
        for mutation in [
            "mutation($text: String!) { createTask(input: { title: $text }) { task { id } } }",
            "mutation($text: String!) { createTaskList(input: { name: $text }) { taskList { id } } }",
            "mutation($text: String!) { createLabel(input: { name: $text }) { label { id } } }",
        ] {
            let answer = app.graphql(&ann, mutation, json!({ "text": blank })).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{blank:?}: {answer:?}");
        }
        let answer = app.rest(&ann, "POST", "", Some(json!({ "title": blank }))).await;
        assert_eq!(answer.status, 422, "{blank:?}: {answer:?}");
        let answer = app.rest(&ann, "POST", "", Some(json!({ "title": "a", "tags": [blank] }))).await;
        assert_eq!(answer.status, 422, "{blank:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_name_is_one_line_and_a_title_is_kept_as_it_is() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for name in ["wor\u{1}k", "wo\nrk", "wo\trk", "wo\u{7f}rk", "wo\u{85}rk", "wo\u{2028}rk"] {
        for mutation in [
            "mutation($text: String!) { createTaskList(input: { name: $text }) { taskList { id } } }",
            "mutation($text: String!) { createLabel(input: { name: $text }) { label { id } } }",
        ] {
            let answer = app.graphql(&ann, mutation, json!({ "text": name })).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{name:?}: {answer:?}");
        }
        let tag = app.rest(&ann, "POST", "", Some(json!({ "title": "a", "tags": ["b", name] }))).await.expect(422);
        assert_eq!(tag["detail"][0]["loc"], json!(["body", "tags", 1]), "{name:?}");
        assert_eq!(app.rest_task(&ann, json!({ "title": name })).await["title"], name);
    }
    let query = "query($text: String!) { searchTasks(text: $text) { nodes { title } } }";
    app.task(&ann, "cafe").await;
    assert_eq!(titles(&app, &ann, query, "ca\u{200b}fe").await, ["cafe"]);
    let query = "query($text: String!) { tasks(filter: { search: $text }) { nodes { title } } }";
    assert_eq!(titles(&app, &ann, query, "ca\u{200b}f").await, ["cafe"]);
    assert!(titles(&app, &ann, query, "tea\u{200b}fe").await.is_empty());
}

#[tokio::test]
async fn a_user_is_called_something_that_is_seen() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let body = |name: &str| json!({ "name": name, "email": "new@example.com", "password": PASSWORD });
    let controls = ["Bo\u{1}b", "Bo\nb", "Bo\u{1b}[31mb"];
    for name in BLANKS.into_iter().chain(controls).filter(|it| !it.trim().is_empty()) {
        assert_eq!(app.auth("/sign-up/email", body(name)).await.expect(400)["code"], "VALIDATION_ERROR", "{name:?}");
        let refused = Answer::of(app.request("POST", "/auth/register").json(&body(name))).await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], json!(["body", "name"]), "{name:?}");
        let update = app.request("POST", "/api/auth/update-user").bearer_auth(&ann.session);
        assert_eq!(Answer::of(update.json(&json!({ "name": name }))).await.status, 400, "{name:?}");
    }
    let made = app.auth("/sign-up/email", body("")).await.expect(200);
    assert_eq!(made["user"]["name"], "");
}

#[tokio::test]
async fn what_was_stored_before_a_rule_is_read_and_comes_back_from_an_export() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let label = "mutation { createLabel(input: { name: \"l\" }) { label { id } } }";
    app.graphql(&ann, label, json!({})).await.data();
    let list = "mutation { createTaskList(input: { name: \"l\" }) { taskList { id } } }";
    app.graphql(&ann, list, json!({})).await.data();
    app.rest_task(&ann, json!({ "title": "t", "tags": ["l"] })).await;
    let is_sqlite = app.is_sqlite();
    let character = |number: u32| if is_sqlite { format!("char({number})") } else { format!("chr({number})") };
    for table in ["labels", "lists"] {
        app.sql(&format!("update {table} set name = 'wor' || {} || 'k'", character(1))).await;
    }
    app.sql(&format!("update tasks set title = {}", character(0xfffc))).await;
    let file = app.request("GET", &format!("/api/{}/export", ann.id)).bearer_auth(&ann.token);
    let file = Answer::of(file).await.expect(200);
    assert_eq!((&file["labels"][0]["name"], &file["tasks"][0]["title"]), (&json!("wor\u{1}k"), &json!("\u{fffc}")));
    let import = app.request("POST", &format!("/api/{}/import", bob.id)).bearer_auth(&bob.token).json(&file);
    Answer::of(import).await.expect(200);
    let query = "{ tasks { nodes { title labels { name } } } taskLists { name } }";
    let wanted = json!({
        "tasks": { "nodes": [{ "title": "\u{fffc}", "labels": [{ "name": "wor\u{1}k" }] }] },
        "taskLists": [{ "name": "wor\u{1}k" }],
    });
    for person in [&ann, &bob] {
        assert_eq!(app.graphql(person, query, json!({})).await.data(), wanted);
    }
}

#[tokio::test]
async fn names_that_differ_in_what_is_not_seen_are_the_same_and_stay_as_they_were_typed() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let create = "mutation($name: String!) { createLabel(input: { name: $name }) { label { name } } }";
    for typed in ["❤\u{fe0f}", "👩\u{200d}👧", "ab"] {
        let made = app.graphql(&ann, create, json!({ "name": typed })).await.data();
        assert_eq!(made["createLabel"]["label"]["name"], typed);
        for unseen in UNSEEN {
            let other = typed.chars().map(|it| format!("{it}{unseen}")).collect::<String>();
            assert_eq!(app.graphql(&ann, create, json!({ "name": other })).await.code(), "NAME_TAKEN", "{other:?}");
        }
        assert_eq!(app.rest_task(&ann, json!({ "title": typed })).await["title"], typed);
    }
}

#[tokio::test]
async fn words_are_found_whatever_is_not_seen_in_them() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let title = "Donau\u{ad}dampf a\u{34f}b می\u{200c}خواهم one\u{200b}two";
    app.task(&ann, title).await;
    for wanted in ["donaudampf", "do\u{fe0f}nau", "ab", "میخواهم", "می\u{200c}خواهم", "two", "one\u{200b}two"]
    {
        for query in [
            "query($text: String!) { searchTasks(text: $text) { nodes { title } } }",
            "query($text: String!) { tasks(filter: { contains: $text }) { nodes { title } } }",
        ] {
            assert_eq!(titles(&app, &ann, query, wanted).await, [title], "{wanted:?} by {query}");
        }
    }
}

#[tokio::test]
async fn a_database_with_keys_of_what_is_not_seen_is_brought_over() {
    let mut app = App::unstarted().await;
    let connection = Database::connect(&app.database_url).await.unwrap();
    Migrator::up(&connection, Some(7)).await.unwrap();
    connection.close().await.unwrap();
    let is_sqlite = app.is_sqlite();
    let id = |number: usize| {
        if is_sqlite { format!("x'{number:032x}'") } else { format!("'00000000-0000-0000-0000-{number:012x}'") }
    };
    let time = "'2026-01-01T00:00:00.000000Z'";
    // More than are brought over by one statement, with keys as they were.
    let task = |number: usize| {
        let title = if number.is_multiple_of(3) { "x a\u{34f}b" } else { "x plain" };
        format!("({}, 'ann', '{title}', '{title}', 'p', {number}, {time}, {time})", id(number))
    };
    let columns = "(id, user_id, title, title_key, position, revision, created_at, updated_at)";
    let tasks: Vec<String> = (0..1203).map(task).collect();
    app.sql(&format!("insert into tasks {columns} values {}", tasks.join(", "))).await;
    app.sql("insert into user_revisions (user_id, revision) values ('ann', 5000)").await;
    let long = "x".repeat(30);
    let longer = format!("{long}\u{fe0f}").chars().skip(1).collect::<String>();
    let names = ["❤\u{fe0f}", "❤", "❤ (2)", "plain", "\u{fe0f}", &long[1..], &longer];
    let label = |user: &str, number: usize, name: &str| {
        format!("({}, '{user}', '{name}', '{name}', {}, {time}, {time})", id(number), 2000 + number)
    };
    let mut labels: Vec<String> = names.iter().enumerate().map(|(number, name)| label("ann", number, name)).collect();
    // More users than are read at a time.
    labels.extend((0..250).map(|user| label(&format!("user {user}"), 0, "e\u{34f}")));
    let columns = "(id, user_id, name, name_key, revision, created_at, updated_at)";
    app.sql(&format!("insert into labels {columns} values {}", labels.join(", "))).await;

    app.start(&[]).await;
    let hour = chrono::Utc::now().timestamp() + 3600;
    let token = super::tokens::hs256(&json!({ "sub": "ann", "exp": hour }));
    let ann = Person { id: "ann".into(), email: String::new(), session: String::new(), token };
    let query = "query($text: String!) { tasks(filter: { search: $text }) { totalCount } }";
    for (wanted, count) in [("ab", 401), ("plain", 802), ("x", 1203)] {
        let found = app.graphql(&ann, query, json!({ "text": wanted })).await.data();
        assert_eq!(found["tasks"]["totalCount"], count, "{wanted}");
    }
    let query = "query($after: String!) { labels { name } changes(after: $after) { changes { kind } } }";
    let data = app.graphql(&ann, query, json!({ "after": app.token_at(&ann, 5000).await })).await.data();
    let mut names: Vec<String> = data["labels"].as_array().unwrap().iter().map(|it| text(&it["name"])).collect();
    names.sort();
    let cut = format!("{} (2)", &long[4..]);
    let mut wanted = ["❤\u{fe0f}", "❤ (3)", "❤ (2)", "plain", "\u{fe0f}", &long[1..], cut.as_str()];
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    assert_eq!(data["changes"]["changes"], json!([{ "kind": "LABEL" }, { "kind": "LABEL" }]));
    let left = "select cast(count(*) as text) from labels where owner_id <> (select id from owners where user_id = 'ann') and name_key <> 'e'";
    assert_eq!(app.sql_text(left).await, "0");
}
