//! What can be wrong with a Directory beyond its schema: expressions, provider settings, and the Secrets
//! and ConfigMaps that it names.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::document::Object;
use super::given::{Given, Materials};
use super::report::{Problem, Severity};
use crate::api::Directory;
use crate::api::rules::{MappingRule, Scope};
use crate::controller::settings::Settings;
use crate::normalize::Rules;
use crate::source::csv::TablesFrom;
use crate::source::{Material, Page, ProviderSpec, Pull, Source, SourceError};

/// Up to how many rows of a table are named.
const MAX_ROWS: usize = 10;

/// Checks a Directory that fits its schema, with its defaults.
pub fn check(object: &Object, materials: &Materials) -> Vec<Problem> {
    let directory: Directory = match serde_json::from_value(object.value.clone()) {
        Ok(directory) => directory,
        Err(error) => {
            return vec![object.problem(Severity::Error, "spec", format!("it cannot be read: {error}"))];
        }
    };
    let name = directory.metadata.name.as_deref().unwrap_or_default();
    if let Err(invalid) = Settings::new(name, &directory.spec) {
        let error = |problem: crate::source::Problem| {
            object.problem(Severity::Error, &problem.field, problem.message)
        };
        return invalid.problems.into_iter().map(error).collect();
    }
    let provider = &directory.spec.provider;
    let path = format!("spec.provider.{}", provider.name());
    let (material, mut problems) = resolve(object, &path, provider, materials);
    if let Some(material) = material {
        match provider.provider().source(&material) {
            Ok(source) if is_offline(provider) => problems.extend(read(object, &path, source)),
            Ok(_) => {}
            Err(error) => problems.push(failed(object, &path, error)),
        }
    }
    problems
}

/// What can be told although something else is wrong with the Directory: its expressions, and which
/// attribute breaks a rule that was told of the whole list.
pub fn besides(object: &Object, told: &[Problem]) -> Vec<Problem> {
    let fields: Vec<&str> = told.iter().filter_map(|problem| problem.field.as_deref()).collect();
    let name = object.text("/metadata/name").unwrap_or_default();
    let scope: Scope = part(object, "/spec/scope").unwrap_or_default();
    let mapping: Vec<MappingRule> = part(object, "/spec/mapping").unwrap_or_default();
    let compiled = Rules::compile(name, &scope, &mapping, None, None);
    let expressions = compiled.err().into_iter().flatten();
    let expressions = expressions.filter(|error| !fields.contains(&error.field.as_str()));
    let mut problems: Vec<Problem> =
        expressions.map(|error| object.problem(Severity::Error, &error.field, error.message)).collect();
    let settings = part::<ProviderSpec>(object, "/spec/provider").map(|spec| spec.provider().problems());
    let elements = settings.into_iter().flatten().filter(|problem| {
        let list = problem.field.rsplit_once('[').map(|(list, _)| list);
        list.is_some_and(|list| list.ends_with(".attributes") && fields.contains(&list))
    });
    problems.extend(elements.map(|problem| object.problem(Severity::Error, &problem.field, problem.message)));
    problems
}

/// A part of an object, if it can be read.
fn part<T: DeserializeOwned>(object: &Object, pointer: &str) -> Option<T> {
    T::deserialize(object.value.pointer(pointer)?).ok()
}

/// What a Directory names, when all of it was given; a warning for each object that was not.
fn resolve(
    object: &Object,
    path: &str,
    provider: &ProviderSpec,
    materials: &Materials,
) -> (Option<Material>, Vec<Problem>) {
    // A Secret can be named twice, as for the account and the authority.
    let references = BTreeSet::from_iter(provider.provider().references());
    let namespace = object.text("/metadata/namespace");
    let mut material = Material::default();
    let mut problems = Vec::new();
    for reference in &references {
        if let Some([first, second]) = materials.double(reference, namespace) {
            let message = format!(
                "{reference} is declared in {first} and in {second}, of which one would overwrite the other; remove one"
            );
            problems.push(object.problem(Severity::Error, path, message));
            continue;
        }
        let warning = match materials.get(reference, namespace) {
            Some(Given::Data(data)) => {
                material.insert(reference.clone(), data.iter().cloned());
                continue;
            }
            Some(Given::Sealed) => format!("{reference} cannot be read here, so its keys were not checked"),
            None => {
                let namespaces = materials.namespaces(reference).into_iter().collect::<Vec<_>>().join(", ");
                let among = match namespaces.as_str() {
                    "" => "not among the files".to_owned(),
                    _ => format!("among the files in namespace {namespaces} only"),
                };
                format!(
                    "{reference} is {among}, so its keys were not checked; it must exist in the Directory's namespace"
                )
            }
        };
        problems.push(object.problem(Severity::Warning, path, warning));
    }
    let complete = problems.is_empty() && !references.is_empty();
    (complete.then_some(material), problems)
}

fn failed(object: &Object, path: &str, error: SourceError) -> Problem {
    object.problem(Severity::Error, path, error.message)
}

/// Whether reading the source is no more than reading its material: a check connects to nothing.
const fn is_offline(provider: &ProviderSpec) -> bool {
    match provider {
        ProviderSpec::Csv(csv) => matches!(csv.from, TablesFrom::ConfigMap(_) | TablesFrom::Secret(_)),
        ProviderSpec::Ldap(_) | ProviderSpec::ActiveDirectory(_) => false,
    }
}

/// Reads a source to its end: what breaks it is an error, what is left out or noted a warning.
fn read(object: &Object, path: &str, mut source: Box<dyn Source>) -> Vec<Problem> {
    let pages = source.pull(Pull::Full);
    let pages: Vec<Result<Page, SourceError>> = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime.block_on(pages.collect()),
        Err(_) => return Vec::new(),
    };
    let mut problems = Vec::new();
    let (mut rejected, mut people) = (Vec::new(), 0);
    for page in pages {
        match page {
            Ok(Page::Users(users)) => people += users.len(),
            Ok(Page::Groups(_) | Page::Tenant(_)) => {}
            Ok(Page::Rejected(rows)) => {
                rejected.extend(rows.into_iter().map(|row| format!("{}: {}", row.position, row.reason)));
            }
            Ok(Page::End(end)) => {
                problems
                    .extend(end.notes.into_iter().map(|note| object.problem(Severity::Warning, path, note)));
            }
            Err(error) => problems.push(failed(object, path, error)),
        }
    }
    let more = rejected.len().saturating_sub(MAX_ROWS);
    problems.extend(
        rejected.into_iter().take(MAX_ROWS).map(|reason| object.problem(Severity::Warning, path, reason)),
    );
    if more > 0 {
        problems.push(object.problem(
            Severity::Warning,
            path,
            format!("and {more} more rows cannot be used"),
        ));
    }
    if people == 0 && problems.is_empty() {
        problems.push(object.problem(Severity::Warning, path, "the table of people has no people"));
    }
    problems
}
