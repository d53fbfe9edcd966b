//! Tables and calendars: written, read by another user, and made by other programs.

use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::support::{Answer, App, Person, command, without_value};

const CSV: &str = "text/csv";
const ICS: &str = "text/calendar; charset=utf-8";

async fn export(app: &App, person: &Person, name: &str) -> Answer {
    Answer::of(app.request("GET", &format!("/api/{}/{name}", person.id)).bearer_auth(&person.token)).await
}

async fn import(app: &App, person: &Person, media_type: &str, file: impl Into<Vec<u8>>) -> Answer {
    import_to(app, person, "", media_type, file).await
}

async fn import_to(app: &App, person: &Person, query: &str, media_type: &str, file: impl Into<Vec<u8>>) -> Answer {
    let request = app.request("POST", &format!("/api/{}/import{query}", person.id)).bearer_auth(&person.token);
    Answer::of(request.header("content-type", media_type).body(file.into())).await
}

/// The tasks of a user, with the names of their lists and labels instead of ids.
async fn tasks(app: &App, person: &Person) -> Vec<Value> {
    let mut file = export(app, person, "export").await.expect(200);
    let (lists, labels) = (file["lists"].take(), file["labels"].take());
    let name = |all: &Value, id: &Value| {
        all.as_array().unwrap().iter().find(|it| it["id"] == *id).map_or(Value::Null, |it| it["name"].clone())
    };
    let mut tasks = file["tasks"].as_array().unwrap().clone();
    for task in &mut tasks {
        task["list_id"] = name(&lists, &task["list_id"]);
        let its = task["label_ids"].as_array().unwrap().iter().map(|it| name(&labels, it)).collect::<Vec<_>>();
        task["label_ids"] = json!(its);
    }
    tasks
}

/// The problems of a file: where each is, and the sentence.
fn problems(answer: &Answer) -> Vec<String> {
    let shown = |it: &Value| {
        let place: Vec<String> = it["loc"].as_array().unwrap().iter().skip(1).map(Value::to_string).collect();
        format!("{}: {}", place.join(".").replace('"', ""), it["msg"].as_str().unwrap())
    };
    answer.expect(422)["detail"].as_array().unwrap().iter().map(shown).collect()
}

#[tokio::test]
async fn a_table_is_read_in_the_words_of_the_rest_api_and_by_names() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let garden = "mutation { createTaskList(input: { name: \"Garden\" }) { taskList { id } } }";
    app.graphql(&ann, garden, json!({})).await.data();
    app.rest_task(&ann, json!({ "title": "there", "tags": ["Home"] })).await;
    let file = "\u{feff}Title,Description,Status,PRIORITY,Due Date,List,Tags,created_at\r\n\
                Water the plants,\"every, \"\"second\"\" day\r\nat noon\",done,High,2030-01-31,garden,\"home; green\",2029-12-01\r\n\
                \r\n  Call Bob  ,,pending,critical,2030-01-31 12:00+02:00,Office,\"green,green\",2029-12-01T08:00:00Z\r\n\
                Call Bob,,,,,,,";
    let counted = |is_dry: bool| json!({ "dry_run": is_dry, "lists": 1, "labels": 1, "tasks": 3, "skipped": 2 });
    let dry = import_to(&app, &ann, "?dry_run=true", "Text/CSV;charset=UTF-8", file).await;
    assert_eq!(dry.expect(200), counted(true));
    assert_eq!(tasks(&app, &ann).await.len(), 1);
    assert_eq!(import(&app, &ann, CSV, file).await.expect(200), counted(false));
    let all = tasks(&app, &ann).await;
    let shown = |field: &str| all[1..].iter().map(|it| it[field].clone()).collect::<Vec<_>>();
    assert_eq!(shown("title"), ["Water the plants", "Call Bob", "Call Bob"]);
    assert_eq!(shown("description"), [json!("every, \"second\" day\r\nat noon"), Value::Null, Value::Null]);
    assert_eq!(shown("completed"), [true, false, false]);
    assert_eq!(shown("priority"), ["high", "urgent", "medium"]);
    assert_eq!(shown("due_date"), [json!("2030-01-31"), Value::Null, Value::Null]);
    assert_eq!(shown("due_at"), [Value::Null, json!("2030-01-31T10:00:00Z"), Value::Null]);
    assert_eq!(shown("list_id"), [json!("Garden"), json!("Office"), Value::Null]);
    assert_eq!(shown("label_ids"), [json!(["Home", "green"]), json!(["green"]), json!([])]);
    assert_eq!(shown("created_at")[..2], ["2029-12-01T00:00:00Z", "2029-12-01T08:00:00Z"]);
    // The same again makes nothing twice, and neither does another order of the columns.
    let again = json!({ "dry_run": false, "lists": 0, "labels": 0, "tasks": 0, "skipped": 7 });
    assert_eq!(import(&app, &ann, CSV, file).await.expect(200), again);
    let other = "priority,title,status,due_date,list,tags,created_at\n\
                 critical,  Call Bob  ,pending,2030-01-31 12:00+02:00,Office,\"green,green\",2029-12-01T08:00:00Z\n";
    assert_eq!(import(&app, &ann, CSV, other).await.expect(200)["tasks"], 0);
    // Rows that are the same are tasks of their own.
    let same = import(&app, &ann, CSV, "title\nagain\nagain\n").await.expect(200);
    assert_eq!((same["tasks"].clone(), tasks(&app, &ann).await.len()), (json!(2), 6));
    assert_eq!(import(&app, &ann, CSV, "title\nagain\nagain\nagain").await.expect(200)["tasks"], 1);
}

