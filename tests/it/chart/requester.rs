//! Somebody who asks things of the apiserver, and what they are allowed.

use std::collections::BTreeSet;

use http::{Method, Request, StatusCode};
use k8s_openapi::api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use kube::Client;
use kube::api::{Api, PostParams};

/// What somebody may do, as `RESOURCE VERB`.
pub type Rights = BTreeSet<String>;

/// Somebody whose rights are looked at.
pub struct Requester(pub Client);

impl Requester {
    /// Whether the apiserver would do it. Nothing is done: writes are dry runs, and rights are looked at before
    /// objects, so a 404 or a complaint about the body is the answer to somebody who may.
    pub async fn may(&self, request: &str) -> bool {
        self.may_with(request, &[]).await
    }

    /// As [`Requester::may`], with more headers.
    pub async fn may_with(&self, request: &str, headers: &[(&str, &str)]) -> bool {
        let (method, path) = request.split_once(' ').expect("METHOD PATH");
        let method: Method = method.parse().expect("a method of HTTP");
        let separator = if path.contains('?') { '&' } else { '?' };
        let uri = match method {
            Method::GET => path.to_owned(),
            _ => format!("{path}{separator}dryRun=All"),
        };
        let content_type =
            if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let body = if method == Method::GET { Vec::new() } else { b"{}".to_vec() };
        let mut request = Request::builder().method(method).uri(uri).header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match self.0.request_text(request.body(body).unwrap()).await {
            Ok(_) => true,
            Err(kube::Error::Api(status)) => status.code != StatusCode::FORBIDDEN.as_u16(),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    pub async fn assert_may(&self, requests: &[String]) {
        for request in requests {
            assert!(self.may(request).await, "{request} is refused");
        }
    }

    pub async fn assert_may_not(&self, requests: &[String]) {
        for request in requests {
            assert!(!self.may(request).await, "{request} is allowed");
        }
    }

    /// All that the apiserver says of somebody's rights in a namespace, but for what everybody may: to ask for their own.
    pub async fn rights(&self, namespace: &str) -> Rights {
        let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
        let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
        let reviews: Api<SelfSubjectRulesReview> = Api::all(self.0.clone());
        let status = reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap();
        assert!(!status.incomplete, "{status:?}");
        let mut rights = Rights::new();
        for rule in status.resource_rules {
            for resource in
                rule.resources.iter().flatten().filter(|resource| !resource.starts_with("selfsubject"))
            {
                rights.extend(rule.verbs.iter().map(|verb| format!("{resource} {verb}")));
            }
        }
        rights
    }
}
