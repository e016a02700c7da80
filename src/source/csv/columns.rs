//! Which column of a table says what: the names that are known, and the Directory's own.

use std::collections::{BTreeMap, HashMap};

use super::PATH;
use super::table::Table;
use crate::source::{Problem, SourceError};

/// How many columns a message lists.
const MAX_LISTED: usize = 40;

/// Something that a column can say.
#[derive(Debug)]
pub struct Attribute {
    /// The name in `columns`, and of the column where `columns` names no other.
    pub name: &'static str,
    /// Other names of the column that are understood.
    aliases: &'static [&'static str],
    /// Whether the table is of no use without it.
    required: bool,
}

const fn required(name: &'static str) -> Attribute {
    Attribute { name, aliases: &[], required: true }
}

const fn optional(name: &'static str, aliases: &'static [&'static str]) -> Attribute {
    Attribute { name, aliases, required: false }
}

/// What a table of people can say. The names are `WorkOS`'s.
pub const USERS: &[Attribute] = &[
    required("user_id"),
    required("first_name"),
    required("last_name"),
    required("email"),
    optional("state", &[]),
    optional("username", &["user_name"]),
    optional("display_name", &[]),
    optional("job_title", &[]),
    optional("department_name", &[]),
    optional("division_name", &[]),
    optional("cost_center_name", &[]),
    optional("organization", &[]),
    optional("employee_number", &[]),
    optional("employee_type", &[]),
    optional("employment_start_date", &[]),
    optional("manager_id", &[]),
    optional("manager_name", &[]),
    optional("manager_email", &[]),
    optional("phone_number", &[]),
    optional("street_address", &["work_address_street_address"]),
    optional("locality", &["work_address_locality"]),
    optional("region", &["work_address_region"]),
    optional("postal_code", &["work_address_postal_code"]),
    optional("country", &["work_address_country"]),
];

/// What a table of memberships says.
pub const USER_GROUPS: &[Attribute] = &[required("group_name"), required("user_id")];

/// What a table of groups can say.
pub const GROUPS: &[Attribute] = &[required("group_name"), optional("group_id", &[])];

/// The columns of one table by attribute.
#[derive(Debug, Default)]
pub struct Columns {
    by_attribute: BTreeMap<&'static str, usize>,
    /// The columns that become members of `raw`.
    raw: Vec<usize>,
    /// What a person should know of the header.
    pub notes: Vec<String>,
}

impl Columns {
    /// Finds the columns in a table's header. `custom` is from attribute to column.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] when a required column or one that `custom` names
    /// is not there, or is there twice.
    pub fn find(
        table: &Table,
        attributes: &'static [Attribute],
        custom: &BTreeMap<String, String>,
    ) -> Result<Self, SourceError> {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (column, name) in table.header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            places.entry(folded(name)).or_default().push(column);
        }
        let mut columns = Self::default();
        let mut missing = Vec::new();
        for attribute in attributes {
            let chosen = custom.get(attribute.name).map(String::as_str);
            let found = match chosen {
                Some(name) => places.get(&folded(name)),
                None => once_or(attribute.name, attribute.aliases).find_map(|name| places.get(name)),
            };
            match found.map(Vec::as_slice) {
                Some([column]) => {
                    columns.by_attribute.insert(attribute.name, *column);
                }
                Some(several) => return Err(ambiguous(table, several)),
                None if attribute.required || chosen.is_some() => {
                    missing.push(wanted(attribute.name, chosen));
                }
                None => {}
            }
        }
        if !missing.is_empty() {
            return Err(absent(table, &missing, !columns.by_attribute.is_empty()));
        }
        columns.choose_raw(table, &places);
        Ok(columns)
    }

    /// The column of an attribute, if the table has it.
    #[must_use]
    pub fn get(&self, attribute: &str) -> Option<usize> {
        self.by_attribute.get(attribute).copied()
    }

    /// The columns that become members of `raw`.
    #[must_use]
    pub fn raw(&self) -> &[usize] {
        &self.raw
    }

    /// All named columns but those that should not be in a table of people at all.
    fn choose_raw(&mut self, table: &Table, places: &HashMap<String, Vec<usize>>) {
        for (column, name) in table.header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let folded = folded(name);
            let first = places.get(&folded).and_then(|columns| columns.first());
            if is_secret(&folded) {
                self.notes.push(format!(
                    "{}: column '{name}' is not read, because its name is that of a secret; a table of people should hold none",
                    table.key
                ));
            } else if first == Some(&column) {
                self.raw.push(column);
            } else {
                self.notes.push(format!(
                    "{}: column '{name}' stands in the header more than once; only the first is read",
                    table.key
                ));
            }
        }
    }
}

/// What is wrong with a table's `columns` before the table is seen.
pub fn problems(table: &str, attributes: &[Attribute], custom: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for (attribute, column) in custom {
        let mut problem = |message| {
            problems.push(Problem { field: format!("{PATH}.{table}.columns.{attribute}"), message });
        };
        if !attributes.iter().any(|known| known.name == attribute) {
            let names: Vec<&str> = attributes.iter().map(|known| known.name).collect();
            problem(format!(
                "'{attribute}' is not an attribute of this table; write one of {} on the left and the column's name on the right",
                names.join(", ")
            ));
        }
        if let Some(other) = taken.insert(folded(column), attribute) {
            problem(format!(
                "column '{column}' is given to '{other}' already; a column says one thing (a mapping rule can copy it)"
            ));
        }
    }
    problems
}

/// A column's name as it is compared: without regard to case, and with `_` for space and hyphens.
fn folded(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c == '-' || c == '_');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_").to_lowercase()
}