#[tokio::test]
async fn every_fault_of_a_table_has_its_line_and_column_and_nothing_is_written() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let file = "title,Done,Completed,Due,Labels,list,id,parent_id,completed_at\n";
    assert_eq!(problems(&import(&app, &ann, CSV, file).await), ["lines.1.Done: Extra inputs are not permitted"]);
    let file = "Title,Completed,Due,Labels,list,id,parent_id,completed_at\n\
                good,true,,,,,,\n\
                \"\",maybe,tomorrow,\"a,b,c,d,e,f,g,h,i,j,k\",,x,,\n\
                \"two\nlines\",,,,\"a\tb\",,,\n\
                short,true\n\
                open,no,,,,,,2030-01-01\n\
                when,1,,,,,,noon\n\
                long,,,abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz,,,,\n";
    let found = problems(&import_to(&app, &ann, "?dry_run=true", CSV, file).await);
    let expected = [
        "lines.3.id: Value error, Value must be a UUID",
        "lines.3.Title: String should have at least 1 character",
        "lines.3.Completed: Input should be a valid boolean, unable to interpret input",
        "lines.3.Labels: List should have at most 10 items after validation, not 11",
        "lines.3.Due: Input should be a valid datetime or date, use the form 2030-01-31T12:00:00Z",
        "lines.4.list: Value error, Value must not contain line breaks and other control characters",
        "lines.6: Value error, Value must have as many cells as the first row",
        "lines.7.completed_at: Value error, Value must not be given for an open task",
        "lines.8.completed_at: Input should be a valid datetime",
        "lines.9.Labels.0: String should have at most 30 characters",
    ];
    assert_eq!(found, expected);
    assert_eq!(problems(&import(&app, &ann, CSV, file).await), expected);
    // What only the database knows has its line too.
    let strange = "title,parent_id\nsound,\n\npart,01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b\n";
    let reason = "lines.4.parent_id: Value error, Value must be the id of a task of the user or of the file";
    assert_eq!(problems(&import(&app, &ann, CSV, strange).await), [reason]);
    for (file, reason) in [
        (&b""[..], "lines.1.title: Field required"),
        (b"description\nx", "lines.1.title: Field required"),
        (b"title;due\nx;", "lines.1: Value error, Value must have commas between the names of the columns"),
        (b"title,due,due_date", "lines.1.due_date: Value error, Value must be given once"),
        (b"title\n\"a\n\nb", "lines.2: Value error, Value has a quote that is not closed"),
        (b"title\nb\xfcro", "lines.2: Value error, Value must be UTF-8"),
        (
            b"title,due_time_zone\nx,Europe/Berlin",
            "lines.2.due_time_zone: Value error, Value must be given together with the instant at which it is due",
        ),
    ] {
        assert_eq!(problems(&import(&app, &ann, CSV, file).await), [reason]);
    }
    let many = format!("title\n{}", "\"\"\n".repeat(200));
    assert_eq!(problems(&import(&app, &ann, CSV, many).await).len(), 100);
    let charset = import(&app, &ann, "text/csv; charset=iso-8859-1", "title\nx").await;
    assert_eq!(problems(&charset), ["Content-Type: Value error, Value must name no charset but UTF-8"]);
    for (file, kind) in
        [("title,due\nx,", "text/csv for a table"), (" BEGIN:VCALENDAR\nEND", "text/calendar for a calendar")]
    {
        let unsaid = import(&app, &ann, "application/x-www-form-urlencoded", file).await;
        assert_eq!(problems(&unsaid), [format!("Content-Type: Value error, Value must be {kind}")]);
    }
    let too_many = format!("title\n{}", "x\n".repeat(50_001));
    let reason = "tasks: Value error, Value must have at most 50000 entries";
    assert_eq!(problems(&import(&app, &ann, CSV, too_many).await), [reason]);
    assert_eq!(tasks(&app, &ann).await, [] as [Value; 0]);
}

