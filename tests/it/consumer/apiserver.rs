//! A stand-in for the apiserver, for what the real one does only after hours or under load: a watch
//! that has expired, and changes without a pause. It speaks HTTP on loopback, serves mirrors of the
//! Directory `acme`, and knows lists and watches alone.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// When a watch is told that it has expired. Either way it is an event, never the status of an answer:
/// the apiserver keeps it so.
#[derive(Clone, Copy, Debug)]
pub enum Expiry {
    /// It breaks off without a word, and is told when it is opened again from where it was.
    WhenOpenedAgain,
    /// At once, while it is open.
    WhileOpen,
}

/// `410 Gone`, as the apiserver says it.
pub fn gone(message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "Expired", "code": 410,
    })
}

/// The running stand-in; ends when dropped.
pub struct Apiserver {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    folder: tempfile::TempDir,
}

struct Shared {
    expiry: Expiry,
    store: Mutex<Store>,
    /// The store's version, for watches that wait for the next.
    version: watch::Sender<u64>,
}

/// What there is, and what has happened to it.
#[derive(Default)]
pub struct Store {
    version: u64,
    /// By plural and name.
    objects: BTreeMap<(String, String), Value>,
    /// What has happened, after the version `oldest`.
    events: Vec<Happening>,
    oldest: u64,
    /// How many watches were told that they have expired, by plural.
    expired: BTreeMap<String, usize>,
}

struct Happening {
    version: u64,
    plural: String,
    event: Value,
}

impl Store {
    /// Creates or changes a mirror.
    pub fn put(&mut self, plural: &str, name: &str, spec: &Value) {
        let key = (plural.to_owned(), name.to_owned());
        let what = if self.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        let object = self.happen(plural, name, what, spec);
        self.objects.insert(key, object);
    }

    /// Deletes a mirror.
    pub fn delete(&mut self, plural: &str, name: &str) {
        if let Some(object) = self.objects.remove(&(plural.to_owned(), name.to_owned())) {
            self.happen(plural, name, "DELETED", &object[type_of(plural).content]);
        }
    }

    fn happen(&mut self, plural: &str, name: &str, what: &str, content: &Value) -> Value {
        self.version += 1;
        let Type { api_version, kind, content: field, .. } = type_of(plural);
        let object = json!({
            "apiVersion": api_version, "kind": kind, field: content,
            "metadata": {
                "name": name, "namespace": "default", "uid": name,
                "resourceVersion": self.version.to_string(),
                "labels": {"directory-sync.io/directory": "acme"},
            },
        });
        let event = json!({"type": what, "object": object});
        self.events.push(Happening { version: self.version, plural: plural.to_owned(), event });
        object
    }

    /// The events of a kind after a version, one to a line; none if the store does not know them any
    /// more.
    fn since(&self, plural: &str, version: u64) -> Option<String> {
        let after = |happening: &&Happening| happening.version > version && happening.plural == plural;
        let lines = self.events.iter().filter(after).map(|happening| format!("{}\n", happening.event));
        (version >= self.oldest).then(|| lines.collect())
    }
}

/// What is to be known of a kind of objects.
struct Type {
    api_version: &'static str,
    kind: &'static str,
    /// The field that a test writes.
    content: &'static str,
    /// Which of the objects an application may ask for.
    selector: (&'static str, &'static str),
}

fn type_of(plural: &str) -> Type {
    let mirror = |kind| Type {
        api_version: "directory-sync.io/v1alpha1",
        kind,
        content: "spec",
        selector: ("labelSelector", "directory-sync.io/directory=acme"),
    };
    match plural {
        "directoryusers" => mirror("DirectoryUser"),
        "directorygroups" => mirror("DirectoryGroup"),
        "directoryslices" => mirror("DirectorySlice"),
        _ => Type {
            api_version: "v1",
            kind: "ConfigMap",
            content: "data",
            selector: ("fieldSelector", "metadata.name=people"),
        },
    }
}

