//! What a person or a group looks like in a file.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::Value;

use crate::api::DirectorySpec;
use crate::api::config_map::FileFormat;
use crate::csv_record::csv_record;
use crate::model::{Group, Kind, MirrorName, User};
use crate::normalize::{AttributeList, attribute_names};
use crate::source::Problem;

/// The column and member that has the name of the mirror.
const OBJECT_NAME: &str = "objectName";
/// What a CSV table of groups has.
const GROUP_COLUMNS: &[&str] = &[OBJECT_NAME, "externalId", "displayName", "memberCount", "members"];
/// Before the name of what `mapping` adds, in the header of a CSV table.
const MAPPED: &str = "attributes.";

/// What `spec.output.configMap` asks for, checked.
#[derive(Debug)]
pub struct Form {
    /// Name of the ConfigMap.
    pub name: String,
    /// The form of the files.
    pub format: FileFormat,
    /// Whether they are compressed.
    pub gzip: bool,
    /// Whether they stand in ConfigMaps that never change.
    pub immutable: bool,
    /// Name of the Directory: the beginning of the mirrors' names.
    pub directory: String,
    chosen: Option<AttributeList>,
    user_columns: Vec<String>,
}

/// A record as JSON has it.
#[derive(Serialize)]
struct Entry<'a, T> {
    #[serde(rename = "objectName")]
    object_name: &'a str,
    #[serde(flatten)]
    content: &'a T,
}

impl Form {
    /// What a Directory asks for; `None` when it asks for no ConfigMap.
    ///
    /// # Errors
    /// With every attribute that no mirror has.
    pub fn new(directory: &str, spec: &DirectorySpec) -> Result<Option<Self>, Vec<Problem>> {
        let Some(asked) = &spec.output.config_map else { return Ok(None) };
        let mapped = || spec.mapping.iter().map(|rule| rule.attribute.as_str());
        let list = |names: &[String], field: &str| {
            AttributeList::new(names, mapped()).map_err(|unknown| {
                let problem = |(place, name): (usize, String)| {
                    Problem::new(format!("{field}[{place}]"), format!("no mirror has an attribute '{name}'"))
                };
                unknown.into_iter().map(problem).collect::<Vec<_>>()
            })
        };
        let mirrored = spec.output.attributes.as_deref();
        let mirrored = mirrored.map(|names| list(names, "spec.output.attributes")).transpose()?;
        let field = "spec.output.configMap.attributes";
        let chosen = asked.attributes.as_deref().map(|names| list(names, field)).transpose()?;
        if let (Some(mirrored), Some(names)) = (&mirrored, &asked.attributes) {
            let left_out = names.iter().enumerate().filter(|(_, name)| !mirrored.keeps(name));
            let problem = |(place, name): (usize, &String)| {
                let message =
                    format!("'{name}' is not among spec.output.attributes, so that no mirror has it");
                Problem::new(format!("{field}[{place}]"), message)
            };
            let problems: Vec<Problem> = left_out.map(problem).collect();
            if !problems.is_empty() {
                return Err(problems);
            }
        }
        let shown = |name: &str| [&mirrored, &chosen].into_iter().flatten().all(|list| list.keeps(name));
        let user_columns = user_columns(mapped(), shown);
        Ok(Some(Self {
            name: asked.name.clone(),
            format: asked.format,
            gzip: asked.gzip,
            immutable: asked.immutable,
            directory: directory.to_owned(),
            chosen,
            user_columns,
        }))
    }

    /// A person as a record, with the chosen attributes alone.
    ///
    /// # Errors
    /// When the person cannot be written as JSON.
    pub fn user(&self, name: MirrorName, user: &User) -> Result<Box<[u8]>, serde_json::Error> {
        let Some(chosen) = &self.chosen else {
            return self.record(name, user, self.user_columns.iter().map(String::as_str));
        };
        let mut user = user.clone();
        chosen.apply(&mut user);
        self.record(name, &user, self.user_columns.iter().map(String::as_str))
    }

