//! A proxy before the real apiserver that goes wrong on purpose, for one operator.
//!
//! It ends TLS and understands HTTP, so a test decides request by request what becomes of it: passed
//! on, answered by the proxy itself, held, or lost before or after the apiserver has done it. The
//! connection as a whole can stall or be cut, as when a network is split.

pub mod holding;
mod link;
mod server;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::{Method, StatusCode};
use kube::config::Kubeconfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use link::Link;
use server::Upstream;

use super::cluster::Cluster;
use super::ldap::certificates::Authority;

/// What a test is told of a request before anything is done with it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// Whether it asks to be told of changes from now on.
    pub watch: bool,
}

impl Asked {
    /// Whether it would change an object. Reviews of rights and Events do not count, nor does the
    /// Lease.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET
            && ["/events", "/selfsubjectaccessreviews", "/leases"]
                .iter()
                .all(|besides| !self.path.contains(besides))
    }
}

/// What becomes of a request.
pub enum Verdict {
    /// The apiserver does it, and its answer is passed on.
    Pass,
    /// As [`Verdict::Pass`], but later.
    Delay(Duration),
    /// As [`Verdict::Pass`], but not before the channel says true, whatever the client does
    /// meanwhile: the network has it.
    Hold(watch::Receiver<bool>),
    /// The proxy answers itself, and the apiserver never sees it.
    Answer { status: StatusCode, headers: Vec<(&'static str, String)>, body: String },
    /// The apiserver never sees it, and the connection is cut.
    Drop,
    /// The apiserver does it, then something is done, and the connection is cut without an answer.
    Swallow(Box<dyn FnOnce() + Send>),
    /// The apiserver does it, and the connection is cut in the middle of its answer.
    CutShort,
}

impl Verdict {
    /// An answer as the apiserver writes it when something is wrong.
    pub fn refusal(code: u16, reason: &str) -> Self {
        let status = StatusCode::from_u16(code).unwrap();
        Self::Answer { status, headers: Vec::new(), body: failure(code, reason).to_string() }
    }

    /// As [`Verdict::refusal`], in the words of a watch that the apiserver has begun.
    pub fn refusal_within_a_watch(code: u16, reason: &str) -> Self {
        let event = serde_json::json!({"type": "ERROR", "object": failure(code, reason)});
        Self::Answer { status: StatusCode::OK, headers: Vec::new(), body: format!("{event}\n") }
    }
}

fn failure(code: u16, reason: &str) -> serde_json::Value {
    serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("{reason}, says the proxy"), "reason": reason, "code": code,
    })
}

type Decide = dyn Fn(&Asked) -> Verdict + Send + Sync;

/// The proxy; ends when dropped, with all its connections.
pub struct Proxy {
    port: u16,
    authority: String,
    link: watch::Sender<Link>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    upstream: Upstream,
    decide: Mutex<Arc<Decide>>,
    /// Whether each write waits for the one before.
    in_order: AtomicBool,
    /// Held by such a write from its decision to its answer.
    turn: tokio::sync::Mutex<()>,
}

impl Proxy {
    /// A proxy that passes everything on.
    pub async fn start(cluster: &Cluster) -> Self {
        Self::before(&cluster.administrator()).await
    }

    /// As [`Proxy::start`], before the apiserver of a kubeconfig.
    pub async fn before(kubeconfig: &Kubeconfig) -> Self {
        let authority = Authority::new();
        let acceptor = server::acceptor(&authority.certificate_for("127.0.0.1"));
        let shared = Arc::new(Shared {
            upstream: Upstream::of(kubeconfig),
            decide: Mutex::new(Arc::new(|_| Verdict::Pass)),
            in_order: AtomicBool::new(false),
            turn: tokio::sync::Mutex::default(),
        });
        let outer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, inside) = (outer.local_addr().unwrap().port(), inner.local_addr().unwrap());
        let (link, state) = watch::channel(Link::Whole);
        let serve = server::serve(inner, acceptor, shared.clone());
        let relay = link::relay(outer, inside, state);
        // Both hold their connections, so all end with the task.
        let task = tokio::spawn(async move {
            tokio::join!(serve, relay);
        });
        Self { port, authority: authority.pem, link, shared, task }
    }

    /// Decides about every request from now on.
    pub fn decide(&self, decide: impl Fn(&Asked) -> Verdict + Send + Sync + 'static) {
        *self.shared.decide.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(decide);
    }

    /// From now on a write is decided about only when the one before has been answered.
    pub fn one_write_at_a_time(&self) {
        self.shared.in_order.store(true, Ordering::Relaxed);
    }

    /// Changes what becomes of bytes, whatever requests they belong to.
    pub fn link(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// Points a kubeconfig at the proxy.
    pub fn redirect(&self, kubeconfig: &mut Kubeconfig) {
        for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
            cluster.server = Some(format!("https://127.0.0.1:{}", self.port));
            cluster.certificate_authority = None;
            cluster.certificate_authority_data =
                Some(data_encoding::BASE64.encode(self.authority.as_bytes()));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}
