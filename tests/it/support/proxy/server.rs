//! The inside of the proxy: ends TLS, asks what is to become of each request, and does it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kube::config::Kubeconfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Asked, Shared, Verdict};
use crate::support::ldap::certificates::Certificate;

type Body = Either<Incoming, Full<Bytes>>;

/// The real apiserver.
pub struct Upstream {
    host: String,
    port: u16,
    tls: TlsConnector,
}

impl Upstream {
    pub fn of(kubeconfig: &Kubeconfig) -> Self {
        let cluster = kubeconfig.clusters[0].cluster.clone().unwrap();
        let url: url::Url = cluster.server.unwrap().parse().unwrap();
        let authority = match cluster.certificate_authority_data {
            Some(data) => data_encoding::BASE64.decode(data.as_bytes()).unwrap(),
            None => std::fs::read(cluster.certificate_authority.unwrap()).unwrap(),
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&authority).map(Result::unwrap));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let (host, port) = (url.host_str().unwrap().to_owned(), url.port_or_known_default().unwrap());
        Self { host, port, tls: TlsConnector::from(Arc::new(config)) }
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Incoming>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let stream = self.tls.connect(ServerName::try_from(self.host.clone())?, stream).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with its sender.
        tokio::spawn(connection);
        Ok(sender)
    }
}

pub fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(certificate.pem.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Serves connections for ever.
pub async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (acceptor, shared) = (acceptor.clone(), shared.clone());
                // What goes wrong on a connection shows in what its client makes of it.
                connections.spawn(async move { drop(serve_connection(stream, acceptor, shared).await) });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    // One connection behind each, as without a proxy. Requests on it come one after the other.
    let upstream = tokio::sync::Mutex::new(None);
    let answer = service_fn(|request| answer(&shared, &upstream, request));
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await?;
    Ok(())
}

type Connection = tokio::sync::Mutex<Option<SendRequest<Incoming>>>;

/// An error cuts the connection.
async fn answer(
    shared: &Shared,
    upstream: &Connection,
    request: Request<Incoming>,
) -> anyhow::Result<Response<Body>> {
    let query = request.uri().query().unwrap_or_default();
    let asked = Asked {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        watch: query.split('&').any(|part| part == "watch=true"),
    };
    let waits = asked.is_write() && shared.in_order.load(Ordering::Relaxed);
    let _turn = if waits { Some(shared.turn.lock().await) } else { None };
    let decide = shared.decide.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match decide(&asked) {
        Verdict::Pass => forward(shared, upstream, request).await,
        Verdict::Delay(time) => {
            tokio::time::sleep(time).await;
            forward(shared, upstream, request).await
        }
        Verdict::Hold(mut go) => {
            go.wait_for(|go| *go).await?;
            forward(shared, upstream, request).await
        }
        Verdict::Answer { status, headers, body } => {
            let mut answer = Response::builder().status(status).header("content-type", "application/json");
            for (name, value) in headers {
                answer = answer.header(name, value);
            }
            Ok(answer.body(Either::Right(Full::from(body)))?)
        }
        Verdict::Drop => anyhow::bail!("the request is lost"),
        Verdict::Swallow(then) => {
            forward(shared, upstream, request).await?;
            then();
            anyhow::bail!("the answer is lost")
        }
        Verdict::CutShort => {
            let (mut head, body) = forward(shared, upstream, request).await?.into_parts();
            let body = body.collect().await.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
            // It announces more than it has, upon which the server gives the connection up.
            head.headers.remove(hyper::header::TRANSFER_ENCODING);
            head.headers.insert(hyper::header::CONTENT_LENGTH, body.len().into());
            Ok(Response::from_parts(head, Either::Right(Full::from(body.slice(..body.len() / 2)))))
        }
    }
}

async fn forward(
    shared: &Shared,
    upstream: &Connection,
    request: Request<Incoming>,
) -> anyhow::Result<Response<Body>> {
    let mut upstream = upstream.lock().await;
    let sender = match upstream.take().filter(|sender| !sender.is_closed()) {
        Some(mut sender) => match sender.ready().await {
            Ok(()) => sender,
            Err(_) => shared.upstream.connect().await?,
        },
        None => shared.upstream.connect().await?,
    };
    let answer = upstream.insert(sender).send_request(request).await?;
    Ok(answer.map(Either::Left))
}
