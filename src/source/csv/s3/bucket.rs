//! A bucket and the files below a prefix of it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, GetOptions, ObjectStore, RetryConfig};
use reqwest::Certificate;
use url::Url;

use super::failure::Failures;
use super::http::Connector;
use super::spec::S3Folder;
use crate::source::csv::files::{File, Folder, MAX_LISTED, Names, Place, too_many};
use crate::source::csv::rows::Chunks;
use crate::source::egress::Unreached;
use crate::source::{Egress, Material, Reference, SourceError};

/// Key of the Secret with the name of the access key.
const ACCESS_KEY_ID: &str = "accessKeyID";
/// Key of the Secret with the access key itself.
const SECRET_ACCESS_KEY: &str = "secretAccessKey";
/// Key of the Secret with what proves that credentials which expire are still good.
const SESSION_TOKEN: &str = "sessionToken";
/// Key of the ConfigMap or Secret with the authorities' certificates.
const CA: &str = "ca.crt";

/// Files asked for in one request: as many as a store lists at most.
const PAGE: usize = 1_000;

/// A bucket, the account, and the prefix below which files are.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    /// Ends with `/` unless it is empty.
    prefix: String,
    name: String,
    failures: Arc<Failures>,
    /// The host and port of the settings, where they name one.
    endpoint: Option<(String, u16)>,
    egress: Egress,
}

impl Bucket {
    /// Takes settings and credentials together.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] that names the field, or the object and its key.
    pub fn new(spec: &S3Folder, material: &Material, timeout: Duration) -> Result<Self, SourceError> {
        let from = spec.credentials_secret_ref.reference();
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&spec.bucket)
            .with_region(&spec.region)
            .with_access_key_id(material.require_text(&from, ACCESS_KEY_ID)?.trim())
            .with_secret_access_key(material.require_text(&from, SECRET_ACCESS_KEY)?.trim())
            .with_client_options(ClientOptions::new().with_allow_http(spec.insecure.is_some()))
            .with_http_connector(connector(spec, material, timeout)?)
            .with_retry(retry(timeout));
        if material.get(&from, SESSION_TOKEN).is_some() {
            builder = builder.with_token(material.require_text(&from, SESSION_TOKEN)?.trim());
        }
        if let Some(endpoint) = &spec.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        let store = builder.build().map_err(|_| {
            SourceError::misconfigured(
                "the settings of spec.provider.csv.from.s3 do not fit together; check endpoint, bucket, region and caRef",
            )
        })?;
        let prefix = spec.prefix.trim_end_matches('/');
        let (prefix, below) = match prefix {
            "" => (String::new(), String::new()),
            prefix => (format!("{prefix}/"), format!(" below {prefix}/")),
        };
        let at = spec.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
        let name = format!("bucket {}{below}{at}", spec.bucket);
        let failures = Arc::new(Failures { bucket: name.clone(), region: spec.region.clone(), from });
        let endpoint = spec.endpoint.as_ref().and_then(|endpoint| host_and_port(endpoint));
        Ok(Self {
            store: Arc::new(store),
            prefix,
            name,
            failures,
            endpoint,
            egress: material.egress().clone(),
        })
    }
}

fn host_and_port(endpoint: &str) -> Option<(String, u16)> {
    let url = Url::parse(endpoint).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.port_or_known_default()?))
}

fn connector(spec: &S3Folder, material: &Material, timeout: Duration) -> Result<Connector, SourceError> {
    let authorities = spec.ca_ref.as_ref().map(|object| authorities(&object.reference(), material));
    Ok(Connector {
        egress: material.egress().clone(),
        authorities: authorities.transpose()?,
        plain: spec.insecure.is_some(),
        timeout,
    })
}

fn authorities(from: &Reference, material: &Material) -> Result<Vec<Certificate>, SourceError> {
    let certificates = Certificate::from_pem_bundle(material.require(from, CA)?).unwrap_or_default();
    if certificates.is_empty() {
        return Err(SourceError::misconfigured(format!(
            "{from} key '{CA}' holds no usable certificate; put the PEM certificates of the store's authorities there"
        )));
    }
    Ok(certificates)
}

/// Once more, soon: what does not pass by then waits for the next sync.
fn retry(timeout: Duration) -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 1, retry_timeout: timeout }
}

impl Place for Bucket {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Folder>, SourceError>> {
        async move {
            // The client would say of a refused address only that it did not connect, and asks no
            // resolver about an address that is written out.
            if let Some((host, port)) = &self.endpoint
                && let Err(Unreached::Refused(refused)) = self.egress.resolve(host, *port).await
            {
                return Err(refused.into());
            }
            Ok(Box::new(self.clone()) as Box<dyn Folder>)
        }
        .boxed()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Folder for Bucket {
    fn list<'a>(&'a mut self, wanted: &'a Names) -> BoxFuture<'a, Result<Vec<File>, SourceError>> {
        async move {
            let (mut files, mut seen, mut page_token) = (Vec::new(), 0, None);
            loop {
                let options = PaginatedListOptions {
                    delimiter: Some("/".into()),
                    max_keys: Some(PAGE),
                    page_token,
                    ..PaginatedListOptions::default()
                };
                let prefix = (!self.prefix.is_empty()).then_some(self.prefix.as_str());
                let page = self.store.list_paginated(prefix, options).await;
                let page = page.map_err(|error| self.failures.listing(&error))?;
                // A page without a file counts as well, so that a store that never ends is noticed.
                seen += page.result.objects.len().max(1);
                files.extend(page.result.objects.into_iter().filter_map(|object| {
                    let name = object.location.filename().filter(|name| wanted.part(name).is_some())?;
                    Some(File {
                        name: name.to_owned(),
                        size: object.size,
                        modified: object.last_modified.timestamp(),
                        version: object.e_tag,
                    })
                }));
                page_token = page.page_token;
                match &page_token {
                    None => return Ok(files),
                    Some(_) if seen >= MAX_LISTED => return Err(too_many(&self.name)),
                    Some(_) => {}
                }
            }
        }
        .boxed()
    }

    fn open<'a>(&'a mut self, file: &'a File) -> BoxFuture<'a, Result<Chunks, SourceError>> {
        async move {
            let path = Path::parse(format!("{}{}", self.prefix, file.name))
                .map_err(|_| self.failures.unusable_name(&file.name))?;
            // What comes is what was looked at, or nothing.
            let options = GetOptions { if_match: file.version.clone(), ..GetOptions::default() };
            let (failures, name) = (Arc::clone(&self.failures), file.name.clone());
            let answer = self.store.get_opts(&path, options).await;
            let answer = answer.map_err(|error| failures.reading(&error, &name))?;
            let pieces = answer.into_stream();
            Ok(pieces.map(move |piece| piece.map_err(|error| failures.reading(&error, &name))).boxed())
        }
        .boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}
