//! The HTTP client with which a store is asked: it connects where a source may, trusts whom the
//! settings say, and follows no redirect, which could lead anywhere.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use reqwest::Certificate;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::source::Egress;
use crate::source::egress::Unreached;

/// Makes the client; takes the place of the store's own.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Where it may connect.
    pub egress: Egress,
    /// Whose certificates are trusted; the system's authorities without it.
    pub authorities: Option<Vec<Certificate>>,
    /// Whether `http://` is allowed.
    pub plain: bool,
    /// For a connection, and between two pieces of an answer: a large file may take longer.
    pub timeout: Duration,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("directory-sync/", env!("CARGO_PKG_VERSION")))
            .https_only(!self.plain)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Resolver(self.egress.clone())))
            .connect_timeout(self.timeout)
            .read_timeout(self.timeout);
        if let Some(authorities) = &self.authorities {
            builder = builder.tls_certs_only(authorities.iter().cloned());
        }
        let client = builder
            .build()
            .map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(HttpClient::new(client))
    }
}

/// Names lead only to addresses that may be connected to.
#[derive(Debug)]
struct Resolver(Egress);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.0.clone();
        async move {
            let found = egress.resolve(name.as_str(), 0).await.map_err(|unreached| match unreached {
                Unreached::Refused(refused) => refused.into(),
                Unreached::Failed(error) => error.into(),
                Unreached::Unknown => {
                    Box::<dyn std::error::Error + Send + Sync>::from("the name is not known")
                }
            })?;
            Ok(Box::new(found.into_iter()) as Addrs)
        }
        .boxed()
    }
}
