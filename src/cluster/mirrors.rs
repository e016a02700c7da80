//! Reads the mirrors of a Directory in whatever form they are, as an application does: objects page by
//! page, or one consistent view of its slices.

use std::time::Duration;

use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::ApiResource;
use kube::{Client, ResourceExt};
use serde_json::{Map, Value};

use crate::api::{DirectoryGroup, DirectorySlice, DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::client::explain;
use crate::model::Kind;
use crate::slice::view::Mirrored;
use crate::slice::{SliceName, Unfit, View};

/// Objects in one answer of the apiserver.
const PAGE: u32 = 500;
/// Slices in one answer of the apiserver: a slice has about ten kilobytes.
const SLICES_PAGE: u32 = 100;
/// How often slices are read again that are being written.
const TRIES: usize = 20;
/// How long to wait before that.
const PAUSE: Duration = Duration::from_millis(250);

/// Why mirrors could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The apiserver did not answer, or refused.
    #[error("{}", explain(.0))]
    Cluster(#[from] kube::Error),
    /// The slices make no view.
    #[error("the slices of this Directory cannot be read: {0}")]
    Unfit(#[from] Unfit),
}

/// Where the mirrors of one Directory are.
#[derive(Clone)]
pub struct Place<'a> {
    /// The way to the apiserver.
    pub client: &'a Client,
    /// The Directory's namespace.
    pub namespace: &'a str,
    /// The Directory's name.
    pub directory: &'a str,
}

impl Place<'_> {
    /// Visits all people or all groups.
    ///
    /// # Errors
    /// See [`ReadError`]; or with the visitor's own error.
    pub async fn visit<E: From<ReadError>>(
        &self,
        kind: Kind,
        mut visitor: impl FnMut(Mirrored) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.view().await? {
            Some(view) => view.visit::<Visited<E>>(kind, |mirrored| visitor(mirrored).map_err(Visited::Own)),
            None => return self.visit_objects(kind, visitor).await,
        }
        .map_err(|error| match error {
            Visited::Own(error) => error,
            Visited::Unfit(unfit) => ReadError::from(unfit).into(),
        })
    }

    /// One consistent view of the slices; `None` when the mirrors are objects.
    ///
    /// # Errors
    /// When the apiserver does not answer, or the slices are still no view after some seconds.
    pub async fn view(&self) -> Result<Option<View>, ReadError> {
        let slices: Api<DirectorySlice> = Api::namespaced(self.client.clone(), self.namespace);
        let manifest = SliceName::Manifest.object_name(self.directory);
        let mut torn = Unfit::NoManifest;
        for _ in 0..TRIES {
            if slices.get_metadata_opt(&manifest).await?.is_none() {
                return Ok(None);
            }
            match View::of(self.directory, self.slices(&slices).await?) {
                Ok(view) => return Ok(Some(view)),
                Err(unfit @ (Unfit::Torn(_) | Unfit::NoManifest)) => torn = unfit,
                Err(unfit) => return Err(unfit.into()),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(torn.into())
    }

    async fn slices(&self, slices: &Api<DirectorySlice>) -> Result<Vec<(String, String)>, kube::Error> {
        let mut which = self.which(SLICES_PAGE);
        let mut all = Vec::new();
        loop {
            let page = slices.list(&which).await?;
            let next = page.metadata.continue_.filter(|token| !token.is_empty());
            all.extend(page.items.into_iter().map(|slice| (slice.name_any(), slice.spec.payload)));
            match next {
                Some(token) => which.continue_token = Some(token),
                None => return Ok(all),
            }
        }
    }

    async fn visit_objects<E: From<ReadError>>(
        &self,
        kind: Kind,
        mut visitor: impl FnMut(Mirrored) -> Result<(), E>,
    ) -> Result<(), E> {
        let resource = match kind {
            Kind::User => ApiResource::erase::<DirectoryUser>(&()),
            Kind::Group => ApiResource::erase::<DirectoryGroup>(&()),
        };
        let objects: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), self.namespace, &resource);
        let mut which = self.which(PAGE);
        loop {
            let page = objects.list(&which).await.map_err(ReadError::from)?;
            let next = page.metadata.continue_.filter(|token| !token.is_empty());
            for mut object in page.items {
                let spec = object.data.get_mut("spec").map(Value::take);
                let spec =
                    spec.and_then(|spec| if let Value::Object(spec) = spec { Some(spec) } else { None });
                visitor(Mirrored { name: object.name_any(), spec: spec.unwrap_or_else(Map::new) })?;
            }
            match next {
                Some(token) => which.continue_token = Some(token),
                None => return Ok(()),
            }
        }
    }

    fn which(&self, page: u32) -> ListParams {
        ListParams::default().labels(&format!("{LABEL_DIRECTORY}={}", self.directory)).limit(page)
    }
}

/// What ends a visit of a view.
enum Visited<E> {
    Own(E),
    Unfit(Unfit),
}

impl<E> From<Unfit> for Visited<E> {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}
