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

fn most(path: &str, count: usize, list: impl Fn(usize) -> Value) -> Case {
    case(path, "maxItems", list(count + 1), list(count), &format!("must have at most {count} items"))
}

fn some(path: &str, one: &Value) -> Case {
    case(path, "minItems", json!([]), json!([one]), "should have at least 1 items")
}

fn lists() -> Vec<Case> {
    let rule = |number: usize| json!({"attribute": format!("a{number}"), "value": "raw.a"});
    let role = |number: usize| json!({"role": format!("r{number}"), "groups": ["g"]});
    let text = |number: usize| format!("a{number}");
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
        case(
            "spec.provider.ldap.users.attributes",
            "x-kubernetes-list-type",
            json!(["badge", "badge"]),
            json!(["badge", "Badge"]),
            r#"spec.provider.ldap.users.attributes[1]: Duplicate value: "badge""#,
        ),
        most("spec.output.attributes", 64, listed).given("spec.mapping", numbered(64, rule)),
        some("spec.output.attributes", &json!("email")),
        case(
            "spec.output.attributes",
            "x-kubernetes-list-type",
            json!(["email", "email"]),
            json!(["email", "title"]),
            r#"spec.output.attributes[1]: Duplicate value: "email""#,
        ),
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

fn numbers() -> Vec<Case> {
    let range = |path: &str, least: i64, most: i64| {
        vec![
            case(
                path,
                "minimum",
                json!(least - 1),
                json!(least),
                &format!("should be greater than or equal to {least}"),
            ),
            case(
                path,
                "maximum",
                json!(most + 1),
                json!(most),
                &format!("should be less than or equal to {most}"),
            ),
        ]
    };
    [
        range("spec.provider.ldap.pageSize", 1, 10_000),
        range("spec.provider.ldap.timeoutSeconds", 1, 600),
        range("spec.quarantine.maxPercent", 0, 100),
        range("spec.quarantine.minimum", 0, 1_000_000),
        range("spec.deletion.guard.percent", 0, 100),
        range("spec.deletion.guard.minimum", 0, 1_000_000),
        range("spec.deletion.guard.maximum", 0, 1_000_000),
    ]
    .concat()
}
