//! Which of a folder's files are the tables: by name, or the newest complete set of a pattern.

use std::collections::BTreeMap;

use super::{File, Files, Fingerprint};
use crate::source::csv::part::Part;
use crate::source::{Problem, SourceError};

/// The names under which tables are looked for.
#[derive(Clone, Debug)]
pub struct Names {
    by_part: [Option<Wanted>; 3],
}

#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    /// Whether a set without it is not complete.
    required: bool,
}

/// The files that are read.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The file of each table, in the order of [`Part::ALL`].
    pub files: [Option<File>; 3],
    /// What a person should know of the choice.
    pub note: Option<String>,
}

impl Choice {
    /// What the files look like.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.files)
    }
}

type Set = [Option<File>; 3];

impl Names {
    /// The names that settings give, or leave at their defaults.
    #[must_use]
    pub fn of(files: &Files) -> Self {
        let pattern = files.users.contains('*');
        let wanted = |name: Option<&String>, default: &str| match name {
            Some(name) => Some(Wanted { name: name.clone(), required: true }),
            None if pattern => None,
            None => Some(Wanted { name: default.to_owned(), required: false }),
        };
        Self {
            by_part: [
                wanted(Some(&files.users), ""),
                wanted(files.user_groups.as_ref(), "user_groups.csv"),
                wanted(files.groups.as_ref(), "groups.csv"),
            ],
        }
    }

    /// The exact names, if none is a pattern.
    #[must_use]
    #[cfg_attr(not(feature = "sftp"), expect(dead_code, reason = "a bucket is listed in any case"))]
    pub fn exact(&self) -> Option<Vec<&str>> {
        let names: Vec<&str> = self.by_part.iter().flatten().map(|wanted| wanted.name.as_str()).collect();
        (!names.iter().any(|name| name.contains('*'))).then_some(names)
    }

    /// The table that a file of this name is, and what its `*` stands for. Of several patterns
    /// that fit, the one that says more counts.
    #[must_use]
    pub fn part<'n>(&self, name: &'n str) -> Option<(Part, &'n str)> {
        let fitting = Part::ALL.into_iter().filter_map(|part| {
            let wanted = self.by_part[part.index()].as_ref()?;
            Some((part, stands_for(&wanted.name, name)?, wanted.name.len()))
        });
        fitting.max_by_key(|(_, _, length)| *length).map(|(part, mark, _)| (part, mark))
    }

    /// Chooses the newest complete set.
    ///
    /// # Errors
    /// [`crate::source::Class::Incomplete`] when there is none; `folder` is named in the message.
    pub fn choose(&self, files: Vec<File>, folder: &str) -> Result<Choice, SourceError> {
        let mut sets: BTreeMap<String, Set> = BTreeMap::new();
        for file in files {
            let fits = self.part(&file.name).map(|(part, mark)| (part, mark.to_owned()));
            if let Some((part, mark)) = fits {
                sets.entry(mark).or_default()[part.index()] = Some(file);
            }
        }
        let age = |(mark, set): &(String, Set)| {
            (set.iter().flatten().map(|file| file.modified).max(), mark.clone())
        };
        let (complete, started): (Vec<_>, Vec<_>) =
            sets.into_iter().partition(|(mark, set)| self.missing(mark, set).is_empty());
        let (chosen, newest) = (complete.into_iter().max_by_key(age), started.into_iter().max_by_key(age));
        match (chosen, newest) {
            (Some(chosen), newest) => {
                let newest = newest.filter(|newest| age(newest).0 > age(&chosen).0);
                let note = newest.map(|(mark, set)| {
                    format!(
                        "the newest set of files in {folder} is not complete ({}); until it is, the one before it counts",
                        self.lacks(&mark, &set)
                    )
                });
                Ok(Choice { files: chosen.1, note })
            }
            (None, Some((mark, set))) => Err(SourceError::incomplete(format!(
                "the set of files in {folder} is not complete ({}); the rest is waited for",
                self.lacks(&mark, &set)
            ))),
            (None, None) => Err(self.nothing(folder)),
        }
    }

    /// Names of the files that a set lacks. Groups without memberships are half a set: they would
    /// all be empty.
    fn missing(&self, mark: &str, set: &Set) -> Vec<String> {
        let has = |part: Part| set[part.index()].is_some();
        let lacks = |part: &Part| {
            let required = self.by_part[part.index()].as_ref().is_some_and(|wanted| wanted.required);
            !has(*part) && (required || *part == Part::UserGroups && has(Part::Groups))
        };
        let name = |part: Part| Some(self.by_part[part.index()].as_ref()?.name.replacen('*', mark, 1));
        Part::ALL.into_iter().filter(lacks).filter_map(name).collect()
    }

    fn lacks(&self, mark: &str, set: &Set) -> String {
        let there: Vec<&str> = set.iter().flatten().map(|file| file.name.as_str()).collect();
        format!("it has {}, but not {}", there.join(" and "), self.missing(mark, set).join(" and "))
    }

    fn nothing(&self, folder: &str) -> SourceError {
        let name = self.by_part[0].as_ref().map_or("", |wanted| wanted.name.as_str());
        SourceError::incomplete(format!(
            "{folder} has no file {name}; it is waited for (is the name in files.users right?)"
        ))
    }
}

/// What the `*` of a pattern stands for in a name that fits it; nothing in a name without one.
fn stands_for<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once('*') {
        None => (pattern == name).then_some(""),
        Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
    }
}

