//! The clients: one for watches, which may be silent for minutes; one for the work, which sends
//! nothing unless this process may write; one for what has to be asked whether it may or not.

use std::time::Duration;

use http::uri::Authority;
use http::{HeaderValue, Uri, header};
use hyper_timeout::TimeoutConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{ClientBuilder, ConfigExt};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

use super::fenced::FencedConnector;
use super::lease::Fence;
use super::requests::{Counting, Requests};

/// How long the apiserver may be silent while a request is under way.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Clients for the three uses.
#[derive(Clone)]
pub struct Clients {
    /// For watches: bounded by the watcher's own idle time-out.
    pub watch: Client,
    /// For the work: bounded by [`REQUEST_TIMEOUT`], never retried behind our back, since a repeated
    /// create looks like somebody else's object, and silent while the fence is closed.
    pub request: Client,
    /// For the Lease itself, and for looking at the cluster: as [`Clients::request`], whatever the
    /// fence says.
    pub unfenced: Client,
}

impl Clients {
    /// Builds the clients from one configuration. The apiserver's audit log names `identity` in each
    /// request's user agent. What the work sends is given up when it is not acknowledged within
    /// `delivery`. Requests are counted in `requests`.
    ///
    /// # Errors
    /// When the configuration's certificates or credentials cannot be used.
    pub fn new(
        mut config: Config,
        identity: &str,
        fence: Fence,
        delivery: Option<Duration>,
        requests: &Requests,
    ) -> Result<Self, kube::Error> {
        let agent = format!("directory-sync/{} ({identity})", env!("CARGO_PKG_VERSION"));
        let agent = HeaderValue::try_from(agent).map_err(|error| kube::Error::HttpError(error.into()))?;
        config.headers.push((header::USER_AGENT, agent));
        let mut request = config.clone();
        request.read_timeout = Some(REQUEST_TIMEOUT);
        request.write_timeout = Some(REQUEST_TIMEOUT);
        request.default_retry = false;
        let counting = requests.to(config.cluster_url.authority().map_or("", Authority::as_str));
        Ok(Self {
            watch: ClientBuilder::try_from(config)?.with_layer(&counting).build(),
            unfenced: ClientBuilder::try_from(request.clone())?.with_layer(&counting).build(),
            request: fenced(&request, FencedConnector::new(fence, delivery), &counting)?,
        })
    }
}

/// The stack that `Client::try_from` makes, upon connections of another kind.
fn fenced(config: &Config, connector: FencedConnector, counting: &Counting) -> Result<Client, kube::Error> {
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    let http = hyper_util::client::legacy::Builder::new(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).with_layer(counting).build())
}

/// A sentence for a person about a failed request. The body of the answer stays out of it unless
/// the apiserver itself wrote it as a status.
#[must_use]
pub fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => {
            format!("the apiserver answered {} {}: {}", status.code, status.reason, status.message)
        }
        kube::Error::SerdeError(_) => "the apiserver's answer could not be understood".to_owned(),
        kube::Error::Service(error) => {
            format!("the apiserver could not be reached: {}", with_causes(error.as_ref()))
        }
        other => format!("the apiserver could not be reached: {other}"),
    }
}

/// As [`explain`], for whoever may have meant another cluster: where this one is.
#[must_use]
pub fn explain_at(error: &kube::Error, cluster: &Uri) -> String {
    format!("{} (the cluster at {})", explain(error), address(cluster))
}

/// The host and port of a url, without a name and password that may stand before them.
#[must_use]
pub fn address(url: &Uri) -> String {
    let authority = url.authority().map_or("", Authority::as_str);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}://{host}", url.scheme_str().unwrap_or("https"))
}

/// An error and what led to it, from the nearest to the farthest. The first names no cause of a connection
/// that did not come about.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let cause = cause.to_string();
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_cannot_be_reached_is_told_with_address_and_cause() {
        let here = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = here.local_addr().unwrap().port();
        drop(here);
        let url: Uri = format!("http://canary:canary@127.0.0.1:{port}").parse().unwrap();
        let client =
            Client::try_from(Config::new(format!("http://127.0.0.1:{port}").parse().unwrap())).unwrap();
        let told = explain_at(&client.apiserver_version().await.unwrap_err(), &url);
        assert!(
            told.starts_with("the apiserver could not be reached: ") && told.contains("refused"),
            "{told}"
        );
        assert!(told.ends_with(&format!("(the cluster at http://127.0.0.1:{port})")), "{told}");
    }
}