#[tokio::test]
async fn calendars_of_other_programs_are_taken() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    // As Apple's Reminders, Nextcloud's Tasks and Thunderbird write them.
    let apple = "BEGIN:VCALENDAR\nMETHOD:PUBLISH\nVERSION:2.0\nX-WR-CALNAME:Reminders\nPRODID:-//Apple Inc.//macOS 14.0//EN\n\
        X-APPLE-CALENDAR-COLOR:#1BADF8\nCALSCALE:GREGORIAN\nBEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:DAYLIGHT\n\
        TZOFFSETFROM:+0100\nDTSTART:19810329T020000\nEND:DAYLIGHT\nEND:VTIMEZONE\n\
        BEGIN:VTODO\nCREATED:20291201T080000Z\nUID:0E9AA2A4-8F12-4F6A-A8C5-2F4F3E8C2E11\nSUMMARY:Call the bank\nPRIORITY:5\n\
        DTSTART;TZID=Europe/Berlin:20300131T130000\nDUE;TZID=Europe/Berlin:20300131T130000\nDTSTAMP:20291201T080000Z\n\
        X-APPLE-SORT-ORDER:12\nSEQUENCE:0\nSTATUS:NEEDS-ACTION\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Reminder\n\
        TRIGGER:-PT15M\nEND:VALARM\nEND:VTODO\nEND:VCALENDAR\n";
    let nextcloud = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nCALSCALE:GREGORIAN\r\nPRODID:-//SabreDAV//SabreDAV//EN\r\n\
        X-WR-CALNAME:Personal\r\nBEGIN:VTODO\r\nCREATED:20291201T080000\r\nDTSTAMP:20291201T080000\r\nLAST-MODIFIED:20291202T080000\r\n\
        UID:qyxj7k2w3e\r\nSUMMARY:Spring clean\\, thoroughly\r\nDESCRIPTION:windows\\nfloors\\; \r\n stairs\r\nPRIORITY:1\r\n\
        PERCENT-COMPLETE:50\r\nSTATUS:IN-PROCESS\r\nDUE;VALUE=DATE:20300320\r\nCATEGORIES:house,spring\r\nX-OC-HIDESUBTASKS:0\r\n\
        END:VTODO\r\nBEGIN:VTODO\r\nUID:part1\r\nSUMMARY:Windows\r\nRELATED-TO:qyxj7k2w3e\r\nCOMPLETED:20291203T080000\r\n\
        PERCENT-COMPLETE:100\r\nSTATUS:COMPLETED\r\nEND:VTODO\r\nBEGIN:VTODO\r\nUID:part2\r\nSUMMARY:Attic window\r\n\
        RELATED-TO;RELTYPE=PARENT:part1\r\nRELATED-TO;RELTYPE=SIBLING:x\r\nPRIORITY:0\r\nEND:VTODO\r\n\
        BEGIN:VEVENT\r\nUID:event\r\nSUMMARY:Party\r\nEND:VEVENT\r\nBEGIN:VJOURNAL\r\nEND:VJOURNAL\r\nEND:VCALENDAR\r\n";
    let thunderbird = "BEGIN:VCALENDAR\r\nPRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN\r\nVERSION:2.0\r\n\
        BEGIN:VTODO\r\nUID:3f0c8a52-9d2e-4b0c-9c53-1f1b0b3b5b0a\r\nSUMMARY:Pay rent\r\nSTATUS:CANCELLED\r\nCLASS:PRIVATE\r\n\
        DUE;TZID=/mozilla.org/20050126_1/America/Argentina/Buenos_Aires:20300131T090000\r\nRRULE:FREQ=MONTHLY\r\n\
        CATEGORIES:home\r\nCATEGORIES:money\r\nX-MOZ-GENERATION:2\r\nDESCRIPTION;ALTREP=\"data:text/html,a;b\":by hand\r\n\
        END:VTODO\r\nEND:VCALENDAR\r\n";
    let counted = |tasks: u32, lists: u32, labels: u32, ignored: u32| json!({ "dry_run": false, "lists": lists, "labels": labels, "tasks": tasks, "skipped": 0, "ignored": ignored });
    assert_eq!(import(&app, &ann, ICS, apple).await.expect(200), counted(1, 1, 0, 0));
    assert_eq!(import(&app, &ann, "text/calendar", nextcloud).await.expect(200), counted(3, 1, 2, 2));
    assert_eq!(import(&app, &ann, ICS, thunderbird).await.expect(200), counted(1, 0, 2, 0));
    let all = tasks(&app, &ann).await;
    let by = |title: &str| all.iter().find(|it| it["title"] == title).unwrap_or_else(|| panic!("{title}: {all:?}"));
    let bank = by("Call the bank");
    assert_eq!((&bank["id"], &bank["list_id"]), (&json!("0e9aa2a4-8f12-4f6a-a8c5-2f4f3e8c2e11"), &json!("Reminders")));
    assert_eq!((&bank["due_at"], &bank["due_time_zone"]), (&json!("2030-01-31T12:00:00Z"), &json!("Europe/Berlin")));
    let clean = by("Spring clean, thoroughly");
    assert_eq!((&clean["description"], &clean["priority"]), (&json!("windows\nfloors; stairs"), &json!("urgent")));
    assert_eq!((&clean["due_date"], &clean["label_ids"]), (&json!("2030-03-20"), &json!(["house", "spring"])));
    assert_eq!((&clean["completed"], &clean["list_id"]), (&json!(false), &json!("Personal")));
    for (part, is_done) in [("Windows", true), ("Attic window", false)] {
        assert_eq!((&by(part)["parent_id"], &by(part)["completed"]), (&clean["id"], &json!(is_done)), "{part}");
    }
    assert_eq!(by("Windows")["completed_at"], "2029-12-03T08:00:00Z");
    let rent = by("Pay rent");
    assert_eq!((&rent["completed"], &rent["due_at"]), (&json!(true), &json!("2030-01-31T12:00:00Z")));
    assert_eq!((&rent["label_ids"], &rent["description"]), (&json!(["home", "money"]), &json!("by hand")));
    for (file, skipped) in [(apple, 2), (nextcloud, 6), (thunderbird, 3)] {
        let again = import(&app, &ann, ICS, file).await.expect(200);
        assert_eq!((&again["tasks"], &again["skipped"]), (&json!(0), &json!(skipped)));
    }
}

