//! The provider's own records: what `raw` holds in `mapping` and `scope`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Reading;
use super::remarks::Remarks;
use super::table::{printable, table};
use crate::controller::lasting::Lasting;
use crate::model::Kind;
use crate::model::snapshot::{Record, SnapshotError};
use crate::sink::observed::View;

/// Names that CEL keeps for itself.
const RESERVED: &[&str] = &["false", "in", "null", "true"];

/// The shape of all records, and some of them whole.
#[derive(Debug, Default, Serialize)]
pub struct Raw {
    /// The attributes of people.
    pub users: Shape,
    /// The attributes of groups.
    pub groups: Shape,
    /// Who is held back, and notes.
    #[serde(flatten)]
    pub remarks: Remarks,
}

/// What the records of one kind look like.
#[derive(Debug, Default, Serialize)]
pub struct Shape {
    /// How many records there are.
    pub count: usize,
    /// Each attribute with its types and in how many records it is.
    pub attributes: BTreeMap<String, Attribute>,
    /// The first records, whole.
    pub records: Vec<Map<String, Value>>,
}

/// One attribute.
#[derive(Debug, Default, Serialize)]
pub struct Attribute {
    /// `string`, `list of string` …: the types that were seen.
    pub types: Vec<String>,
    /// In how many records it is.
    pub records: usize,
}

impl Raw {
    /// Looks at every record of a reading; keeps `whole` of each kind.
    ///
    /// # Errors
    /// When the snapshot cannot be read back.
    pub fn of(reading: &Reading, whole: usize) -> Result<Self, SnapshotError> {
        // Whoever looks at the records is perhaps looking for why they cannot be planned.
        let planned = reading.plan(&View::default(), &Lasting::default(), "");
        let remarks = planned.and_then(|planned| Ok(Remarks::of(reading, &planned, Vec::new())?));
        let remarks =
            remarks.unwrap_or_else(|error| Remarks { notes: vec![error.to_string()], ..Remarks::default() });
        let mut found = Self { remarks, ..Self::default() };
        for (kind, shape) in [(Kind::User, &mut found.users), (Kind::Group, &mut found.groups)] {
            reading.snapshot.visit::<SnapshotError>(kind, |record| {
                shape.add(
                    match record {
                        Record::User(user) => user.raw,
                        Record::Group(group) => group.raw,
                    },
                    whole,
                );
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// The shape and the records for a terminal.
    ///
    /// # Errors
    /// When a record cannot be written as JSON.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        let users = self.users.text("Records of people")?;
        Ok(format!("{users}\n{}{}", self.groups.text("Records of groups")?, self.remarks.text()))
    }
}

impl Shape {
    fn add(&mut self, record: Map<String, Value>, whole: usize) {
        self.count += 1;
        for (name, value) in &record {
            let attribute = self.attributes.entry(name.clone()).or_default();
            attribute.records += 1;
            let of_type = type_of(value);
            if !attribute.types.contains(&of_type) {
                attribute.types.push(of_type);
            }
        }
        if self.records.len() < whole {
            self.records.push(record);
        }
    }

    fn text(&self, what: &str) -> Result<String, serde_json::Error> {
        let mut text = format!("{what}: {}\n", self.count);
        text.push_str(&table(
            &["ATTRIBUTE", "TYPE", "RECORDS"],
            self.attributes.iter().map(|(name, attribute)| {
                [member(name), attribute.types.join(" or "), attribute.records.to_string()]
            }),
        ));
        for record in &self.records {
            let record = serde_json::to_string_pretty(record)?;
            let lines: Vec<String> = record.lines().map(printable).collect();
            // Writing into memory does not fail.
            let _ = writeln!(text, "{}", lines.join("\n"));
        }
        Ok(text)
    }
}

/// The expression for an attribute: by the dot where its name allows that.
fn member(name: &str) -> String {
    let simple = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let identifier = name.chars().all(simple)
        && name.starts_with(|first: char| !first.is_ascii_digit())
        && !RESERVED.contains(&name);
    if identifier { format!("raw.{name}") } else { format!("raw[{}]", Value::from(name)) }
}

/// The CEL type of a value, in words.
fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => "double".to_owned(),
        Value::Number(_) => "int".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(items) => {
            items.first().map_or_else(|| "list".to_owned(), |first| format!("list of {}", type_of(first)))
        }
        Value::Object(_) => "map".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::expr::Library;

    #[test]
    fn every_attribute_is_shown_as_an_expression_that_compiles() {
        let names =
            ["mail", "_x1", "Shoe size", "userCertificate;binary", "1st", "in", "a\"b\\c", "größe", ""];
        for name in names {
            let expression = member(name);
            Library::new().compile(&expression, &["raw"]).unwrap_or_else(|error| {
                panic!("{expression}: {error}");
            });
        }
        assert_eq!(
            (member("mail").as_str(), member("Shoe size").as_str()),
            ("raw.mail", "raw[\"Shoe size\"]")
        );
    }
}
