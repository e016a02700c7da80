//! The documents: what they show is accepted by the apiserver, and their links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use kube::ResourceExt;

use crate::support::cluster::Cluster;
use crate::support::manifest::{self, kind};

/// All documents of the project, by path below its root.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("docs"), root.join("examples")];
    found.extend(files(root).filter(|path| is_markdown(path)));
    while let Some(folder) = folders.pop() {
        folders.extend(files(&folder).filter(|path| path.is_dir()));
        found.extend(files(&folder).filter(|path| is_markdown(path)));
    }
    found.sort();
    found
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path())
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
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

#[tokio::test]
async fn every_manifest_that_the_documents_show_is_accepted() {
    let cluster = Cluster::get();
    let definitions = directory_sync::api::crd::all().unwrap();
    cluster.install_crds(definitions.iter().map(|crd| serde_json::to_value(crd).unwrap())).await;
    let namespace = cluster.namespace("documents").await;
    let client = cluster.client();
    let mut directories = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in blocks(&text, "yaml").iter().filter(|block| block.starts_with("apiVersion:")) {
            for mut object in manifest::parse(block) {
                // Readers have a namespace of their own, too.
                object.metadata.namespace = None;
                directories += usize::from(kind(&object) == "Directory");
                manifest::apply(&client, &namespace, &object, true).await.unwrap_or_else(|error| {
                    panic!("{}: {} {}: {error}", document.display(), kind(&object), object.name_any());
                });
            }
        }
    }
    assert!(directories > 3, "only {directories} Directories were found: the blocks are not read");
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