#[tokio::test]
async fn every_fault_of_a_calendar_has_its_line_and_property() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let file = "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nSUMMARY:good\nEND:VTODO\nBEGIN:VTODO\nUID:2\nSUMMARY: \n  \nSTATUS:BUSY\n\
                PRIORITY:10\nDUE;TZID=W. Europe Standard Time:20300131T120000\nCREATED:yesterday\nEND:VTODO\n\
                BEGIN:VTODO\nUID:3\nCATEGORIES:a,b,c,d,e,f,g,h,i\nCATEGORIES:j,k\nEND:VTODO\n\
                BEGIN:VTODO\nUID:1\nSUMMARY:other\nEND:VTODO\nEND:VCALENDAR\n";
    let expected = [
        "lines.13.CREATED: Input should be a valid datetime or date, use the form 20300131 or 20300131T120000Z",
        "lines.10.STATUS: Input should be 'NEEDS-ACTION', 'IN-PROCESS', 'COMPLETED' or 'CANCELLED'",
        "lines.12.DUE: Value error, Value must be a name of the IANA time zone database",
        "lines.11.PRIORITY: Value error, Value must be from 0 to 9",
        "lines.8.SUMMARY: Value error, Title cannot be empty or whitespace only",
        "lines.15.SUMMARY: Field required",
        "lines.17.CATEGORIES: List should have at most 10 items after validation, not 11",
    ];
    assert_eq!(problems(&import(&app, &ann, ICS, file).await), expected);
    // What is not read may be as long as it is.
    let [long, attached] = ["DESCRIPTION", "ATTACH"].map(|name| {
        let value = "é".repeat(40_000);
        format!("BEGIN:VCALENDAR\nBEGIN:VTODO\n{name}:{value}\nSUMMARY:x\nEND:VTODO\nEND:VCALENDAR\n")
    });
    import_to(&app, &ann, "?dry_run=true", ICS, attached).await.expect(200);
    for (file, reason) in [
        ("", "lines.1.BEGIN: Value error, Value must be there: BEGIN:VCALENDAR"),
        ("title\nx", "lines.1: Value error, Value must be a property such as SUMMARY:Water the plants"),
        ("SUMMARY:x", "lines.1.SUMMARY: Value error, Value must be inside of BEGIN:VCALENDAR"),
        ("BEGIN:VTODO\nEND:VTODO", "lines.1.BEGIN: Value error, Value must be BEGIN:VCALENDAR"),
        (
            "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\n",
            "lines.2.BEGIN:VTODO: Value error, Value has no END: the file was cut off",
        ),
        (long.as_str(), "lines.3.DESCRIPTION: String should have at most 65536 characters"),
        ("BEGIN:VCALENDAR\nEND:VTODO\n", "lines.2.END: Value error, Value must end what began last"),
        (
            "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nSUMMARY:a\nEND:VTODO\nBEGIN:VTODO\nUID:1\nSUMMARY:b\nEND:VTODO\nEND:VCALENDAR\n",
            "lines.6.id: Value error, Value must not be the id of an earlier one of the file",
        ),
    ] {
        assert_eq!(problems(&import(&app, &ann, ICS, file).await), [reason], "{file}");
    }
    assert_eq!(tasks(&app, &ann).await, [] as [Value; 0]);
}

