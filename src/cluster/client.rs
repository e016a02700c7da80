//! The two clients: one for watches, which may be silent for minutes, one for everything else,
//! where silence means that the server is gone.

use std::time::Duration;

use kube::{Client, Config};

/// How long the apiserver may be silent while a request is under way.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Clients for the two uses.
#[derive(Clone)]
pub struct Clients {
    /// For watches: bounded by the watcher's own idle time-out.
    pub watch: Client,
    /// For reads and writes: bounded by [`REQUEST_TIMEOUT`], never retried behind our back, since
    /// a repeated create looks like somebody else's object.
    pub request: Client,
}

impl Clients {
    /// Builds both clients from one configuration.
    ///
    /// # Errors
    /// When the configuration's certificates or credentials cannot be used.
    pub fn new(config: Config) -> Result<Self, kube::Error> {
        let mut request = config.clone();
        request.read_timeout = Some(REQUEST_TIMEOUT);
        request.write_timeout = Some(REQUEST_TIMEOUT);
        request.default_retry = false;
        Ok(Self { watch: Client::try_from(config)?, request: Client::try_from(request)? })
    }
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
        other => format!("the apiserver could not be reached: {other}"),
    }
}
