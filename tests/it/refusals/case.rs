//! One refusal: a manifest with a mistake, its nearest valid neighbour, and the words for it.

use serde_json::{Value, json};

/// What a constraint is called in a schema. Rules of CEL are all called `rule`.
pub type Keyword = &'static str;

/// A manifest that is refused next to one that is accepted.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where the two differ: `spec.mapping[0].attribute`, `spec.provider.csv.users.columns{email}`.
    pub path: String,
    /// The constraint that is proved.
    pub keyword: Keyword,
    /// What else both manifests have.
    given: Vec<(&'static str, Value)>,
    /// The mistake; null for a field that is left out.
    refused: Value,
    /// The nearest value that is right; null for a field that is left out.
    accepted: Value,
    /// Words of the refusal.
    pub says: String,
}

impl Case {
    pub fn new(
        path: impl Into<String>,
        keyword: Keyword,
        refused: Value,
        accepted: Value,
        says: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), keyword, given: Vec::new(), refused, accepted, says: says.into() }
    }

    /// What else both manifests have.
    pub fn given(mut self, path: &'static str, value: Value) -> Self {
        self.given.push((path, value));
        self
    }

    /// The manifest with the mistake.
    pub fn bad(&self) -> Value {
        self.manifest(&self.refused)
    }

    /// The manifest without it.
    pub fn good(&self) -> Value {
        self.manifest(&self.accepted)
    }

    fn manifest(&self, value: &Value) -> Value {
        let mut manifest = base(&self.path);
        for (path, value) in &self.given {
            set(&mut manifest, path, value);
        }
        set(&mut manifest, &self.path, value);
        manifest
    }
}

/// A valid Directory that has what a path leads through.
pub fn base(path: &str) -> Value {
    let provider = if path.starts_with("spec.provider.csv.from.sftp") {
        json!({"csv": {"from": {"sftp": {
            "host": "sftp.acme.example",
            "user": "acme",
            "hostKeys": [format!("SHA256:{}", "A".repeat(43))],
            "credentialsSecretRef": {"name": "acme-sftp"},
        }}}})
    } else if path.starts_with("spec.provider.csv.from.s3") {
        json!({"csv": {"from": {"s3": {"bucket": "acme-hr", "credentialsSecretRef": {"name": "acme-s3"}}}}})
    } else if path.starts_with("spec.provider.csv") {
        json!({"csv": {"from": {"configMap": {"name": "people"}}}})
    } else if path.starts_with("spec.provider.activeDirectory") {
        json!({"activeDirectory": {
            "urls": ["ldaps://dc1.ad.acme.example"],
            "credentialsSecretRef": {"name": "acme-ad"},
        }})
    } else {
        json!({"ldap": {"url": "ldaps://ldap.acme.example", "users": {"baseDN": "ou=people,dc=acme,dc=example"}}})
    };
    json!({
        "apiVersion": "directory-sync.io/v1alpha1",
        "kind": "Directory",
        "metadata": {"name": "acme"},
        "spec": {"provider": provider},
    })
}

/// Sets what a path leads to, and makes what it leads through; null takes it away.
pub fn set(manifest: &mut Value, path: &str, value: &Value) {
    let steps = steps(path);
    let (last, way) = steps.split_last().expect("a path is not empty");
    let mut at = manifest;
    for step in way {
        at = enter(at, step);
    }
    match value {
        Value::Null => drop(at.as_object_mut().and_then(|object| object.remove(last))),
        value => *enter(at, last) = value.clone(),
    }
}

/// `a.b[0].c{d}` as `a`, `b`, `0`, `c`, `d`.
fn steps(path: &str) -> Vec<String> {
    path.split(['.', '[', ']', '{', '}']).filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

fn enter<'v>(at: &'v mut Value, step: &str) -> &'v mut Value {
    let Ok(place) = step.parse::<usize>() else { return &mut at[step] };
    if at.is_null() {
        *at = json!([]);
    }
    let list = at.as_array_mut().expect("a number leads into a list");
    while list.len() <= place {
        list.push(Value::Null);
    }
    &mut list[place]
}