/// Tasks of all kinds, the same in each run; texts have only what `letters` has.
fn some_tasks(letters: &str) -> Vec<Value> {
    let text = |most| vec(proptest::sample::select(letters.chars().collect::<Vec<_>>()), 1..most);
    let text = move |most| text(most).prop_map(|it| it.into_iter().collect::<String>());
    let title = text(60).prop_map(|it| format!("a{it}z"));
    let due = prop_oneof![
        Just(json!({})),
        Just(json!({ "due_date": "2030-01-31" })),
        (0..86_400_u32).prop_map(|it| {
            let zone = ["UTC", "Europe/Berlin", "Asia/Kolkata"][it as usize % 3];
            let at = format!("2030-03-31T{:02}:{:02}:{:02}Z", it / 3600, it / 60 % 60, it % 60);
            json!({ "due_at": at, "due_time_zone": zone })
        }),
    ];
    let priority = proptest::sample::select(vec!["low", "medium", "high", "urgent"]);
    let fields =
        (title, proptest::option::of(text(200)), any::<bool>(), priority, due, vec(0..4_usize, 0..3), 0..4_usize);
    let task = fields.prop_map(|(title, description, completed, priority, due, mut labels, list)| {
        labels.sort_unstable();
        labels.dedup();
        let mut task = json!({ "title": title, "completed": completed, "priority": priority, "created_at": "2029-12-01T08:00:00Z" });
        task["description"] = description.map_or(Value::Null, |it| json!(format!("{it}.")));
        task["completed_at"] = if completed { json!("2029-12-02T08:00:00Z") } else { Value::Null };
        task["label_ids"] = labels.into_iter().map(|it| json!(uuid::Uuid::from_u128(1 + it as u128))).collect();
        task["list_id"] = if list == 3 { Value::Null } else { json!(uuid::Uuid::from_u128(1 + list as u128)) };
        task.as_object_mut().unwrap().extend(due.as_object().unwrap().clone());
        task
    });
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut tasks = vec(task, 120).new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap().current();
    for (number, task) in tasks.iter_mut().enumerate() {
        task["id"] = json!(uuid::Uuid::from_u128(1000 + number as u128));
        // Some are parts of the one before.
        if number % 7 == 1 {
            task["parent_id"] = json!(uuid::Uuid::from_u128(999 + number as u128));
        }
    }
    tasks
}

