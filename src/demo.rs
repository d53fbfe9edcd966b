//! `docket demo`: an account with believable data, so that a newcomer sees lists, labels, overdue and ordered tasks at
//! once.

use chrono::{Days, NaiveTime, Utc};
use entity::{id::ListId, task::Priority};

use crate::{
    app,
    config::Config,
    db,
    error::{AuthError, Error, ValidationError},
    proof,
    server::base_url,
    service::{
        Services,
        auth::{Client, Credential, CurrentUser, Email, NOT_REMEMBERED, Registration, SignedUp},
        labels::LabelSelection,
        lists::NewList,
        tasks::{Date, Due, Instant, NewTask, TimeZone, Title},
        values::{Color, LabelName, ListName, UserName},
    },
};

/// The account's address.
pub const EMAIL: &str = "demo@docket.example";

/// Where programs sign in.
const SIGN_IN: &str = "/api/auth/sign-in/email";

/// A task: title, days from now until it is due (if it is), labels, whether it is done.
type DemoTask = (&'static str, Option<i64>, &'static [&'static str], bool);

const HOME: &[DemoTask] = &[
    ("Water the plants", Some(0), &["weekly"], false),
    ("Fix the dripping tap", Some(-3), &["handiwork"], false),
    ("Book the chimney sweep", Some(9), &["phone"], false),
    ("Return the library books", Some(-1), &["errand"], false),
    ("Sort the photographs of the summer", None, &[], false),
    ("Descale the kettle", None, &[], true),
];
const WORK: &[DemoTask] = &[
    ("Write the release notes", Some(1), &["writing"], false),
    ("Review the migration plan", Some(0), &["review", "urgent"], false),
    ("Answer the auditors", Some(-2), &["writing", "urgent"], false),
    ("Prepare the retrospective", Some(6), &[], false),
    ("Rotate the signing keys", Some(20), &["security"], false),
    ("Order a second monitor", None, &["errand"], true),
];
const TRIP: &[DemoTask] = &[
    ("Renew the passport", Some(14), &["errand", "phone"], false),
    ("Reserve the night train", Some(5), &[], false),
    ("Learn twenty words of Portuguese", None, &["weekly"], false),
];
const PACKING: &[&str] = &["Rain jacket", "Charger", "Reading glasses", "First-aid kit"];

/// The account that was made.
#[derive(Debug)]
pub struct DemoAccount {
    /// What it is signed in to with.
    pub password: String,
    /// How many tasks it has.
    pub tasks: usize,
    /// Where somebody can sign in to it.
    pub page: String,
}

/// Makes the account and fills it.
pub async fn fill(config: &Config) -> Result<DemoAccount, Error> {
    let services = services(config).await?;
    let account = make(&services, page(config)?).await;
    services.close().await?;
    account
}

/// Deletes the account, if it is there.
pub async fn remove(config: &Config) -> Result<(), Error> {
    let services = services(config).await?;
    if let Some(user) = services.adoption().find_user(EMAIL).await? {
        services.auth().delete_account(&user, &Client::operator()).await?;
        services.auth().erase_deleted().await?;
    }
    services.close().await
}

async fn services(config: &Config) -> Result<Services, Error> {
    let db = db::connect(config).await?;
    proof::prepare(&db).await.map_err(Error::internal)?;
    Services::new(db, config, &base_url(config, config.port)?)
}

/// The page where somebody can sign in, or where programs can if there is none.
fn page(config: &Config) -> Result<String, Error> {
    let base = base_url(config, config.port)?;
    let pages = [(config.app && app::is_there(), "/app/"), (config.playground, "/graphiql"), (config.docs, "/docs/")];
    let page = pages.into_iter().find_map(|(is_there, path)| is_there.then_some(path));
    Ok(format!("{}{}", base.as_str().trim_end_matches('/'), page.unwrap_or(SIGN_IN)))
}

async fn make(services: &Services, page: String) -> Result<DemoAccount, Error> {
    let password: String = format!("demo-{}", uuid::Uuid::new_v4().simple()).chars().take(17).collect();
    let user = sign_up(services, &password).await?;
    let lists = [("Home", "#4c9f70", HOME), ("Work", "#3a6ea5", WORK), ("Trip", "#c98a2b", TRIP)];
    let tasks = lists.iter().map(|(.., entries)| entries.len()).sum::<usize>() + 1 + PACKING.len();
    for (name, color, entries) in lists {
        let list = list(services, &user, name, color).await?;
        for entry in entries {
            services.tasks(&user).create(draft(*entry, list)?).await?;
        }
    }
    pack(services, &user).await?;
    Ok(DemoAccount { password, tasks, page })
}

async fn sign_up(services: &Services, password: &str) -> Result<CurrentUser, Error> {
    let registration = Registration {
        name: UserName::parse("Demo").map_err(|fault| Error::invalid("name", fault))?,
        email: Email::parse(EMAIL).ok_or(AuthError::InvalidEmail)?,
        password: password.to_owned(),
        image: None,
        lasts: NOT_REMEMBERED,
        callback_url: None,
    };
    match services.auth().sign_up(registration, &Client::operator()).await? {
        SignedUp::In(signed_in) => services.auth().identify(Credential::Bearer(&signed_in.session.token)).await,
        SignedUp::ToBeVerified(_) => Err(AuthError::EmailNotVerified.into()),
    }
}

async fn list(services: &Services, user: &CurrentUser, name: &str, color: &str) -> Result<ListId, Error> {
    let wrong = |fault: ValidationError| Error::invalid("name", fault);
    let draft = NewList {
        id: None,
        name: ListName::parse(name).map_err(wrong)?,
        color: Some(Color::parse(color).map_err(wrong)?),
    };
    Ok(services.lists(user).create(draft).await?.id)
}

/// A task with subtasks.
async fn pack(services: &Services, user: &CurrentUser) -> Result<(), Error> {
    let bag = services.tasks(user).create(named("Pack the bag")?).await?;
    for (name, is_packed) in PACKING.iter().zip([true, false, false, true]) {
        let subtask = NewTask { parent: Some(bag.id), completed: is_packed, ..named(name)? };
        services.tasks(user).create(subtask).await?;
    }
    Ok(())
}

fn draft((title, days, labels, completed): DemoTask, list: ListId) -> Result<NewTask, Error> {
    let wrong = |fault: ValidationError| Error::invalid("demo", fault);
    let names = labels.iter().map(|it| LabelName::parse(it)).collect::<Result<_, _>>().map_err(wrong)?;
    let priority = match days {
        Some(..0) => Priority::Urgent,
        Some(0..3) => Priority::High,
        Some(_) => Priority::Medium,
        None => Priority::Low,
    };
    let due = days.map(due).transpose().map_err(wrong)?;
    let labels = LabelSelection::Names(names);
    Ok(NewTask { completed, priority, due, list: Some(list), labels, ..named(title)? })
}

/// Every third task is due at an hour of its day, the others on the day, and so is what is due today.
fn due(days: i64) -> Result<Due, ValidationError> {
    let (today, distance) = (Utc::now().date_naive(), Days::new(days.unsigned_abs()));
    let day = if days < 0 { today.checked_sub_days(distance) } else { today.checked_add_days(distance) };
    let day = day.unwrap_or(today);
    let hour = 9 + days.unsigned_abs() % 8;
    let time = NaiveTime::from_hms_opt(u32::try_from(hour).unwrap_or(9), 30, 0).unwrap_or_default();
    match days % 3 == 0 && days != 0 {
        true => Ok(Due::At(Instant::new(day.and_time(time).and_utc())?, TimeZone::UTC)),
        false => Date::new(day).map(Due::Date),
    }
}

fn named(title: &str) -> Result<NewTask, Error> {
    Ok(NewTask::titled(Title::parse(title).map_err(|fault| Error::invalid("title", fault))?))
}
