//! What a person hands over on the command line: a Directory, and the Secrets and ConfigMaps it
//! names, as manifests or as folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};

use crate::api::Directory;
use crate::check::report::Problem;
use crate::check::{Checker, Identity, Manifests, files};
use crate::source::{Reference, ReferenceKind};

/// The keys and values of a Secret or ConfigMap.
type Data = Vec<(String, Vec<u8>)>;

/// Manifests and folders, read.
pub struct Given {
    manifests: Manifests,
    folders: BTreeMap<Reference, Data>,
}

/// A folder that stands for a Secret or ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Name of the object.
    pub name: String,
    /// Where its keys are.
    pub path: PathBuf,
}

impl FromStr for Folder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            _ => Err("it is not NAME=FOLDER, as in acme-ldap=./acme-ldap".to_owned()),
        }
    }
}

impl Given {
    /// Reads manifests, and folders that stand for Secrets and ConfigMaps.
    ///
    /// # Errors
    /// When a file or folder cannot be read.
    pub fn read(paths: &[PathBuf], secrets: &[Folder], config_maps: &[Folder]) -> anyhow::Result<Self> {
        let manifests = Checker::new()?.read(&files::read(paths)?);
        let mut folders = BTreeMap::new();
        for (kind, named) in [(ReferenceKind::Secret, secrets), (ReferenceKind::ConfigMap, config_maps)] {
            for Folder { name, path } in named {
                let keys = read_folder(path)
                    .with_context(|| format!("{kind} {name}: the folder {}", path.display()))?;
                folders.insert(Reference { kind, name: name.clone() }, keys);
            }
        }
        Ok(Self { manifests, folders })
    }

    /// The Directory that is meant, of which and of what it names `directory-sync check` finds no error.
    /// The namespace decides between several of one name.
    ///
    /// # Errors
    /// When there is none, or several and none is named; when something is wrong with it, or with what it
    /// names.
    pub fn directory(&self, name: Option<&str>, namespace: Option<&str>) -> anyhow::Result<Directory> {
        let all = self.manifests.directories();
        let mut meant: Vec<&Identity> =
            all.iter().filter(|directory| name.is_none_or(|name| directory.name == name)).collect();
        let here = |directory: &Identity| directory.namespace.as_deref() == namespace;
        if namespace.is_some() && meant.iter().any(|directory| here(directory)) {
            meant.retain(|directory| here(directory));
        }
        match meant.as_slice() {
            [one] => self.sound(one),
            [] if all.is_empty() => {
                stop(self.manifests.errors())?;
                bail!("the manifests have no Directory")
            }
            [] => {
                stop(self.manifests.unreadable())?;
                bail!("the manifests have only the Directories {}", listed(&all))
            }
            _ => bail!(
                "the manifests have the Directories {}: choose one with --directory, and --namespace where they have \
                 one name",
                listed(&all)
            ),
        }
    }

    /// A Directory, when nothing is wrong with it or with what it names.
    fn sound(&self, which: &Identity) -> anyhow::Result<Directory> {
        stop(self.manifests.errors_of(which))?;
        let directory = self.manifests.directory(which);
        let directory = directory.with_context(|| format!("the Directory {which} cannot be read"))?;
        let namespace = which.namespace.as_deref();
        for reference in directory.spec.provider.provider().references() {
            if self.folders.contains_key(&reference) {
                continue;
            }
            stop(self.manifests.errors_in(&reference, namespace))?;
            // What is missing may be in what cannot be read.
            if self.manifests.data(&reference, namespace).is_none() {
                stop(self.manifests.unreadable())?;
            }
        }
        Ok(directory)
    }

    /// What was given as a folder and is not among these.
    #[must_use]
    pub fn besides(&self, references: &[Reference]) -> Vec<&Reference> {
        self.folders.keys().filter(|given| !references.contains(given)).collect()
    }

    /// What was given for a reference from a Directory in `namespace`; a folder goes before a
    /// manifest.
    #[must_use]
    pub fn data(&self, reference: &Reference, namespace: Option<&str>) -> Option<&[(String, Vec<u8>)]> {
        let folder = self.folders.get(reference).map(Vec::as_slice);
        folder.or_else(|| self.manifests.data(reference, namespace))
    }
}

/// Fails with errors, if there are any.
fn stop<'a>(errors: impl Iterator<Item = &'a Problem>) -> anyhow::Result<()> {
    let errors: Vec<String> = errors.map(Problem::to_string).collect();
    if errors.is_empty() { Ok(()) } else { bail!("{}", errors.join("\n")) }
}

fn listed(directories: &[Identity]) -> String {
    directories.iter().map(Identity::to_string).collect::<Vec<_>>().join(", ")
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
