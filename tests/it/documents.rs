//! The documents: what they show is accepted by the apiserver, and their links lead somewhere.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use directory_sync::api::Directory;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject};

use crate::support::cluster::Cluster;
use crate::support::definitions;
use crate::support::manifest::{self, kind};
use crate::support::operator::Operator;
use crate::support::wait::eventually;

/// All documents of the project: those in its root, and all below `docs`, `examples` and `dev`.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<PathBuf> = files(root).filter(|path| has_extension(path, "md")).collect();
    found.extend(below(&["docs", "examples", "dev"].map(|folder| root.join(folder)), "md"));
    found.sort();
    found
}

/// All manifests below `examples`.
fn examples() -> Vec<PathBuf> {
    below(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")], "yaml")
}

/// The files of a kind below folders, at any depth.
fn below(folders: &[PathBuf], extension: &str) -> Vec<PathBuf> {
    let mut folders = folders.to_vec();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        folders.extend(files(&folder).filter(|path| path.is_dir() && !path.ends_with("target")));
        found.extend(files(&folder).filter(|path| has_extension(path, extension)));
    }
    found.sort();
    found
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// The blocks of a document that are fenced as a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            Some(_) if line.trim_start() == "```" => found.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line.trim_start() == format!("```{language}") => open = Some(String::new()),
            None => {}
        }
    }
    found
}

/// The text without code between backticks: a regular expression can look like a link.
fn without_code(text: &str) -> String {
    let words = |line: &str| line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect::<Vec<_>>().join("\n")
}

/// A namespace in which what the documents show is tried out.
struct Desk {
    client: kube::Client,
    namespace: String,
    directories: usize,
}

impl Desk {
    async fn new() -> Self {
        let cluster = Cluster::get();
        definitions::install(cluster).await;
        let namespace = cluster.namespace("documents").await;
        Self { client: cluster.client(), namespace, directories: 0 }
    }

    /// Fails unless the apiserver would take every object of a text, field by field.
    async fn try_out(&mut self, path: &Path, yaml: &str) {
        for mut object in manifest::parse(yaml) {
            // Readers have a namespace of their own, too.
            object.metadata.namespace = None;
            self.directories += usize::from(kind(&object) == "Directory");
            manifest::apply(&self.client, &self.namespace, &object, true).await.unwrap_or_else(|error| {
                panic!("{}: {} {}: {error}", path.display(), kind(&object), object.name_any());
            });
        }
    }
}

#[tokio::test]
async fn every_manifest_that_the_documents_show_is_accepted() {
    let mut desk = Desk::new().await;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in blocks(&text, "yaml").iter().filter(|block| block.starts_with("apiVersion:")) {
            desk.try_out(&document, block).await;
        }
    }
    assert!(
        desk.directories > 3,
        "only {} Directories were found: the blocks are not read",
        desk.directories
    );
}

#[tokio::test]
async fn every_example_is_accepted() {
    let mut desk = Desk::new().await;
    let mut names = HashSet::new();
    for example in examples() {
        let text = fs::read_to_string(&example).unwrap();
        desk.try_out(&example, &text).await;
        for object in manifest::parse(&text) {
            // One kubectl apply of the folder is for all of them.
            let name = (kind(&object).to_owned(), object.name_any());
            assert!(names.insert(name.clone()), "{}: {name:?} is in another file, too", example.display());
        }
    }
    assert!(desk.directories > 7, "only {} Directories were found: the files are not read", desk.directories);
}

#[tokio::test]
async fn an_example_that_names_no_server_works_as_it_is() {
    let cluster = Cluster::get();
    let namespace = cluster.namespace("examples").await;
    let operator = Operator::start(cluster, &namespace).await;
    let mut expected = Vec::new();
    for example in examples() {
        let objects = manifest::parse(&fs::read_to_string(&example).unwrap());
        let needs_no_server = |object: &DynamicObject| {
            let from = &object.data["spec"]["provider"]["csv"]["from"];
            !from["configMap"].is_null() || !from["secret"].is_null()
        };
        if !objects.iter().any(needs_no_server) {
            continue;
        }
        for object in &objects {
            manifest::apply(&cluster.client(), &namespace, object, false).await.unwrap();
        }
        expected.extend(objects.iter().filter(|object| needs_no_server(object)).map(ResourceExt::name_any));
    }
    assert!(expected.len() >= 3, "{expected:?}");
    let directories = Api::<Directory>::namespaced(cluster.client(), &namespace);
    for name in expected {
        eventually(&format!("{name} is Ready"), Duration::from_secs(60), async || {
            let status = directories.get(&name).await.unwrap().status.unwrap_or_default();
            let is_ready = |condition: &Condition| condition.type_ == "Ready" && condition.status == "True";
            let works =
                status.conditions.iter().any(is_ready) && status.users.is_some_and(|users| users.active > 1);
            if works { Ok(()) } else { Err(format!("{:?}\n{}", status.conditions, operator.log())) }
        })
        .await;
    }
}

#[test]
fn every_link_between_documents_leads_to_a_file() {
    let mut followed = 0;
    for document in documents() {
        let text = without_code(&fs::read_to_string(&document).unwrap());
        let folder = document.parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let path = link.split('#').next().unwrap();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            followed += 1;
            assert!(folder.join(path).exists(), "{}: {link} leads nowhere", document.display());
        }
    }
    assert!(followed > 10, "only {followed} links were found: they are not read");
}
