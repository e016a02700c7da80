//! How many requests the apiserver was sent, and how it answered: the metric of client-go's clients.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::client::Body;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tower::{Layer, Service};

/// In the place of a code, where there was no answer; as client-go has it.
const NO_ANSWER: &str = "<error>";

/// Requests by what came of them. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Requests(Family<Labels, Counter>);

/// By what requests are told apart: never by what they are about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    code: String,
    method: String,
    host: String,
}

impl Requests {
    /// Names what is shown.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests to the apiserver, by method and code of the answer";
        registry.register("rest_client_requests", help, self.0.clone());
    }

    /// Counts the requests of a client to a host.
    #[must_use]
    pub fn to(&self, host: &str) -> Counting {
        Counting { requests: self.clone(), host: host.to_owned() }
    }
}

/// Counts what passes through it.
#[derive(Clone, Debug)]
pub struct Counting {
    requests: Requests,
    host: String,
}

impl Counting {
    fn count(&self, method: &Method, code: String) {
        let labels = Labels { code, method: method.to_string(), host: self.host.clone() };
        self.requests.0.get_or_create(&labels).inc();
    }
}

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Counted { inner, counting: self.clone() }
    }
}

/// A service whose requests are counted.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    inner: S,
    counting: Counting,
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (method, counting) = (request.method().clone(), self.counting.clone());
        let answer = self.inner.call(request);
        answer
            .inspect(move |answer| {
                let code = answer.as_ref().map(|answer| answer.status().as_str().to_owned());
                counting.count(&method, code.unwrap_or_else(|_| NO_ANSWER.to_owned()));
            })
            .boxed()
    }
}