    /// A group as a record.
    ///
    /// # Errors
    /// When the group cannot be written as JSON.
    pub fn group(&self, name: MirrorName, group: &Group) -> Result<Box<[u8]>, serde_json::Error> {
        self.record(name, group, GROUP_COLUMNS.iter().copied())
    }

    fn record<'a, T: Serialize>(
        &self,
        name: MirrorName,
        content: &T,
        columns: impl Iterator<Item = &'a str>,
    ) -> Result<Box<[u8]>, serde_json::Error> {
        let object_name = &name.object_name(&self.directory);
        let entry = Entry { object_name, content };
        match self.format {
            FileFormat::JSON | FileFormat::JSONLines => Ok(serde_json::to_vec(&entry)?.into()),
            FileFormat::CSV => {
                let entry = serde_json::to_value(&entry)?;
                Ok(row(columns.map(|column| cell(&entry, column))))
            }
        }
    }

    /// The key of the file of a kind.
    #[must_use]
    pub fn key(&self, kind: Kind) -> String {
        let name = match kind {
            Kind::User => "users",
            Kind::Group => "groups",
        };
        let extension = match self.format {
            FileFormat::JSON => "json",
            FileFormat::JSONLines => "jsonl",
            FileFormat::CSV => "csv",
        };
        format!("{name}.{extension}{}", if self.gzip { ".gz" } else { "" })
    }

    /// A file of records, compressed if that is asked for.
    ///
    /// # Errors
    /// When it cannot be compressed.
    pub fn file(&self, kind: Kind, records: &[&[u8]]) -> std::io::Result<Vec<u8>> {
        let text = self.text(kind, records);
        if !self.gzip {
            return Ok(text);
        }
        // The header has no time and no name: the same records give the same bytes.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&text)?;
        encoder.finish()
    }

    fn text(&self, kind: Kind, records: &[&[u8]]) -> Vec<u8> {
        match self.format {
            FileFormat::JSON if records.is_empty() => b"[]\n".to_vec(),
            FileFormat::JSON => [b"[\n", records.join(b",\n".as_slice()).as_slice(), b"\n]\n"].concat(),
            FileFormat::JSONLines => {
                records.iter().flat_map(|record| [record, b"\n".as_slice()]).collect::<Vec<_>>().concat()
            }
            FileFormat::CSV => {
                let header = match kind {
                    Kind::User => row(self.user_columns.iter().cloned()),
                    Kind::Group => row(GROUP_COLUMNS.iter().map(|&column| column.to_owned())),
                };
                [&header, records.concat().as_slice()].concat()
            }
        }
    }
}

/// The columns of a CSV table of people: all that they may have, whoever has it.
fn user_columns<'a>(mapped: impl Iterator<Item = &'a str>, shown: impl Fn(&str) -> bool) -> Vec<String> {
    let standard: Vec<&str> = attribute_names().collect();
    let added = mapped.filter(|name| !standard.contains(name) && shown(name));
    let added: Vec<String> = added.map(|name| format!("{MAPPED}{name}")).collect();
    let standard = standard.iter().filter(|name| shown(name)).map(|&name| name.to_owned());
    std::iter::once(OBJECT_NAME.to_owned()).chain(standard).chain(added).collect()
}

