//! What a ConfigMap of people and groups cannot be asked to be.

use serde_json::{Value, json};

use super::super::case::Case;
use super::{bounds, case, forms, lengths, letters, members};

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        members::needed("spec.output.configMap.name", json!("people"))
            .given("spec.output.configMap", json!({"format": "JSON"})),
    ];
    cases.extend(members::words("spec.output.configMap.format", &["JSON", "JSONLines", "CSV"]));
    let pairs = [("Acme", "acme"), ("acme..people", "acme.people"), ("acme-", "a")];
    let words = "an object's name has lower-case letters, digits, '-' and '.'";
    cases.extend(forms::forms(&["spec.output.configMap.name"], &pairs, words));
    cases.extend(lengths::lengths("spec.output.configMap.name", 1, 235, letters));
    cases.extend(attributes());
    cases
}

fn attributes() -> Vec<Case> {
    const PATH: &str = "spec.output.configMap.attributes";
    const ONE: &str = "spec.output.configMap.attributes[0]";
    const WORDS: &str = "output.configMap.attributes may only list attributes that the mirrors have";
    let rule = |name: &str| json!({"attribute": name, "value": "raw.a"});
    let numbered = |count: usize| (0..count).map(|number| format!("a{number}")).collect::<Vec<String>>();
    let mapping: Value = numbered(64).iter().map(|name| rule(name)).collect();
    // All that mapping can add, and a standard attribute.
    let listed = |count: usize| {
        let mut names = numbered(count.min(64));
        names.extend((count > 64).then(|| "email".to_owned()));
        json!(names)
    };
    let mut cases = vec![
        bounds::most(PATH, 64, listed).given("spec.mapping", mapping),
        bounds::some(PATH, &json!("email")),
        bounds::twice(PATH, "email", "title"),
        case(ONE, "rule", json!("badge"), json!("department"), WORDS),
        case(ONE, "rule", json!("bagde"), json!("badge"), WORDS)
            .given("spec.mapping", json!([rule("badge")])),
        case(ONE, "rule", json!("title"), json!("email"), WORDS)
            .given("spec.output.attributes", json!(["email"])),
        case(ONE, "rule", json!("title"), json!("role"), WORDS)
            .given("spec.output.attributes", json!(["email"])),
    ];
    let names = lengths::lengths(ONE, 1, 64, letters).into_iter();
    cases.extend(names.map(|case| case.given("spec.mapping", json!([rule(&letters(64)), rule("x")]))));
    cases
}
