//! What the apiserver says of the operator's rights, which it goes by a moment after they have changed.

use k8s_openapi::api::authorization::v1::{
    LocalSubjectAccessReview, ResourceAttributes, SubjectAccessReviewSpec,
};
use kube::api::{ObjectMeta, PostParams};

use super::stage::{LIMIT, Stage};
use super::wait::eventually;

impl Stage {
    /// Waits until the operator may, or may not, do something with all objects of a resource in its namespace.
    pub async fn operator_may(&self, verb: &str, group: &str, resource: &str, expected: bool) {
        let review = LocalSubjectAccessReview {
            metadata: ObjectMeta { namespace: Some(self.namespace.clone()), ..ObjectMeta::default() },
            spec: SubjectAccessReviewSpec {
                user: Some(format!("system:serviceaccount:{}:directory-sync", self.namespace)),
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(self.namespace.clone()),
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    verb: Some(verb.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..LocalSubjectAccessReview::default()
        };
        eventually("the operator's rights have changed", LIMIT, async || {
            let answer = self.api::<LocalSubjectAccessReview>().create(&PostParams::default(), &review).await;
            let status = answer.unwrap().status;
            if status.as_ref().is_some_and(|status| status.allowed == expected) {
                Ok(())
            } else {
                Err(format!("{verb} {resource}: {status:?}"))
            }
        })
        .await;
    }
}
