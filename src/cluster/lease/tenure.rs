//! What the parts that write know of the Lease: under which name they work, and how to make sure
//! that they still may.

use std::sync::Arc;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use tokio_util::sync::CancellationToken;

/// The right to write, from taking the Lease to losing it. Cheap to clone.
#[derive(Clone)]
pub struct Tenure(Arc<Inner>);

struct Inner {
    identity: String,
    lease: Option<(Api<Lease>, String)>,
    over: CancellationToken,
}

impl Tenure {
    /// Of a process that works only while it holds a Lease.
    #[must_use]
    pub fn of_lease(identity: &str, leases: Api<Lease>, name: &str) -> Self {
        Self::new(identity, Some((leases, name.to_owned())))
    }

    /// Of a process that is the only one.
    #[must_use]
    pub fn alone(identity: &str) -> Self {
        Self::new(identity, None)
    }

    fn new(identity: &str, lease: Option<(Api<Lease>, String)>) -> Self {
        Self(Arc::new(Inner { identity: identity.to_owned(), lease, over: CancellationToken::new() }))
    }

    /// The name of this process, which no other has.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.0.identity
    }

    /// Asks the apiserver whether this process holds the Lease. If not, the tenure is over.
    ///
    /// Whoever reads an object, then makes sure by this, and then writes the object with the version
    /// that was read, cannot write over a later holder: that one has written after it took the Lease,
    /// so the version is another.
    ///
    /// # Errors
    /// When the apiserver does not answer: then nothing is known.
    pub async fn confirm(&self) -> Result<bool, kube::Error> {
        let Some((leases, name)) = &self.0.lease else { return Ok(true) };
        let found = leases.get_opt(name).await?;
        let holder = found.and_then(|lease| lease.spec).and_then(|spec| spec.holder_identity);
        let held = holder.as_deref() == Some(self.identity());
        if !held {
            self.0.over.cancel();
        }
        Ok(held)
    }

    /// Ends once it is known that the tenure is over.
    pub async fn over(&self) {
        self.0.over.cancelled().await;
    }
}
