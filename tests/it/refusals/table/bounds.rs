//! Lists, maps and numbers that are too small or too large by one, and elements that come twice.

use serde_json::{Value, json};

use super::super::case::Case;
use super::case;

pub fn cases() -> Vec<Case> {
    [lists(), maps(), numbers()].concat()
}

fn numbered<T>(count: usize, make: impl Fn(usize) -> T) -> Value
where
    Value: From<Vec<T>>,
{
    Value::from((0..count).map(make).collect::<Vec<T>>())
}

pub fn most(path: &str, count: usize, list: impl Fn(usize) -> Value) -> Case {
    case(path, "maxItems", list(count + 1), list(count), &format!("must have at most {count} items"))
}

pub fn some(path: &str, one: &Value) -> Case {
    case(path, "minItems", json!([]), json!([one]), "should have at least 1 items")
}

pub fn twice(path: &str, one: &str, other: &str) -> Case {
    let says = format!("{path}[1]: Duplicate value: \"{one}\"");
    case(path, "x-kubernetes-list-type", json!([one, one]), json!([one, other]), &says)
}

fn lists() -> Vec<Case> {
    let rule = |number: usize| json!({"attribute": format!("a{number}"), "value": "raw.a"});
    let role = |number: usize| json!({"role": format!("r{number}"), "groups": ["g"]});
    let text = |number: usize| format!("a{number}");
    let controller = |number: usize| format!("ldaps://dc{number}.ad.acme.example");
    // All that mapping can add, and a standard attribute.
    let listed =
        |count: usize| numbered(count, |number| if number < 64 { text(number) } else { "email".to_owned() });
    vec![
        most("spec.mapping", 64, |count| numbered(count, rule)),
        case(
            "spec.mapping",
            "x-kubernetes-list-map-keys",
            json!([rule(1), rule(1)]),
            json!([rule(1), rule(2)]),
            r#"spec.mapping[1]: Duplicate value: {"attribute":"a1"}"#,
        ),
        most("spec.roles.rules", 64, |count| numbered(count, role)),
        some("spec.roles.rules", &role(1)),
        most("spec.roles.rules[0].groups", 256, |count| numbered(count, text)),
        some("spec.roles.rules[0].groups", &json!("admins")),
        most("spec.provider.ldap.users.attributes", 32, |count| numbered(count, text)),
        twice("spec.provider.ldap.users.attributes", "badge", "Badge"),
        most("spec.provider.activeDirectory.users.attributes", 32, |count| numbered(count, text)),
        twice("spec.provider.activeDirectory.users.attributes", "info", "Info"),
        most("spec.provider.activeDirectory.urls", 8, |count| numbered(count, controller)),
        some("spec.provider.activeDirectory.urls", &json!(controller(1))),
        most("spec.output.attributes", 64, listed).given("spec.mapping", numbered(64, rule)),
        some("spec.output.attributes", &json!("email")),
        twice("spec.output.attributes", "email", "title"),
    ]
}

fn maps() -> Vec<Case> {
    let many: Value =
        (0..65).map(|number| (format!("a{number}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let of = |table: &str, one: &str| {
        let path = format!("spec.provider.csv.{table}.columns");
        case(&path, "maxProperties", many.clone(), json!({one: "x"}), "must have at most 64 items")
    };
    vec![of("users", "email"), of("userGroups", "user_id"), of("groups", "group_id")]
}

/// A number between two bounds.
pub fn range(path: &str, least: i64, most: i64) -> Vec<Case> {
    let (below, above) = (least - 1, most + 1);
    let too_small = format!("should be greater than or equal to {least}");
    let too_large = format!("should be less than or equal to {most}");
    vec![
        case(path, "minimum", json!(below), json!(least), &too_small),
        case(path, "maximum", json!(above), json!(most), &too_large),
    ]
}

fn numbers() -> Vec<Case> {
    [
        range("spec.provider.ldap.pageSize", 1, 10_000),
        range("spec.provider.ldap.timeoutSeconds", 1, 600),
        range("spec.quarantine.maxPercent", 0, 100),
        range("spec.quarantine.minimum", 0, 1_000_000),
        range("spec.provider.activeDirectory.pageSize", 1, 1_000),
        range("spec.provider.activeDirectory.timeoutSeconds", 1, 600),
        range("spec.deletion.guard.percent", 0, 100),
        range("spec.deletion.guard.minimum", 0, 1_000_000),
        range("spec.deletion.guard.maximum", 0, 1_000_000),
    ]
    .concat()
}
