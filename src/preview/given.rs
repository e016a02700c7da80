//! What a person hands over on the command line: a Directory, and the Secrets and ConfigMaps it
//! names, as manifests or as folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use crate::api::Directory;
use crate::check::report::Problem;
use crate::check::{Checker, Manifests, Severity, files};
use crate::source::{Reference, ReferenceKind};

/// The keys and values of a Secret or ConfigMap.
type Data = Vec<(String, Vec<u8>)>;

/// Manifests and folders, read.
pub struct Given {
    manifests: Manifests,
    folders: BTreeMap<Reference, Data>,
}

impl Given {
    /// Reads manifests, and folders that stand for Secrets and ConfigMaps as `NAME=FOLDER`.
    ///
    /// # Errors
    /// When a file cannot be read, or `directory-sync check` would find an error.
    pub fn read(paths: &[PathBuf], secrets: &[String], config_maps: &[String]) -> anyhow::Result<Self> {
        let manifests = Checker::new()?.read(&files::read(paths)?);
        let problems = manifests.report.problems.iter();
        let errors: Vec<String> =
            problems.filter(|problem| problem.severity == Severity::Error).map(Problem::to_string).collect();
        if !errors.is_empty() {
            bail!("{}", errors.join("\n"));
        }
        let mut folders = BTreeMap::new();
        for (kind, named) in [(ReferenceKind::Secret, secrets), (ReferenceKind::ConfigMap, config_maps)] {
            for named in named {
                let (name, folder) = named
                    .split_once('=')
                    .ok_or_else(|| anyhow!("'{named}' is not NAME=FOLDER, as in acme-ldap=./acme-ldap"))?;
                let keys = read_folder(Path::new(folder)).with_context(|| folder.to_owned())?;
                folders.insert(Reference { kind, name: name.to_owned() }, keys);
            }
        }
        Ok(Self { manifests, folders })
    }

    /// The Directory that is meant.
    ///
    /// # Errors
    /// When there is none, or several and none is named.
    pub fn directory(&self, name: Option<&str>) -> anyhow::Result<Directory> {
        let mut directories = self.manifests.directories();
        let names: Vec<String> =
            directories.iter().filter_map(|directory| directory.metadata.name.clone()).collect();
        directories.retain(|directory| name.is_none() || directory.metadata.name.as_deref() == name);
        match (directories.pop(), directories.is_empty()) {
            (Some(directory), true) => Ok(directory),
            (Some(_), false) => {
                bail!("the manifests have the Directories {}: choose one with --directory", names.join(", "))
            }
            (None, _) if names.is_empty() => bail!("the manifests have no Directory"),
            (None, _) => bail!("the manifests have only the Directories {}", names.join(", ")),
        }
    }

    /// What was given for a reference from a Directory in `namespace`; a folder goes before a
    /// manifest.
    #[must_use]
    pub fn data(&self, reference: &Reference, namespace: Option<&str>) -> Option<&[(String, Vec<u8>)]> {
        let folder = self.folders.get(reference).map(Vec::as_slice);
        folder.or_else(|| self.manifests.data(reference, namespace))
    }
}

/// Every file of a folder by its name, as a mounted Secret has it; hidden ones are not keys.
fn read_folder(folder: &Path) -> anyhow::Result<Data> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with('.') && path.is_file() {
            keys.push((name, fs::read(&path)?));
        }
    }
    Ok(keys)
}