/// A cell: texts as they are, lists and objects as JSON, nothing where there is nothing.
fn cell(entry: &Value, column: &str) -> String {
    let value = match column.strip_prefix(MAPPED) {
        Some(mapped) => entry.get("attributes").and_then(|attributes| attributes.get(mapped)),
        None => entry.get(column),
    };
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// A line of a CSV table.
fn row(cells: impl Iterator<Item = String>) -> Box<[u8]> {
    let mut line = csv_record(cells);
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(output: &Value) -> Result<Option<Form>, Vec<Problem>> {
        let spec = json!({
            "provider": {"csv": {"from": {"configMap": {"name": "people"}}}},
            "mapping": [{"attribute": "badge", "value": "'1'"}, {"attribute": "title", "value": "'x'"}],
            "output": output,
        });
        Form::new("acme", &serde_json::from_value(spec).unwrap())
    }

    fn of(config_map: &Value) -> Form {
        form(&json!({"configMap": config_map})).unwrap().unwrap()
    }

    fn ada() -> (MirrorName, User) {
        let attributes = [("badge".to_owned(), json!([1, "a\"b"]))].into();
        let user = User {
            external_id: "7".into(),
            display_name: Some("Lovelace, \"Ada\"\nKing".into()),
            email: Some("ada@a.test".into()),
            attributes,
            ..User::default()
        };
        (MirrorName::new(Kind::User, "7"), user)
    }

    #[test]
    fn a_person_is_a_json_object_with_the_name_of_the_mirror() {
        let (name, user) = ada();
        let record = of(&json!({"name": "people"})).user(name, &user).unwrap();
        let mut value: Value = serde_json::from_slice(&record).unwrap();
        let object_name = value.as_object_mut().unwrap().remove("objectName").unwrap();
        assert_eq!(object_name, name.object_name("acme"));
        assert_eq!(serde_json::from_value::<User>(value).unwrap(), user);
    }

    #[test]
    fn only_chosen_attributes_and_those_that_say_who_it_is_are_there() {
        let (name, user) = ada();
        let form = of(&json!({"name": "people", "attributes": ["badge"]}));
        let value: Value = serde_json::from_slice(&form.user(name, &user).unwrap()).unwrap();
        let members: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(members, ["attributes", "externalId", "objectName", "state"]);
    }

    #[test]
    fn a_table_has_a_column_for_each_attribute_and_quotes_what_needs_it() {
        let (name, user) = ada();
        let form = of(&json!({"name": "people", "format": "CSV", "attributes": ["badge", "displayName"]}));
        let file = form.file(Kind::User, &[&form.user(name, &user).unwrap()]).unwrap();
        let expected = format!(
            "objectName,externalId,userName,state,role,roles,displayName,attributes.badge\n\
             {},7,,Active,,,\"Lovelace, \"\"Ada\"\"\nKing\",\"[1,\"\"a\\\"\"b\"\"]\"\n",
            name.object_name("acme")
        );
        assert_eq!(String::from_utf8(file).unwrap(), expected);
    }

    #[test]
    fn an_empty_file_is_a_file_of_its_format() {
        let empty = |format: &str| {
            let form = of(&json!({"name": "people", "format": format}));
            String::from_utf8(form.file(Kind::Group, &[]).unwrap()).unwrap()
        };
        assert_eq!(empty("JSON"), "[]\n");
        assert_eq!(empty("JSONLines"), "");
        assert_eq!(empty("CSV"), "objectName,externalId,displayName,memberCount,members\n");
    }

    #[test]
    fn the_same_records_compress_to_the_same_bytes() {
        let form = of(&json!({"name": "people", "gzip": true}));
        let once = form.file(Kind::User, &[b"{}"]).unwrap();
        assert_eq!(once, form.file(Kind::User, &[b"{}"]).unwrap());
        assert_eq!(&once[4..8], [0; 4], "no time");
    }

    #[test]
    fn an_attribute_that_no_mirror_has_is_told_with_its_place() {
        let output =
            json!({"attributes": ["email"], "configMap": {"name": "p", "attributes": ["email", "title"]}});
        let problems = form(&output).unwrap_err();
        assert!(problems[0].to_string().contains("configMap.attributes[1]"), "{problems:?}");
        let output = json!({"configMap": {"name": "p", "attributes": ["eMail"]}});
        assert_eq!(form(&output).unwrap_err().len(), 1);
    }
}
