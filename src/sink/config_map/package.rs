//! Files of people and groups, cut where one ConfigMap does not hold them, with their index.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::form::Form;
use super::roster::{MAX_ROSTER_BYTES, Roster};
use crate::api::config_map::FileFormat;
use crate::model::Kind;

/// The most bytes of content that one ConfigMap is given. The apiserver takes 1 MiB.
pub const MAX_BYTES: usize = 800_000;
/// The most ConfigMaps beside the index.
pub const MAX_SHARDS: usize = 64;
/// The key of the index.
pub const INDEX: &str = "index.json";

/// How many characters of a hash stand for a content.
const CONTENT_CHARACTERS: usize = 12;

/// Files that belong together, and where each of them stands.
#[derive(Debug)]
pub struct Package {
    /// Name of the ConfigMap that has the index.
    pub name: String,
    /// SHA-256 over the hashes and keys of all files.
    pub hash: String,
    /// Stands for the name, the hash and whether shards may change; part of the names of shards.
    pub content: String,
    /// Whether the files are bytes and not text.
    pub binary: bool,
    /// Whether all files stand in shards that never change.
    pub immutable: bool,
    /// The files, in order.
    pub files: Vec<File>,
    /// The index as JSON.
    pub index: String,
    /// People in it.
    pub users: usize,
    /// Groups in it.
    pub groups: usize,
}

/// A file in a ConfigMap. What is skipped is not in the index.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Name of the ConfigMap.
    pub config_map: String,
    /// Its key.
    pub key: String,
    kind: &'static str,
    records: usize,
    sha256: String,
    /// Its content.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// Why people and groups cannot be put into ConfigMaps.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// There is too much of it.
    #[error(
        "there are more than {MAX_ROSTER_BYTES} bytes of people and groups, or more than {MAX_SHARDS} ConfigMaps of \
         {MAX_BYTES} bytes would be needed; narrow spec.scope, list fewer attributes in spec.output.configMap.attributes, \
         set gzip, or watch the mirrors instead"
    )]
    TooLarge,
    /// One record does not fit.
    #[error(
        "one person or group takes {0} bytes, more than the {MAX_BYTES} that one ConfigMap is given; list fewer \
         attributes in spec.output.configMap.attributes"
    )]
    RecordTooLarge(usize),
    /// A file could not be compressed.
    #[error("a file could not be compressed: {0}")]
    Compress(#[from] std::io::Error),
    /// The index could not be written.
    #[error("the index could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The index as applications read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    directory: &'a str,
    format: FileFormat,
    gzip: bool,
    users: usize,
    groups: usize,
    hash: &'a str,
    files: &'a [File],
}

impl Package {
    /// Makes files of a roster: two beside the index where all fits into one ConfigMap that may change,
    /// else each in one of its own.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub fn new(roster: &Roster) -> Result<Self, PackageError> {
        if roster.is_full() {
            return Err(PackageError::TooLarge);
        }
        Self::cut(roster, MAX_BYTES)
    }

    /// As [`Self::new`], with a limit for the bytes of one ConfigMap.
    fn cut(roster: &Roster, limit: usize) -> Result<Self, PackageError> {
        let form = roster.form();
        let (users, groups) = (roster.sorted(Kind::User), roster.sorted(Kind::Group));
        let mut files = files(form, Kind::User, &users, limit)?;
        files.extend(self::files(form, Kind::Group, &groups, limit)?);
        let lines = files.iter().map(|file| format!("{}  {}\n", file.sha256, file.key));
        let hash = sha256(lines.collect::<String>().as_bytes());
        // What is immutable cannot become mutable again, so the two have different names.
        let immutable = if form.immutable { "\nimmutable" } else { "" };
        let mut content = sha256(format!("{}\n{hash}{immutable}", form.name).as_bytes());
        content.truncate(CONTENT_CHARACTERS);
        let mut package = Self {
            name: form.name.clone(),
            hash,
            content,
            binary: form.gzip,
            immutable: form.immutable,
            files,
            index: String::new(),
            users: users.len(),
            groups: groups.len(),
        };
        package.name_files(|_, name, _| name.to_owned());
        package.write_index(form)?;
        let bytes = package.files.iter().map(|file| file.bytes.len()).sum::<usize>();
        if form.immutable || package.index.len() + bytes > limit {
            if package.files.len() > MAX_SHARDS {
                return Err(PackageError::TooLarge);
            }
            package.name_files(|place, name, content| format!("{name}-{content}-{:04}", place + 1));
            package.write_index(form)?;
        }
        Ok(package)
    }

    fn name_files(&mut self, config_map: impl Fn(usize, &str, &str) -> String) {
        for (place, file) in self.files.iter_mut().enumerate() {
            file.config_map = config_map(place, &self.name, &self.content);
        }
    }

    fn write_index(&mut self, form: &Form) -> Result<(), PackageError> {
        let index = Index {
            directory: &form.directory,
            format: form.format,
            gzip: form.gzip,
            users: self.users,
            groups: self.groups,
            hash: &self.hash,
            files: &self.files,
        };
        self.index = serde_json::to_string(&index)? + "\n";
        Ok(())
    }

    /// The files that stand in ConfigMaps of their own.
    pub fn shards(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.config_map != self.name)
    }
}

