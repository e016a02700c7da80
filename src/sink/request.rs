//! One request of the writer: sent when its turn has come, and again when the apiserver wants to be
//! spared first; and those requests that are alike for every form of mirrors.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::client::Body;
use kube::core::{PartialObjectMeta, Status};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;
use tokio::time::Instant;

use super::object::{Lacking, uid_text};
use super::pace::Answer;
use super::writer::Writer;
use crate::api::{DirectoryUser, LABEL_DIRECTORY};

/// Asks for an object's metadata alone: a group's answer is a tenth as large.
const METADATA_ONLY: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");

/// How long a request is tried that is answered with 429 again and again.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the apiserver is spared when it says that it is too much and not for how long.
const SPARED_UNASKED: Duration = Duration::from_secs(1);

/// A request with a body of JSON.
fn request(
    method: Method,
    uri: &str,
    content_type: &str,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, kube::Error> {
    let request = Request::builder().method(method).uri(uri).header(header::CONTENT_TYPE, content_type);
    request.body(body).map_err(kube::Error::HttpError)
}

impl Writer<'_> {
    /// Reads an object.
    pub(super) async fn get<T: DeserializeOwned>(&self, uri: &str) -> Result<T, kube::Error> {
        self.answer(request(Method::GET, uri, "application/json", Vec::new())?).await
    }

    /// Sends a request; returns the metadata of the object as it is then. The label by which an object of
    /// ours is recognised is in it even if somebody has removed that.
    pub(super) async fn send(
        &self,
        method: Method,
        uri: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<ObjectMeta, kube::Error> {
        let metadata = self.metadata(request(method, uri, content_type, body)?).await?;
        Ok(self.labelled(metadata))
    }

    /// Reads an object's metadata, as [`Self::send`] returns them, and which maps it has not; `None` when
    /// there is no such object.
    pub(super) async fn look(&self, uri: &str) -> Result<Option<(ObjectMeta, Lacking)>, kube::Error> {
        match self.metadata(request(Method::GET, uri, "application/json", Vec::new())?).await {
            Ok(found) => {
                let lacking = Lacking::of(&found);
                Ok(Some((self.labelled(found), lacking)))
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn metadata(&self, mut request: Request<Vec<u8>>) -> Result<ObjectMeta, kube::Error> {
        request.headers_mut().insert(header::ACCEPT, METADATA_ONLY);
        // Of whatever kind: the metadata of all of them have one form.
        let object: PartialObjectMeta<DirectoryUser> = self.answer(request).await?;
        Ok(object.metadata)
    }

    fn labelled(&self, mut metadata: ObjectMeta) -> ObjectMeta {
        let labels = metadata.labels.get_or_insert_default();
        labels.insert(LABEL_DIRECTORY.into(), self.owner.directory.clone());
        metadata
    }

    /// Deletes an object if it is still as it was observed. One that is gone already is no failure.
    pub(super) async fn delete_as_observed(
        &self,
        uri: &str,
        uid: u128,
        resource_version: u64,
    ) -> Result<(), kube::Error> {
        let body = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": uid_text(uid), "resourceVersion": resource_version.to_string()},
        });
        let request = request(Method::DELETE, uri, "application/json", body.to_string().into_bytes())?;
        match self.answer::<IgnoredAny>(request).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Sends a request when its turn has come. One that was answered with 429 has not been carried out,
    /// and is sent again.
    async fn answer<T: DeserializeOwned>(&self, request: Request<Vec<u8>>) -> Result<T, kube::Error> {
        let (parts, body) = request.into_parts();
        let body = Bytes::from(body);
        let begun = Instant::now();
        loop {
            let again = begun.elapsed() < PATIENCE && !self.cancel.is_cancelled();
            match self.once(Request::from_parts(parts.clone(), body.clone())).await {
                Err(kube::Error::Api(status)) if again && is_throttled(status.code) => {}
                Err(error) => return Err(error),
                Ok(answer) => return serde_json::from_slice(&answer).map_err(kube::Error::SerdeError),
            }
        }
    }

    async fn once(&self, request: Request<Bytes>) -> Result<Bytes, kube::Error> {
        let turn = tokio::select! {
            turn = self.pace.turn(request.body().len()) => turn,
            () = self.cancel.cancelled() => return Err(kube::Error::Service("the operator stops".into())),
        };
        let answer = match self.client.send(request.map(Body::from)).await {
            Ok(answer) => answer,
            Err(error) => {
                turn.end(Answer::TooMuch { spare: None });
                return Err(error);
            }
        };
        let (code, spare) = (answer.status(), spare(&answer));
        let body = answer.into_body().collect_bytes().await;
        turn.end(if body.is_ok() && !is_too_much(code) { Answer::Taken } else { Answer::TooMuch { spare } });
        let body = body?;
        if code.is_success() { Ok(body) } else { Err(refusal(code, &body)) }
    }
}

const fn is_throttled(code: u16) -> bool {
    code == StatusCode::TOO_MANY_REQUESTS.as_u16()
}

const fn is_too_much(code: StatusCode) -> bool {
    matches!(code.as_u16(), 429 | 503 | 504)
}

/// For how long the apiserver wants to be spared.
fn spare<B>(answer: &Response<B>) -> Option<Duration> {
    let asked = answer.headers().get(header::RETRY_AFTER);
    let seconds = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
    seconds.or_else(|| is_throttled(answer.status().as_u16()).then_some(SPARED_UNASKED))
}

/// The error that a refusal is; not everything that answers writes a `Status`.
fn refusal(code: StatusCode, body: &[u8]) -> kube::Error {
    let status = serde_json::from_slice::<Status>(body).unwrap_or_else(|_| {
        let reason = code.canonical_reason().unwrap_or("unknown");
        Status::failure(String::from_utf8_lossy(body).trim(), reason).with_code(code.as_u16())
    });
    kube::Error::Api(status.boxed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, retry_after: Option<&str>) -> Response<()> {
        let mut answer = Response::builder().status(code);
        if let Some(value) = retry_after {
            answer = answer.header(header::RETRY_AFTER, value);
        }
        answer.body(()).unwrap()
    }

    #[test]
    fn the_time_that_an_answer_asks_for_is_kept_and_a_second_where_it_asks_for_none() {
        assert_eq!(spare(&answer(429, Some("7"))), Some(Duration::from_secs(7)));
        assert_eq!(spare(&answer(503, Some("2"))), Some(Duration::from_secs(2)));
        assert_eq!(spare(&answer(429, None)), Some(SPARED_UNASKED));
        assert_eq!(spare(&answer(429, Some("in a while"))), Some(SPARED_UNASKED));
        assert_eq!(spare(&answer(500, None)), None);
    }

    #[test]
    fn a_refusal_says_what_the_apiserver_said_be_it_a_status_or_not() {
        let plain = refusal(StatusCode::TOO_MANY_REQUESTS, b"Too many requests, please try again later.\n");
        let kube::Error::Api(status) = plain else { panic!("{plain}") };
        assert_eq!((status.code, status.reason.as_str()), (429, "Too Many Requests"));
        let written = Status::failure("no", "AlreadyExists").with_code(409);
        let status = refusal(StatusCode::CONFLICT, &serde_json::to_vec(&written).unwrap());
        assert!(matches!(status, kube::Error::Api(status) if status.reason == "AlreadyExists"));
    }
}