impl Apiserver {
    /// Starts one without mirrors.
    pub async fn start(expiry: Expiry) -> Self {
        let shared = Arc::new(Shared { expiry, store: Mutex::default(), version: watch::Sender::new(0) });
        let mirrors = "/apis/directory-sync.io/v1alpha1/namespaces/default/{plural}";
        let routes = axum::Router::new()
            .route(mirrors, get(answer))
            .route(&format!("{mirrors}/{{name}}"), get(one))
            .route("/api/v1/namespaces/default/{plural}", get(answer))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });

        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "stand-in",
            "clusters": [{"name": "stand-in", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "stand-in", "user": {"token": "anybody"}}],
            "contexts": [{"name": "stand-in", "context": {
                "cluster": "stand-in", "user": "stand-in", "namespace": "default",
            }}],
        });
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { shared, server, folder }
    }

    /// The kubeconfig that leads to it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Creates or changes a mirror.
    pub fn put(&self, plural: &str, name: &str, spec: &Value) {
        self.change(|store| store.put(plural, name, spec));
    }

    /// Changes mirrors in one step.
    pub fn change(&self, change: impl FnOnce(&mut Store)) {
        let mut store = self.shared.store.lock().unwrap();
        change(&mut store);
        self.shared.version.send_replace(store.version);
    }

    /// Changes mirrors and forgets everything that ever happened, in one step: all watches end, and nobody
    /// is told of the change.
    pub fn untold(&self, change: impl FnOnce(&mut Store)) {
        self.change(|store| {
            change(store);
            store.events.clear();
            store.oldest = store.version;
        });
    }

    /// How many watches of a kind were told that they have expired.
    pub fn expired(&self, plural: &str) -> usize {
        self.shared.store.lock().unwrap().expired.get(plural).copied().unwrap_or_default()
    }
}

impl Drop for Apiserver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, UrlPath(plural): UrlPath<String>, uri: Uri) -> Response {
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let is = |name: &str, value: &str| query.get(name).is_some_and(|found| found == value);
    // Whoever reads more than the Directory's mirrors, or the ConfigMap, is told so.
    let (selector, wanted) = type_of(&plural).selector;
    if !is(selector, wanted) {
        return refuse(
            StatusCode::BAD_REQUEST,
            &json!({"message": format!("not the right selector: {uri}")}),
        );
    }
    if is("sendInitialEvents", "true") {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, &no_streamed_list());
    }
    // Clients say `true` or `1`.
    if query.get("watch").is_some_and(|value| value != "false") {
        let version = query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
        return follow(shared, plural, version);
    }
    list(&shared.store.lock().unwrap(), &plural)
}

/// One mirror by its name.
async fn one(State(shared): State<Arc<Shared>>, UrlPath(key): UrlPath<(String, String)>) -> Response {
    let found = shared.store.lock().unwrap().objects.get(&key).cloned();
    found.map_or_else(
        || refuse(StatusCode::NOT_FOUND, &not_found()),
        |object| ([(header::CONTENT_TYPE, "application/json")], object.to_string()).into_response(),
    )
}

fn list(store: &Store, plural: &str) -> Response {
    let items: Vec<&Value> =
        store.objects.iter().filter(|((of, _), _)| of == plural).map(|(_, object)| object).collect();
    let Type { api_version, kind, .. } = type_of(plural);
    let list = json!({
        "apiVersion": api_version, "kind": format!("{kind}List"),
        "metadata": {"resourceVersion": store.version.to_string()}, "items": items,
    });
    ([(header::CONTENT_TYPE, "application/json")], list.to_string()).into_response()
}

/// A watch: the events after a version, until the store does not know them any more.
fn follow(shared: Arc<Shared>, plural: String, version: u64) -> Response {
    let known = version >= shared.store.lock().unwrap().oldest;
    let told = !known || matches!(shared.expiry, Expiry::WhileOpen);
    let changes = shared.version.subscribe();
    let watch = Watch { shared, plural, seen: version, told, ended: false, changes };
    let events = stream::unfold(watch, async |mut watch| {
        let lines = watch.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(lines)), watch))
    });
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(events)).into_response()
}

/// One open watch.
struct Watch {
    shared: Arc<Shared>,
    plural: String,
    /// The version up to which it has been told everything.
    seen: u64,
    /// Whether it is told when it has expired.
    told: bool,
    ended: bool,
    changes: watch::Receiver<u64>,
}

impl Watch {
    /// The next events, when there are any; none at the end.
    async fn next(&mut self) -> Option<String> {
        while !self.ended {
            let lines = self.lines()?;
            if !lines.is_empty() {
                return Some(lines);
            }
            self.changes.changed().await.ok()?;
        }
        None
    }

    fn lines(&mut self) -> Option<String> {
        let mut store = self.shared.store.lock().unwrap();
        let Some(lines) = store.since(&self.plural, self.seen) else {
            self.ended = true;
            let gone = gone(&format!("too old resource version: {} ({})", self.seen, store.oldest));
            return self.told.then(|| {
                *store.expired.entry(self.plural.clone()).or_default() += 1;
                format!("{}\n", json!({"type": "ERROR", "object": gone}))
            });
        };
        self.seen = store.version;
        Some(lines)
    }
}

/// Lists that come as events of a watch are refused, as an apiserver does that does not have them:
/// clients know how to go on without.
fn no_streamed_list() -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Invalid",
        "message": "sendInitialEvents is forbidden for watch", "code": 422,
    })
}

fn not_found() -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound",
        "message": "it is not there", "code": 404,
    })
}

fn refuse(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
