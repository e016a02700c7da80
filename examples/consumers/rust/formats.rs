//! From a file's bytes to records, in each format of `spec.output.configMap`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The form of the files.
#[derive(Clone, Copy, Debug, Deserialize)]
pub enum Format {
    #[serde(rename = "JSON")]
    Json,
    #[serde(rename = "JSONLines")]
    JsonLines,
    #[serde(rename = "CSV")]
    Csv,
}

/// A record and the name of its mirror.
#[derive(Debug, Deserialize)]
struct Named<S> {
    #[serde(rename = "objectName")]
    object_name: String,
    #[serde(flatten)]
    spec: S,
}

/// The records of a file by name.
pub fn records<S: DeserializeOwned>(format: Format, content: &[u8]) -> anyhow::Result<Vec<(String, S)>> {
    let records: Vec<Named<S>> = match format {
        Format::Json => serde_json::from_slice(content)?,
        Format::JsonLines => {
            serde_json::Deserializer::from_slice(content).into_iter().collect::<Result<_, _>>()?
        }
        Format::Csv => table(content)?,
    };
    Ok(records.into_iter().map(|record| (record.object_name, record.spec)).collect())
}

/// The records of a table with a header: what is not there is an empty cell, and members are JSON.
fn table<S: DeserializeOwned>(content: &[u8]) -> anyhow::Result<Vec<S>> {
    let mut lines = csv::Reader::from_reader(content);
    let columns = lines.headers()?.clone();
    let mut records = Vec::new();
    for line in lines.records() {
        let line = line?;
        let mut record = Map::new();
        for (column, cell) in columns.iter().zip(&line).filter(|(_, cell)| !cell.is_empty()) {
            let value = if column == "members" { serde_json::from_str(cell)? } else { Value::from(cell) };
            record.insert(column.to_owned(), value);
        }
        records.push(serde_json::from_value(Value::Object(record))?);
    }
    Ok(records)
}