/// What is wrong with the names, beyond what the schema refuses online.
#[must_use]
pub fn problems(files: &Files, field: &str) -> Vec<Problem> {
    let named = [Some(&files.users), files.user_groups.as_ref(), files.groups.as_ref()];
    let named: Vec<(Part, &String)> =
        Part::ALL.into_iter().zip(named).filter_map(|(part, name)| Some((part, name?))).collect();
    let mut problems = Vec::new();
    for (place, (part, name)) in named.iter().enumerate() {
        let mut problem = |message: String| {
            problems.push(Problem::new(format!("{field}.{}", part.field()), message));
        };
        if name.is_empty() || name.contains('/') || name.matches('*').count() > 1 {
            problem(format!(
                "'{name}' is not the name of a file with at most one *; folders have fields of their own"
            ));
        }
        if name.contains('*') != files.users.contains('*') {
            problem(super::spec::ONE_KIND_OF_NAME.to_owned());
        }
        if let Some((other, _)) = named[..place].iter().find(|(_, earlier)| earlier == name) {
            problem(format!(
                "'{name}' is the file of {} already; each table is a file of its own",
                other.field()
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::source::Class;

    fn files(settings: Value) -> Files {
        serde_json::from_value(settings).unwrap()
    }

    fn listing(names: &[(&str, i64)]) -> Vec<File> {
        let file = |(name, modified): &(&str, i64)| File {
            name: (*name).to_owned(),
            size: 1,
            modified: *modified,
            version: None,
        };
        names.iter().map(file).collect()
    }

    fn choose(settings: Value, names: &[(&str, i64)]) -> Result<Choice, SourceError> {
        Names::of(&files(settings)).choose(listing(names), "the folder")
    }

    fn chosen(settings: Value, names: &[(&str, i64)]) -> Vec<String> {
        let choice = choose(settings, names).unwrap();
        choice.files.into_iter().flatten().map(|file| file.name).collect()
    }

    fn dated() -> Value {
        json!({"users": "users-*.csv", "userGroups": "user_groups-*.csv", "groups": "groups-*.csv"})
    }

    #[test]
    fn the_three_usual_names_are_found_and_others_are_not_looked_at() {
        let found = chosen(
            json!({}),
            &[("users.csv", 1), ("users.csv.part", 9), ("groups.csv", 2), ("user_groups.csv", 3)],
        );
        assert_eq!(found, ["users.csv", "user_groups.csv", "groups.csv"]);
        assert_eq!(chosen(json!({}), &[("users.csv", 1)]), ["users.csv"]);
    }

    #[test]
    fn the_newest_complete_set_wins_and_a_newer_half_is_told() {
        let old = [("users-a.csv", 1), ("user_groups-a.csv", 1), ("groups-a.csv", 1)];
        let new = [("users-b.csv", 5), ("user_groups-b.csv", 5), ("groups-b.csv", 6)];
        let all: Vec<_> = old.iter().chain(&new).copied().collect();
        assert_eq!(chosen(dated(), &all)[0], "users-b.csv");
        let choice = choose(dated(), &all[..5]).unwrap();
        assert_eq!(choice.files[0].as_ref().unwrap().name, "users-a.csv");
        assert_eq!(
            choice.note.unwrap(),
            "the newest set of files in the folder is not complete (it has users-b.csv and user_groups-b.csv, but not \
             groups-b.csv); until it is, the one before it counts"
        );
        assert_eq!(choose(dated(), &all).unwrap().note, None);
    }

    #[test]
    fn of_two_sets_of_one_age_the_later_name_wins() {
        let settings = json!({"users": "users-*.csv"});
        assert_eq!(
            chosen(settings, &[("users-2.csv", 1), ("users-3.csv", 1), ("users-1.csv", 1)]),
            ["users-3.csv"]
        );
    }

    #[test]
    fn half_a_set_is_waited_for() {
        for (settings, names, missing) in [
            (dated(), vec![("users-a.csv", 1), ("groups-b.csv", 2)], "user_groups-b.csv"),
            (json!({}), vec![("users.csv", 1), ("groups.csv", 2)], "not user_groups.csv"),
            (json!({}), vec![("user_groups.csv", 1)], "not users.csv"),
            (json!({"groups": "teams.csv"}), vec![("users.csv", 1)], "not teams.csv"),
            (json!({}), vec![], "no file users.csv"),
        ] {
            let error = choose(settings, &names).unwrap_err();
            assert_eq!(error.class, Class::Incomplete);
            assert!(error.message.contains(missing) && error.message.contains("waited for"), "{error}");
        }
    }

    #[test]
    fn a_file_belongs_to_the_pattern_that_says_more() {
        let settings =
            json!({"users": "*-users.csv", "userGroups": "*-user-groups.csv", "groups": "*-groups.csv"});
        let found = chosen(settings, &[("a-users.csv", 1), ("a-user-groups.csv", 2), ("a-groups.csv", 3)]);
        assert_eq!(found, ["a-users.csv", "a-user-groups.csv", "a-groups.csv"]);
    }

    #[test]
    fn a_star_stands_for_any_text_and_names_do_not_overlap() {
        assert_eq!(stands_for("users-*.csv", "users-2026.csv"), Some("2026"));
        assert_eq!(stands_for("users-*.csv", "users-.csv"), Some(""));
        assert_eq!(stands_for("aa*aa", "aaa"), None);
        assert_eq!(stands_for("users.csv", "Users.csv"), None);
    }

    #[test]
    fn names_that_cannot_work_are_problems() {
        let fields = |settings| -> Vec<String> {
            problems(&files(settings), "files").into_iter().map(|problem| problem.field).collect()
        };
        assert_eq!(fields(json!({"users": "a*.csv", "groups": "b.csv"})), ["files.groups"]);
        assert_eq!(fields(json!({"users": "a/b.csv", "userGroups": "**"})).len(), 3);
        assert_eq!(fields(json!({"userGroups": "users.csv"})), ["files.userGroups"]);
        assert_eq!(fields(json!({})), Vec::<String>::new());
    }
}