#[tokio::test]
async fn what_a_table_or_a_calendar_has_comes_back_equal_to_another_user() {
    let app = App::spawn().await;
    for (name, media_type, letters) in
        [("csv", CSV, "a,;\"'\r\n\t\\[]{}=: üß🍎\u{feff}\u{2028}\u{7}"), ("ics", ICS, "a,;\"'\n\\[]{}=: üß🍎\u{feff}")]
    {
        let (ann, bob) = (app.person(&format!("ann-{name}")).await, app.person(&format!("bob-{name}")).await);
        let named = |names: &[&str]| -> Value {
            let entry = |(number, name): (usize, &&str)| json!({ "id": uuid::Uuid::from_u128(1 + number as u128), "name": name });
            names.iter().enumerate().map(entry).collect()
        };
        let (lists, labels) = (["Home, \"sweet\"", "office;", "ü"], ["a", "b,c", "[\"d\"]", "e; f"]);
        let file = json!({ "lists": named(&lists), "labels": named(&labels), "tasks": some_tasks(letters) });
        import(&app, &ann, "application/json", file.to_string()).await.expect(200);
        let written = export(&app, &ann, &format!("export.{name}")).await;
        assert_eq!(written.header("content-disposition"), format!("attachment; filename=\"docket.{name}\""));
        assert!(written.header("content-type").starts_with(media_type.split(';').next().unwrap()));
        let done = import(&app, &bob, media_type, written.text.clone()).await.expect(200);
        assert_eq!((&done["lists"], &done["labels"], &done["tasks"]), (&json!(3), &json!(4), &json!(120)));
        let given = tasks(&app, &ann).await;
        assert_eq!(without_value(&json!(given)), ["extra"], "no other fields are in the JSON alone");
        assert_eq!(tasks(&app, &bob).await, given, "{name}");
        let again = export(&app, &bob, &format!("export.{name}")).await;
        assert_eq!(again.text, written.text, "{name}");
        for person in [&ann, &bob] {
            assert_eq!(import(&app, person, media_type, written.text.clone()).await.expect(200)["tasks"], 0);
        }
    }
}

