//! One request of the writer: sent when its turn has come, and again when the apiserver wants to be
//! spared first.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use kube::client::Body;
use kube::core::Status;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::pace::Answer;
use super::writer::Writer;

/// How long a request is tried that is answered with 429 again and again.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the apiserver is spared when it says that it is too much and not for how long.
const SPARED_UNASKED: Duration = Duration::from_secs(1);

impl Writer<'_> {
    /// Sends a request when its turn has come. One that was answered with 429 has not been carried out,
    /// and is sent again.
    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<T, kube::Error> {
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
