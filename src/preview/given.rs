//! What a person hands over on the command line: a Directory, and the Secrets and ConfigMaps it
//! names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::Value;

use crate::api::Directory;
use crate::source::{Material, Reference, ReferenceKind};

/// Manifests and folders, read.
#[derive(Default)]
pub struct Given {
    directories: Vec<Directory>,
    objects: BTreeMap<Reference, Vec<(String, Vec<u8>)>>,
}

impl Given {
    /// Reads manifests, and folders that stand for Secrets and ConfigMaps.
    ///
    /// # Errors
    /// When a file cannot be read or is no manifest.
    pub fn read(files: &[PathBuf], secrets: &[String], config_maps: &[String]) -> anyhow::Result<Self> {
        let mut given = Self::default();
        for file in files {
            given.add_file(file).with_context(|| file.display().to_string())?;
        }
        for (kind, folders) in [(ReferenceKind::Secret, secrets), (ReferenceKind::ConfigMap, config_maps)] {
            for named in folders {
                let (name, folder) = named
                    .split_once('=')
                    .ok_or_else(|| anyhow!("'{named}' is not NAME=FOLDER, as in acme-ldap=./acme-ldap"))?;
                let reference = Reference { kind, name: name.to_owned() };
                let keys = read_folder(Path::new(folder)).with_context(|| folder.to_owned())?;
                given.objects.insert(reference, keys);
            }
        }
        Ok(given)
    }

    /// The Directory that is meant.
    ///
    /// # Errors
    /// When there is none, or several and none is named.
    pub fn directory(&self, name: Option<&str>) -> anyhow::Result<Directory> {
        let names: Vec<&str> =
            self.directories.iter().filter_map(|directory| directory.metadata.name.as_deref()).collect();
        let wanted = |directory: &&Directory| name.is_none() || directory.metadata.name.as_deref() == name;
        let mut found = self.directories.iter().filter(wanted);
        match (found.next(), found.next()) {
            (Some(directory), None) => Ok(directory.clone()),
            (Some(_), Some(_)) => {
                bail!("the manifests have the Directories {}: choose one with --directory", names.join(", "))
            }
            (None, _) if names.is_empty() => bail!("the manifests have no Directory"),
            (None, _) => bail!("the manifests have only the Directories {}", names.join(", ")),
        }
    }

    /// Whether an object is given.
    #[must_use]
    pub fn has(&self, reference: &Reference) -> bool {
        self.objects.contains_key(reference)
    }

    /// Hands over everything that is given.
    pub fn add_to(self, material: &mut Material) {
        for (reference, data) in self.objects {
            material.insert(reference, data);
        }
    }

    fn add_file(&mut self, file: &Path) -> anyhow::Result<()> {
        let text = if file == Path::new("-") {
            std::io::read_to_string(std::io::stdin().lock())?
        } else {
            fs::read_to_string(file)?
        };
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text)?;
        documents
            .into_iter()
            .filter(|document| !document.is_null())
            .try_for_each(|document| self.add(document))
    }

    fn add(&mut self, document: Value) -> anyhow::Result<()> {
        match document["kind"].as_str() {
            Some("Directory") => self.directories.push(serde_json::from_value(document)?),
            Some("Secret") => {
                let secret: Secret = serde_json::from_value(document)?;
                let data = secret.data.into_iter().flatten().map(|(key, value)| (key, value.0));
                let text = secret.string_data.into_iter().flatten();
                let text = text.map(|(key, value)| (key, value.into_bytes()));
                self.object(ReferenceKind::Secret, secret.metadata.name, data.chain(text).collect());
            }
            Some("ConfigMap") => {
                let map: ConfigMap = serde_json::from_value(document)?;
                let text = map.data.into_iter().flatten().map(|(key, value)| (key, value.into_bytes()));
                let data = map.binary_data.into_iter().flatten().map(|(key, value)| (key, value.0));
                self.object(ReferenceKind::ConfigMap, map.metadata.name, text.chain(data).collect());
            }
            _ => {}
        }
        Ok(())
    }

    fn object(&mut self, kind: ReferenceKind, name: Option<String>, data: Vec<(String, Vec<u8>)>) {
        self.objects.insert(Reference { kind, name: name.unwrap_or_default() }, data);
    }
}

/// Every file of a folder by its name, as a mounted Secret has it; hidden ones are not keys.
fn read_folder(folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
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
