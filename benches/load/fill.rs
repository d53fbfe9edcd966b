//! What tasks need before there can be any.

use serde_json::{Value, json};

use super::support::{App, Person};

/// Makes a list and two labels, and gives their GraphQL ids.
pub async fn list_and_labels(app: &App, person: &Person) -> (Value, [Value; 2]) {
    let list = "mutation { createTaskList(input: { name: \"home\" }) { taskList { id } } }";
    let list = app.graphql(person, list, json!({})).await.data()["createTaskList"]["taskList"]["id"].clone();
    let label = async |name| {
        let query = "mutation($name: String!) { createLabel(input: { name: $name }) { label { id } } }";
        app.graphql(person, query, json!({ "name": name })).await.data()["createLabel"]["label"]["id"].clone()
    };
    (list, [label("one").await, label("two").await])
}