/// Whether a column's folded name is that of a password or token.
fn is_secret(folded: &str) -> bool {
    let word =
        |word| matches!(word, "password" | "passwd" | "pwd" | "passphrase" | "secret" | "token" | "otp");
    folded.split('_').any(word) || folded.contains("private_key") || folded.contains("api_key")
}

fn once_or<'a>(name: &'a str, others: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    std::iter::once(name).chain(others.iter().copied())
}

fn wanted(attribute: &str, chosen: Option<&str>) -> String {
    match chosen {
        Some(column) => format!("'{column}' (for {attribute})"),
        None => format!("'{attribute}'"),
    }
}

/// Lists the header only when it is one: the first line of a table without a header is a person.
fn absent(table: &Table, missing: &[String], some_found: bool) -> SourceError {
    let place = table.header_place();
    let word = if missing.len() == 1 { "column" } else { "columns" };
    let missing = missing.join(", ");
    let has = if some_found {
        let names: Vec<&str> = table.header.iter().take(MAX_LISTED).map(String::as_str).collect();
        format!("it has {}", names.join(", "))
    } else {
        "it names no column that is known; is the header missing, or the delimiter another?".to_owned()
    };
    SourceError::misconfigured(format!(
        "{place} lacks the {word} {missing} ({has}); correct the header, or say under 'columns' what it is called"
    ))
}

fn ambiguous(table: &Table, columns: &[usize]) -> SourceError {
    let name = columns.first().and_then(|column| table.header.get(*column)).map_or("", String::as_str);
    let numbers: Vec<String> = columns.iter().map(|column| (column + 1).to_string()).collect();
    SourceError::misconfigured(format!(
        "{} has column '{name}' more than once (columns {}); leave one",
        table.header_place(),
        numbers.join(" and "),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;
    use crate::source::csv::tests;

    fn table(header: &str) -> Table {
        tests::table("users.csv", header.as_bytes())
    }

    fn custom(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(attribute, column)| ((*attribute).into(), (*column).into())).collect()
    }

    #[test]
    fn headers_are_known_whatever_their_case_spaces_and_hyphens() {
        let table = table(" User ID ,FIRST_NAME,Last-Name,e_mail,Email,User_Name\n");
        let columns = Columns::find(&table, USERS, &BTreeMap::new()).unwrap();
        let found = ["user_id", "first_name", "last_name", "email", "username"].map(|name| columns.get(name));
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(4), Some(5)]);
        assert_eq!(columns.raw(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn columns_of_another_name_are_found_by_the_name_given() {
        let table = table("Personnel number,first_name,last_name,Mail,user_id\n");
        let custom = custom(&[("user_id", "personnel number"), ("email", "Mail")]);
        let columns = Columns::find(&table, USERS, &custom).unwrap();
        assert_eq!((columns.get("user_id"), columns.get("email")), (Some(0), Some(3)));
    }

    #[test]
    fn a_missing_column_is_named_with_the_columns_that_are_there() {
        let table = table("\n\nuser_id,first_name,Surname,email\n");
        let custom = custom(&[("job_title", "Position")]);
        let error = Columns::find(&table, USERS, &custom).unwrap_err();
        assert_eq!(error.class, Class::Misconfigured);
        assert_eq!(
            error.message,
            "ConfigMap acme key 'users.csv' line 3 lacks the columns 'last_name', 'Position' (for job_title) (it has \
             user_id, first_name, Surname, email); correct the header, or say under 'columns' what it is called"
        );
    }

    #[test]
    fn a_table_without_a_header_is_refused_without_quoting_the_person_on_its_first_line() {
        let error = Columns::find(&table("7,Ada,Lovelace,ada@acme.example\n"), USERS, &BTreeMap::new());
        let error = error.unwrap_err();
        assert!(!error.message.contains("Ada") && !error.message.contains("acme.example"), "{error}");
        assert!(error.message.contains("is the header missing"), "{error}");
    }

    #[test]
    fn a_used_column_that_stands_twice_is_refused_and_another_is_read_once() {
        let error = Columns::find(
            &table("user_id,email,first_name,last_name,E-mail,Email\n"),
            USERS,
            &BTreeMap::new(),
        );
        let error = error.unwrap_err();
        assert!(error.message.contains("column 'email' more than once (columns 2 and 6)"), "{error}");
        let table = table("user_id,email,first_name,last_name,note,Note\n");
        let columns = Columns::find(&table, USERS, &BTreeMap::new()).unwrap();
        assert_eq!(columns.raw(), [0, 1, 2, 3, 4]);
        assert_eq!(
            columns.notes,
            ["users.csv: column 'Note' stands in the header more than once; only the first is read"]
        );
    }

    #[test]
    fn columns_with_the_names_of_secrets_are_not_read() {
        let table = table("user_id,email,first_name,last_name,Initial Password,secretary,api-key,\n");
        let columns = Columns::find(&table, USERS, &BTreeMap::new()).unwrap();
        assert_eq!(columns.raw(), [0, 1, 2, 3, 5]);
        assert_eq!(columns.notes.len(), 2);
    }

    #[test]
    fn unknown_attributes_and_columns_given_twice_are_problems_of_the_manifest() {
        let found =
            problems("users", USERS, &custom(&[("email", "Mail"), ("mail", "Work"), ("username", "mail")]));
        let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(
            fields,
            ["spec.provider.csv.users.columns.mail", "spec.provider.csv.users.columns.username"]
        );
        assert!(found[0].message.contains("write one of user_id, first_name"), "{}", found[0].message);
        assert!(found[1].message.contains("is given to 'email' already"), "{}", found[1].message);
        assert!(problems("users", USERS, &custom(&[("email", "Mail")])).is_empty());
    }
}
