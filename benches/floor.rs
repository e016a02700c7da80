//! The bare loop: creates the same objects with the same concurrency, and does nothing else.

use std::time::{Duration, Instant};

use directory_sync::api::{DirectoryGroup, DirectorySlice, DirectoryUser, FIELD_MANAGER, GROUP, VERSION};
use directory_sync::sink::pace::MOST_IN_FLIGHT;
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, Request, header};
use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::cluster::Cluster;

/// An object as it is sent, but for its namespace.
#[derive(Clone, Debug)]
pub struct Body {
    plural: String,
    json: String,
}

/// Stands in a body where the namespace goes.
const NAMESPACE: &str = "@namespace@";

/// The bodies of all mirrors in a namespace, people first, as the operator sent them.
pub async fn bodies(namespace: &str) -> Vec<Body> {
    let mut bodies = bodies_of::<DirectoryUser>(namespace).await;
    bodies.extend(bodies_of::<DirectoryGroup>(namespace).await);
    bodies
}

/// The bodies of the groups alone.
pub async fn bodies_of_groups(namespace: &str) -> Vec<Body> {
    bodies_of::<DirectoryGroup>(namespace).await
}

/// Creates the objects in a namespace; returns how long that took.
pub async fn create(bodies: &[Body], namespace: &str) -> Duration {
    let client = Cluster::get().client();
    // What the loop sends is ready before it begins.
    let requests: Vec<Request<Vec<u8>>> = bodies.iter().map(|body| body.request(namespace)).collect();
    let begun = Instant::now();
    stream::iter(requests)
        .map(|request| send(&client, request))
        .buffer_unordered(MOST_IN_FLIGHT)
        .try_collect::<()>()
        .await
        .unwrap();
    begun.elapsed()
}

/// Deletes all mirrors of a namespace.
pub async fn clear(namespace: &str) {
    clear_kind::<DirectoryGroup>(namespace).await;
    clear_kind::<DirectoryUser>(namespace).await;
    clear_kind::<DirectorySlice>(namespace).await;
}

impl Body {
    fn of<K: Resource<DynamicType = ()> + Serialize>(mut object: K) -> Self {
        *object.meta_mut() = ObjectMeta {
            name: object.meta().name.clone(),
            namespace: Some(NAMESPACE.into()),
            labels: Some(object.labels().clone()),
            annotations: Some(object.annotations().clone()),
            ..ObjectMeta::default()
        };
        Self { plural: K::plural(&()).into_owned(), json: serde_json::to_string(&object).unwrap() }
    }

    fn request(&self, namespace: &str) -> Request<Vec<u8>> {
        let uri = format!(
            "/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{}?fieldManager={FIELD_MANAGER}",
            self.plural
        );
        let body = self.json.replace(NAMESPACE, namespace).into_bytes();
        Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap()
    }
}

/// Sends a request and reads the answer, without looking at it.
async fn send(client: &Client, request: Request<Vec<u8>>) -> Result<(), kube::Error> {
    client.request_text(request).await.map(drop)
}

async fn bodies_of<K>(namespace: &str) -> Vec<Body>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Serialize,
{
    let api = Api::<K>::namespaced(Cluster::get().client(), namespace);
    let mut page = ListParams::default().limit(2_000);
    let mut bodies = Vec::new();
    loop {
        let list = api.list(&page).await.unwrap();
        bodies.extend(list.items.into_iter().map(Body::of));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return bodies,
        }
    }
}

async fn clear_kind<K>(namespace: &str)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let api = Api::<K>::namespaced(Cluster::get().client(), namespace);
    api.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
}
