//! `directory-sync users` and `directory-sync groups`: who is in the cluster, in whatever form.

use anyhow::{anyhow, bail};
use serde::Serialize;
use serde_json::{Map, Value};

use super::cluster::{Found, Which, with_directory};
use super::output::json;
use super::print;
use crate::cluster::mirrors::ReadError;
use crate::csv_record::csv_record;
use crate::model::Kind;
use crate::normalize::expr::{Failure, Library, Machine, Program};
use crate::preview::table::table;
use crate::slice::view::Mirrored;

/// Arguments of `directory-sync users` and `directory-sync groups`.
#[derive(Clone, Debug, clap::Args)]
pub struct MirrorsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Lists them.
    List(ListArgs),
    /// Shows one.
    Get(GetArgs),
}

/// Arguments of `list`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Reads objects and slices alike. In the condition, `user` or `group` is the spec of the object, as in
--where \"user.department == 'Engines' && user.state == 'Active'\"; what has no such attribute is left out.")]
struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Only those for which this CEL condition is true.
    #[arg(long = "where", value_name = "CEL")]
    condition: Option<String>,
    /// Form of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// Arguments of `get`.
#[derive(Clone, Debug, clap::Args)]
struct GetArgs {
    #[command(flatten)]
    which: Which,
    /// Object name, external id, user name, e-mail address, or display name of a group.
    name: String,
    /// Form of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// Form of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Columns for people.
    #[default]
    Table,
    /// JSON, with all attributes.
    Json,
    /// The columns, for spreadsheets.
    Csv,
}

/// Lists or shows.
///
/// # Errors
/// When the cluster does not answer, the condition cannot be used, or there is nobody of that name.
pub fn run(args: &MirrorsArgs, kind: Kind) -> anyhow::Result<()> {
    match &args.command {
        Command::List(args) => {
            let filter = Filter::new(kind, args.condition.as_deref())?;
            let found = with_directory(&args.which, async |found| read(&found, kind, &filter).await)?;
            print(&shown(kind, &found, args.output)?)
        }
        Command::Get(args) => {
            let filter = Filter::named(kind, &args.name);
            let found = with_directory(&args.which, async |found| read(&found, kind, &filter).await)?;
            match found.as_slice() {
                [] => bail!("there is no {kind} {}: name one by object name, id, name or address", args.name),
                [one] if args.output == Form::Json => print(&json(&Shown::from(one))?),
                found => print(&shown(kind, found, args.output)?),
            }
        }
    }
}

async fn read(found: &Found, kind: Kind, filter: &Filter) -> anyhow::Result<Vec<Mirrored>> {
    let name = found.name();
    let mut all = Vec::new();
    let place = found.mirrors(&name);
    let visited = place.visit::<Stop>(kind, |mirrored| {
        if filter.takes(&mirrored).map_err(Stop::Condition)? {
            all.push(mirrored);
        }
        Ok(())
    });
    match visited.await {
        Ok(()) => {
            all.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(all)
        }
        Err(Stop::Read(error)) => Err(error.into()),
        Err(Stop::Condition(failure)) => Err(anyhow!("--where: {failure}")),
    }
}

enum Stop {
    Read(ReadError),
    Condition(Failure),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// Who is wanted.
enum Filter {
    All,
    Named(Kind, String),
    Condition(Box<(Machine, Program)>, &'static str),
}

impl Filter {
    fn new(kind: Kind, condition: Option<&str>) -> anyhow::Result<Self> {
        let Some(condition) = condition else { return Ok(Self::All) };
        let variable = kind.as_str();
        let mut library = Library::new();
        let program = library.compile(condition, &[variable]).map_err(|error| anyhow!("--where: {error}"))?;
        Ok(Self::Condition(Box::new((library.machine(), program)), variable))
    }

    fn named(kind: Kind, name: &str) -> Self {
        Self::Named(kind, name.to_owned())
    }