/// Files of all records of a kind, each of at most `limit` bytes and readable by itself.
fn files(form: &Form, kind: Kind, records: &[&[u8]], limit: usize) -> Result<Vec<File>, PackageError> {
    let bytes = form.file(kind, records)?;
    if bytes.len() <= limit {
        return Ok(vec![File {
            config_map: String::new(),
            key: form.key(kind),
            kind: kind.as_str(),
            records: records.len(),
            sha256: sha256(&bytes),
            bytes,
        }]);
    }
    if records.len() < 2 {
        return Err(PackageError::RecordTooLarge(bytes.len()));
    }
    // A tenth of room, because records differ in size and compress differently.
    let parts = (bytes.len() / (limit - limit / 10) + 1).clamp(2, records.len());
    let mut found = Vec::new();
    for part in records.chunks(records.len().div_ceil(parts)) {
        found.extend(files(form, kind, part, limit)?);
    }
    Ok(found)
}

fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::model::{MirrorName, User};

    fn roster(config_map: &Value, people: usize) -> Roster {
        let spec = json!({
            "provider": {"csv": {"from": {"configMap": {"name": "people"}}}},
            "output": {"configMap": config_map},
        });
        let form = Form::new("acme", &serde_json::from_value(spec).unwrap()).unwrap().unwrap();
        let mut roster = Roster::new(Arc::new(form));
        for id in 0..people {
            let external_id = id.to_string();
            let name = MirrorName::new(Kind::User, &external_id);
            roster.user(name, &User { external_id, ..User::default() }).unwrap();
        }
        roster
    }

    fn index(package: &Package) -> Value {
        serde_json::from_str(&package.index).unwrap()
    }

    #[test]
    fn what_fits_stands_beside_its_index() {
        let package = Package::new(&roster(&json!({"name": "people"}), 3)).unwrap();
        assert_eq!(package.shards().count(), 0);
        let index = index(&package);
        assert_eq!((&index["users"], &index["groups"]), (&json!(3), &json!(0)));
        let files: Vec<(&str, &str)> =
            package.files.iter().map(|file| (file.config_map.as_str(), file.key.as_str())).collect();
        assert_eq!(files, [("people", "users.json"), ("people", "groups.json")]);
    }

    #[test]
    fn what_does_not_fit_is_cut_into_files_that_each_can_be_read_alone() {
        for form in [json!({"name": "people"}), json!({"name": "people", "gzip": true})] {
            let package = Package::cut(&roster(&form, 2_000), 4_000).unwrap();
            assert!(package.shards().count() > 2, "{form}");
            assert_eq!(package.shards().count(), package.files.len());
            for (place, file) in package.files.iter().enumerate() {
                assert_eq!(file.config_map, format!("people-{}-{:04}", package.content, place + 1));
                assert!(file.bytes.len() <= 4_000);
            }
            let records: u64 = index(&package)["files"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|file| file["kind"] == "user")
                .map(|file| file["records"].as_u64().unwrap())
                .sum();
            assert_eq!(records, 2_000);
        }
    }

    #[test]
    fn the_hash_is_over_the_files_hashes_and_keys() {
        let package = Package::new(&roster(&json!({"name": "people"}), 3)).unwrap();
        let line = |file: &File| format!("{}  {}\n", sha256(&file.bytes), file.key);
        let lines: String = package.files.iter().map(line).collect();
        assert_eq!(package.hash, sha256(lines.as_bytes()));
        assert_eq!(index(&package)["hash"], package.hash);
    }

    #[test]
    fn immutable_files_stand_in_shards_with_names_of_their_own_however_small_they_are() {
        let package = |immutable: bool| {
            Package::new(&roster(&json!({"name": "people", "immutable": immutable}), 3)).unwrap()
        };
        let (immutable, mutable) = (package(true), package(false));
        assert_eq!((immutable.shards().count(), mutable.shards().count()), (2, 0));
        assert_eq!(immutable.hash, mutable.hash);
        assert_ne!(immutable.content, mutable.content);
    }

    #[test]
    fn another_content_or_another_name_gives_other_shards() {
        let content = |name: &str, people: usize| {
            Package::new(&roster(&json!({"name": name}), people)).unwrap().content
        };
        assert_eq!(content("people", 3), content("people", 3));
        assert_ne!(content("people", 3), content("people", 4));
        assert_ne!(content("people", 3), content("persons", 3));
    }

    #[test]
    fn more_shards_than_there_may_be_are_refused() {
        let refusal = Package::cut(&roster(&json!({"name": "people"}), 2_000), 400).unwrap_err();
        assert!(matches!(refusal, PackageError::TooLarge), "{refusal}");
    }

    #[test]
    fn a_record_that_fits_nowhere_is_refused() {
        let refusal = Package::cut(&roster(&json!({"name": "people"}), 2), 20).unwrap_err();
        assert!(matches!(refusal, PackageError::RecordTooLarge(_)), "{refusal}");
    }
}
