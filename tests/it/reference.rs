//! The API reference in docs/reference.md: made from the definitions, so that it cannot differ from them.
//!
//! With `DIRECTORY_SYNC_WRITE_REFERENCE=1` the test writes the file instead of comparing it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

const HEAD: &str = "# API reference

Made from the CustomResourceDefinitions; not to be edited. `make crds` writes it again.

All kinds are of group `directory-sync.io` and version `v1alpha1`, and live in a namespace. A field in **bold** must
be set. `[]` stands for every element of a list, `{}` for every value of a map. Lengths are in characters.
";

#[test]
fn the_api_reference_is_that_of_the_definitions() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let mut expected = HEAD.to_owned();
    for definition in directory_sync::api::crd::all().unwrap() {
        expected.push_str(&chapter(&definition));
    }
    if std::env::var_os("DIRECTORY_SYNC_WRITE_REFERENCE").is_some() {
        fs::write(&file, &expected).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "docs/reference.md is not of these definitions; run 'make crds'");
}

fn chapter(definition: &CustomResourceDefinition) -> String {
    let names = &definition.spec.names;
    let version = &definition.spec.versions[0];
    let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref()).unwrap();
    let properties = schema.properties.as_ref().unwrap();
    let mut text = format!("\n## {}\n\n", names.kind);
    let purpose = properties.get("spec").and_then(|spec| spec.description.as_deref()).unwrap_or_default();
    writeln!(text, "{}\n", paragraph(purpose)).unwrap();

    let code = |word: &String| format!("`{word}`");
    let mut ways = vec![code(&names.plural)];
    ways.extend(names.short_names.iter().flatten().map(code));
    write!(text, "For kubectl: {}.", ways.join(", ")).unwrap();
    let selectable: Vec<String> = version
        .selectable_fields
        .iter()
        .flatten()
        .map(|field| code(&field.json_path[1..].to_owned()))
        .collect();
    if !selectable.is_empty() {
        write!(text, " Field selectors: {}.", selectable.join(", ")).unwrap();
    }
    text.push('\n');
    rules(&mut text, "", schema);

    for part in ["spec", "status"] {
        let Some(schema) = properties.get(part) else { continue };
        text.push_str("\n| field | type | meaning |\n|---|---|---|\n");
        rows(&mut text, part, schema);
        rules(&mut text, part, schema);
    }
    text
}

/// One row for each field below a path.
fn rows(text: &mut String, path: &str, schema: &JSONSchemaProps) {
    let required = schema.required.as_deref().unwrap_or_default();
    for (name, field) in schema.properties.iter().flatten() {
        let path = format!("{path}.{name}");
        let shown = if required.contains(name) { format!("**`{path}`**") } else { format!("`{path}`") };
        let mut meaning = meaning(field);
        for message in messages(schema, Some(name)) {
            write!(meaning, " Refused otherwise: {message}.").unwrap();
        }
        writeln!(text, "| {shown} | {} | {} |", type_of(field), meaning.trim_start()).unwrap();
        let (nested, path) = inner(field, path);
        rows(text, &path, nested);
    }
}

/// What a schema holds: the elements of a list, the values of a map, or itself.
fn inner(schema: &JSONSchemaProps, path: String) -> (&JSONSchemaProps, String) {
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        return inner(items, format!("{path}[]"));
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        return inner(values, format!("{path}{{}}"));
    }
    (schema, path)
}

fn type_of(schema: &JSONSchemaProps) -> String {
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        return format!("list of {}", type_of(items));
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        return format!("map to {}", type_of(values));
    }
    if let Some(values) = &schema.enum_ {
        return values.iter().map(|value| format!("`{}`", bare(&value.0))).collect::<Vec<_>>().join(", ");
    }
    match (schema.type_.as_deref(), schema.format.as_deref()) {
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some("string"), Some("duration")) => "duration".to_owned(),
        (Some(name), _) => name.to_owned(),
        (None, _) => "anything".to_owned(),
    }
}

/// The description, and what the schema asks for beyond the type.
fn meaning(schema: &JSONSchemaProps) -> String {
    let mut sentences = vec![paragraph(schema.description.as_deref().unwrap_or_default())];
    if let Some(default) = schema.default.as_ref().filter(|default| !default.0.is_object()) {
        sentences.push(format!("Default: `{}`.", bare(&default.0)));
    }
    let mut bounds = Vec::new();
    bounds.extend(between("characters", schema.min_length, schema.max_length));
    bounds.extend(between("elements", schema.min_items, schema.max_items));
    bounds.extend(between("entries", schema.min_properties, schema.max_properties));
    bounds.extend(between("", schema.minimum, schema.maximum));
    bounds
        .extend(schema.pattern.as_ref().map(|pattern| format!("matches `{}`", pattern.replace('|', "\\|"))));
    if !bounds.is_empty() {
        sentences.push(format!("({})", bounds.join("; ")));
    }
    sentences.extend(messages(schema, None).map(|message| format!("Refused otherwise: {message}.")));
    sentences.retain(|sentence| !sentence.is_empty());
    sentences.join(" ").replace('\n', " ")
}

fn between<T: ToString>(unit: &str, least: Option<T>, most: Option<T>) -> Option<String> {
    let words = match (least.map(|number| number.to_string()), most.map(|number| number.to_string())) {
        (Some(least), Some(most)) => format!("{least} to {most} {unit}"),
        (None, Some(most)) => format!("at most {most} {unit}"),
        (Some(least), None) => format!("at least {least} {unit}"),
        (None, None) => return None,
    };
    Some(words.trim_end().to_owned())
}

/// The rules of an object as a whole; those of its fields stand with them.
fn rules(text: &mut String, path: &str, schema: &JSONSchemaProps) {
    let mut sentences = messages(schema, None).peekable();
    if sentences.peek().is_none() {
        return;
    }
    let of = if path.is_empty() { "an object".to_owned() } else { format!("`{path}`") };
    writeln!(text, "\nRules of {of} as a whole:\n").unwrap();
    sentences.for_each(|sentence| writeln!(text, "- {sentence}.").unwrap());
}

/// The words of a schema's rules about one of its fields, or about it as a whole.
fn messages<'s>(schema: &'s JSONSchemaProps, field: Option<&'s str>) -> impl Iterator<Item = String> + 's {
    let about = move |path: Option<&str>| {
        let name = path.map(|path| path.trim_start_matches('.'));
        name.filter(|name| schema.properties.iter().flatten().any(|(field, _)| field == name)) == field
    };
    schema
        .x_kubernetes_validations
        .iter()
        .flatten()
        .filter(move |rule| about(rule.field_path.as_deref()))
        .map(|rule| paragraph(rule.message.as_deref().unwrap_or(&rule.rule)).trim_end_matches('.').to_owned())
}

/// Text on one line, that a table can hold.
fn paragraph(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn bare(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