/// See docs/rest.md#files-in-and-out.
#[tokio::test]
async fn what_a_spreadsheet_takes_for_a_formula_comes_back_as_it_was() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let texts = ["=1+1", "+49 30 1234", "-1", "@ann", "'=1+1", "=HYPERLINK(\"http://x.example\")"];
    for text in texts {
        app.rest_task(&ann, json!({ "title": text, "description": text })).await;
    }
    let written = export(&app, &ann, "export.csv").await.text;
    assert!(written.contains(",=1+1,=1+1,") && written.contains(",@ann,@ann,"), "{written}");
    import(&app, &bob, CSV, written).await.expect(200);
    let all = tasks(&app, &bob).await;
    for field in ["title", "description"] {
        assert_eq!(all.iter().map(|it| it[field].clone()).collect::<Vec<_>>(), texts, "{field}");
    }
}

#[tokio::test]
async fn whoever_runs_docket_exports_and_imports_for_one_user() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.rest_task(&ann, json!({ "title": "water the plants", "tags": ["home"] })).await;
    app.rest_task(&bob, json!({ "title": "not ann's" })).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let docket = |arguments: &[&str]| command(&app.database_url, arguments, &[]);
    for (user, name) in [("ann@example.com", "a.json"), (ann.id.as_str(), "a.csv"), ("Ann@Example.com", "a.ICS")] {
        let (code, said) = docket(&["export", "--user", user, &path(name)]);
        assert!(code == Some(0) && said.contains("has 1 tasks"), "{said}");
    }
    let written = std::fs::read_to_string(path("a.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), export(&app, &ann, "export").await.expect(200));
    assert_eq!(std::fs::read_to_string(path("a.csv")).unwrap(), export(&app, &ann, "export.csv").await.text);
    let (code, said) = docket(&["import", "--user", "bob@example.com", "--dry-run", &path("a.csv")]);
    assert!(code == Some(0) && said.contains("would bring 0 lists, 1 labels and 1 tasks; 0 were here"), "{said}");
    assert_eq!(tasks(&app, &bob).await.len(), 1);
    for (name, brought) in [("a.json", 1), ("a.csv", 0), ("a.ICS", 0)] {
        let (code, said) = docket(&["import", "--user", &bob.id, &path(name)]);
        assert!(code == Some(0) && said.contains(&format!("and {brought} tasks")), "{name}: {said}");
    }
    let titles: Vec<Value> = tasks(&app, &bob).await.iter().map(|it| it["title"].clone()).collect();
    assert_eq!(titles, ["not ann's", "water the plants"]);

    std::fs::write(path("bad.csv"), "title,due,parent_id\ngood,,\nx,soon,\n").unwrap();
    std::fs::write(path("part.csv"), "title,parent_id\nx,01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b\n").unwrap();
    for (arguments, reason) in [
        (&["import", "--user", "bob@example.com", "bad.csv"][..], "lines.3.due: Input should be a valid datetime"),
        (&["import", "--user", "bob@example.com", "part.csv"], "lines.2.parent_id: must be the id of a task"),
        (&["import", "--user", "eve@example.com", "a.json"], "no user has that e-mail address or id"),
        (&["export", "--user", "eve@example.com", "e.json"], "no user has that e-mail address or id"),
        (&["export", "--user", "ann@example.com", "a.json"], "is there already"),
        (&["export", "--user", "ann@example.com", "a.txt"], "must end in .json, .csv or .ics"),
        (&["import", "--user", "ann@example.com", "none.csv"], "cannot be read or written"),
        (&["export", "--user", "ann@example.com", "--all", "b.json"], "cannot be used with"),
        (&["export", "b.json"], "required arguments were not provided"),
        (&["import", "b.json"], "required arguments were not provided"),
        (&["import", "--user", "ann@example.com", "--resume", "a.json"], "cannot be used with"),
    ] {
        let (last, others) = arguments.split_last().unwrap();
        let file = path(last);
        let (code, said) = docket(&[others, &[file.as_str()]].concat());
        assert!(code == Some(2) && said.contains(reason), "{arguments:?}: {said}");
        assert!(!said.contains("example.com"), "{said}");
    }
    assert!(!folder.path().join("e.json").exists());
    assert_eq!(tasks(&app, &bob).await.len(), 2);
}