    fn takes(&self, mirrored: &Mirrored) -> Result<bool, Failure> {
        match self {
            Self::All => Ok(true),
            Self::Named(kind, name) => {
                let fields: &[&str] = match kind {
                    Kind::User => &["externalId", "userName", "email"],
                    Kind::Group => &["externalId", "displayName"],
                };
                let is =
                    |field: &&str| mirrored.spec.get(*field).and_then(Value::as_str) == Some(name.as_str());
                Ok(mirrored.name == *name || fields.iter().any(is))
            }
            Self::Condition(condition, variable) => {
                let (machine, program) = condition.as_ref();
                match machine.decide(program, &[(*variable, &mirrored.spec)]) {
                    Err(Failure::Missing(_)) => Ok(false),
                    decided => decided,
                }
            }
        }
    }
}

/// One of the result, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    spec: &'a Map<String, Value>,
}

impl<'a> From<&'a Mirrored> for Shown<'a> {
    fn from(mirrored: &'a Mirrored) -> Self {
        Self { name: &mirrored.name, spec: &mirrored.spec }
    }
}

const COLUMNS: usize = 6;

/// Headings, and the attributes below them after the name.
const fn columns(kind: Kind) -> ([&'static str; COLUMNS], [&'static str; COLUMNS - 1]) {
    match kind {
        Kind::User => (
            ["NAME", "USER NAME", "EMAIL", "STATE", "DISPLAY NAME", "EXTERNAL ID"],
            ["userName", "email", "state", "displayName", "externalId"],
        ),
        Kind::Group => (
            ["NAME", "DISPLAY NAME", "MEMBERS", "USERS", "GROUPS", "EXTERNAL ID"],
            ["displayName", "memberCount", "users", "groups", "externalId"],
        ),
    }
}

fn shown(kind: Kind, found: &[Mirrored], form: Form) -> anyhow::Result<String> {
    let (headings, attributes) = columns(kind);
    let row = |mirrored: &Mirrored| {
        let mut row = [mirrored.name.as_str(), "", "", "", "", ""].map(str::to_owned);
        for (cell, attribute) in row.iter_mut().skip(1).zip(attributes) {
            *cell = text(&mirrored.spec, attribute);
        }
        row
    };
    match form {
        Form::Table => Ok(table(&headings, found.iter().map(row))),
        Form::Json => json(&found.iter().map(Shown::from).collect::<Vec<_>>()),
        Form::Csv => {
            let heading = csv_record(["name"].into_iter().chain(attributes));
            let records = std::iter::once(heading).chain(found.iter().map(|one| csv_record(row(one))));
            let lines: Vec<u8> = records.flat_map(|record| [record, b"\r\n".to_vec()].concat()).collect();
            Ok(String::from_utf8(lines)?)
        }
    }
}

fn text(spec: &Map<String, Value>, attribute: &str) -> String {
    let members = |kind| spec.get("members").and_then(|members| members.get(kind)).and_then(Value::as_array);
    match (attribute, spec.get(attribute)) {
        ("users" | "groups", _) => members(attribute).map_or(0, Vec::len).to_string(),
        (_, Some(Value::String(text))) => text.clone(),
        (_, Some(value)) => value.to_string(),
        (_, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> Mirrored {
        let spec = json!({"externalId": "7", "userName": "ada", "displayName": "Lovelace, \"Ada\"", "state": "Active"});
        Mirrored { name: "acme-u-x".into(), spec: spec.as_object().unwrap().clone() }
    }

    #[test]
    fn a_condition_takes_whom_it_is_true_for_and_leaves_out_who_lacks_the_attribute() {
        let takes = |condition: &str| Filter::new(Kind::User, Some(condition)).unwrap().takes(&ada());
        assert_eq!(takes("user.userName == 'ada'"), Ok(true));
        assert_eq!(takes("user.state == 'Inactive'"), Ok(false));
        assert_eq!(takes("user.department == 'x'"), Ok(false));
        assert!(takes("user.userName").is_err());
        assert!(Filter::new(Kind::User, Some("raw.x == 1")).is_err());
    }

    #[test]
    fn cells_of_csv_are_quoted_where_they_must_be() {
        let shown = shown(Kind::User, &[ada()], Form::Csv).unwrap();
        assert!(shown.ends_with("acme-u-x,ada,,Active,\"Lovelace, \"\"Ada\"\"\",7\r\n"), "{shown}");
    }
}
