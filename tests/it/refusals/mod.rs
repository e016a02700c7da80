//! What the apiserver refuses, in which words, and that the nearest valid neighbour is accepted.
//!
//! `table` has the cases, `schema` finds in the definitions what there must be cases for.

mod bounds;
mod case;
mod parity;
mod reconcile;
mod schema;
mod table;

use http::Request;
use kube::Client;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::definitions;
use case::{Case, base};

/// An apiserver with our definitions, and a namespace in it.
struct Server {
    client: Client,
    namespace: String,
}

impl Server {
    async fn new() -> Self {
        let cluster = Cluster::get();
        definitions::install(cluster).await;
        Self { client: cluster.client(), namespace: cluster.namespace("refusals").await }
    }

    /// Sends a Directory as `kubectl create` and `kubectl replace` do; the refusal in the apiserver's words.
    async fn send(&self, method: &str, name: &str, query: &str, object: &Value) -> Result<Value, String> {
        let kind = format!("/apis/directory-sync.io/v1alpha1/namespaces/{}/directories", self.namespace);
        let request = Request::builder()
            .method(method)
            .uri(format!("{kind}{name}?fieldValidation=Strict{query}"))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(object).unwrap())
            .unwrap();
        match self.client.request(request).await {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err(status.message.clone()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Whether a Directory would be created.
    async fn judge(&self, object: &Value) -> Result<Value, String> {
        self.send("POST", "", "&dryRun=All", object).await
    }
}

#[tokio::test]
async fn every_mistake_is_refused_with_its_words_and_its_neighbour_is_accepted() {
    let server = Server::new().await;
    let mut wrong = Vec::new();
    for case in table::cases() {
        match server.judge(&case.bad()).await {
            Ok(_) => wrong.push(format!("{case:?}: accepted")),
            Err(words) if !words.contains(&case.says) => {
                wrong.push(format!("{} should say: {}\n  but says: {words}", case.path, case.says));
            }
            Err(_) => {}
        }
        if let Err(words) = server.judge(&case.good()).await {
            wrong.push(format!("the neighbour of {case:?} is refused: {words}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_field_refuses_another_type_and_every_object_an_unknown_field() {
    let server = Server::new().await;
    let mut wrong = Vec::new();
    for mistake in schema::mistakes(&schema::of("Directory")) {
        match server.judge(&mistake.manifest).await {
            Ok(_) => wrong.push(format!("{} is accepted", mistake.name)),
            Err(words) if !words.contains(&mistake.says) => {
                wrong.push(format!("{} should say: {}\n  but says: {words}", mistake.name, mistake.says));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for path in ["spec.provider.ldap", "spec.provider.activeDirectory", "spec.provider.csv"] {
        server.judge(&base(path)).await.unwrap();
    }
}

#[test]
fn no_constraint_of_the_schema_is_without_a_case() {
    let cases = table::cases();
    let proves = |case: &Case, constraint: &schema::Constraint| {
        let path = schema::general(&case.path);
        match constraint.keyword.as_str() {
            "rule" => {
                case.keyword == "rule"
                    && path.starts_with(&constraint.path)
                    && constraint.message.contains(&case.says)
            }
            keyword => case.keyword == keyword && path == constraint.path,
        }
    };
    let missing: Vec<_> = schema::constraints(&schema::of("Directory"))
        .into_iter()
        // Proved by `a_directory_keeps_its_provider`, for it takes two manifests.
        .filter(|constraint| !constraint.message.starts_with("the provider cannot be exchanged"))
        .filter(|constraint| !cases.iter().any(|case| proves(case, constraint)))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[tokio::test]
async fn a_directory_keeps_its_provider() {
    let server = Server::new().await;
    let mut directory = server.send("POST", "", "", &base("spec.provider.ldap")).await.unwrap();
    let settings = directory["spec"].clone();
    directory["spec"] = base("spec.provider.csv")["spec"].clone();
    let words = server.send("PUT", "/acme", "", &directory).await.unwrap_err();
    assert!(words.contains("spec.provider: Invalid value"), "{words}");
    assert!(words.contains("cannot be exchanged for one of another kind"), "{words}");
    assert!(words.contains("create another Directory"), "{words}");

    directory["spec"] = settings;
    directory["spec"]["provider"]["ldap"]["url"] = json!("ldaps://other.acme.example");
    server.send("PUT", "/acme", "", &directory).await.unwrap();
}
