//! What can be wrong with a Directory beyond its schema: expressions, provider settings, and the Secrets
//! and ConfigMaps that it names.

use futures::StreamExt;

use super::document::Object;
use super::given::{Given, Materials};
use super::report::{Problem, Severity};
use crate::api::Directory;
use crate::controller::settings::Settings;
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

/// What a Directory names, when all of it was given; a warning for each object that was not.
fn resolve(
    object: &Object,
    path: &str,
    provider: &ProviderSpec,
    materials: &Materials,
) -> (Option<Material>, Vec<Problem>) {
    let references = provider.provider().references();
    let mut material = Material::default();
    let mut problems = Vec::new();
    for reference in &references {
        let warning = match materials.get(reference, object.text("/metadata/namespace")) {
            Some(Given::Data(data)) => {
                material.insert(reference.clone(), data.iter().cloned());
                continue;
            }
            Some(Given::Sealed) => format!("{reference} cannot be read here, so its keys were not checked"),
            None => format!(
                "{reference} is not among the files, so its keys were not checked; it must exist in the Directory's \
                 namespace"
            ),
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
            Ok(Page::Rejected(rows)) => rejected.extend(rows.into_iter().map(|row| row.reason)),
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
