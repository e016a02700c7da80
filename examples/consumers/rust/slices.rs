//! People and groups as the slices of a large Directory have them; docs/slices.md says what is in them.

use std::collections::HashMap;
use std::io::Read;

use anyhow::{Context, ensure};
use data_encoding::{BASE64, HEXLOWER};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::table::{Group, Members, User};

/// A slice, with the fields that are needed of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Slice {
    content: String,
    payload: String,
}

/// The first line of a manifest.
#[derive(Debug, Deserialize)]
struct Head {
    format: u32,
}

/// Each other line of a manifest: a slice.
#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    hash: String,
}

/// An entry, with its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<S> {
    object_name: String,
    #[serde(flatten)]
    spec: S,
}

/// Some of the members of a large group.
#[derive(Debug, Deserialize)]
struct Chunk {
    group: String,
    members: Members,
}

/// People and groups by name.
pub type Everybody = (HashMap<String, User>, HashMap<String, Group>);

/// The name of the slice that lists all others of a view.
pub fn manifest_of(directory: &str) -> String {
    format!("{directory}-s-manifest")
}

/// People and groups of the one view that the manifest describes; `None` while slices are being
/// written: an event of the manifest is about to come.
pub fn read(directory: &str, slices: &HashMap<String, Slice>) -> anyhow::Result<Option<Everybody>> {
    let Some(manifest) = slices.get(&manifest_of(directory)) else { return Ok(None) };
    let text = text(manifest)?;
    let mut lines = text.lines();
    let head: Head = serde_json::from_str(lines.next().context("the manifest is empty")?)?;
    ensure!(head.format == 1, "the slices have the format {}", head.format);
    let (mut users, mut groups, mut chunks) = (HashMap::new(), HashMap::new(), Vec::<Chunk>::new());
    for line in lines {
        let Named { name, hash } = serde_json::from_str(line)?;
        let Some(slice) = slices.get(&name).filter(|slice| is(slice, &hash)) else {
            tracing::info!(name, "it is not as the manifest says, whose event will come");
            return Ok(None);
        };
        match slice.content.as_str() {
            "Users" => users.extend(entries::<User>(slice)?),
            "Groups" => groups.extend(entries::<Group>(slice)?),
            _ => {
                for line in self::text(slice)?.lines() {
                    chunks.push(serde_json::from_str(line)?);
                }
            }
        }
    }
    for Chunk { group, members } in chunks {
        if let Some(group) = groups.get_mut(&group) {
            group.members.users.extend(members.users);
            group.members.groups.extend(members.groups);
        }
    }
    Ok(Some((users, groups)))
}

/// Whether a slice is the one that a manifest means.
fn is(slice: &Slice, hash: &str) -> bool {
    HEXLOWER.encode(&Sha256::digest(&slice.payload)[..16]) == hash
}

fn entries<S: DeserializeOwned>(slice: &Slice) -> anyhow::Result<Vec<(String, S)>> {
    let entry = |line| {
        let Entry { object_name, spec } = serde_json::from_str(line)?;
        Ok((object_name, spec))
    };
    text(slice)?.lines().map(entry).collect()
}

/// The lines of a slice.
fn text(slice: &Slice) -> anyhow::Result<String> {
    let compressed = BASE64.decode(slice.payload.as_bytes())?;
    let mut text = String::new();
    GzDecoder::new(compressed.as_slice()).read_to_string(&mut text)?;
    Ok(text)
}
