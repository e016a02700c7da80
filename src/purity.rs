//! Keeps `model`, `normalize`, `plan` and `slice` pure: they use no cluster client, no runtime, no network.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates and modules that do I/O.
const IMPURE: &[&str] = &[
    "kube",
    "k8s_openapi",
    "tokio",
    "tokio_util",
    "futures",
    "tower",
    "reqwest",
    "hyper",
    "ldap3",
    "rustls",
    "axum",
];

/// Parts of the standard library that do I/O or tell the time.
const IMPURE_STD: &[&str] = &["std::net", "std::fs", "std::env", "std::process", "std::time"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Whether a line of code names a crate as the beginning of a path.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
    })
}

fn impure(line: &str) -> bool {
    let line = code(line);
    IMPURE.iter().any(|name| names_crate(line, name)) || IMPURE_STD.iter().any(|path| line.contains(path))
}

#[test]
fn the_pure_modules_do_no_io() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for module in ["model", "normalize", "plan", "slice"] {
        let folder = root.join(module);
        if folder.is_dir() {
            sources(&folder, &mut found);
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    let lines: Vec<String> = found
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let impure: Vec<String> = text
                .lines()
                .enumerate()
                .filter(|(_, line)| impure(line))
                .map(|(number, line)| format!("{}:{}: {line}", path.display(), number + 1))
                .collect();
            impure
        })
        .collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn io_would_be_noticed() {
    assert!(impure("use kube::Client;"));
    assert!(impure("    let x = tokio::spawn(async {});"));
    assert!(impure("use std::fs::File;"));
    assert!(!impure("use crate::model::User; // not kube::Client"));
    assert!(!impure("use my_kube::Thing;"));
}
