//! Rules of the schema in CEL, with the words that a person reads when a manifest breaks one.
//!
//! The words for a violated `pattern` are the pattern. So formats are rules, too, and so are relations
//! between fields. Each rule stands at the object that has the field and names the field by
//! its path: then a rule is always about an object, in the apiserver and in `directory-sync
//! check`.

use kube::core::Rule;

/// A name as objects have it (RFC 1123 subdomain).
const OBJECT_NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// Hours, minutes and seconds, in numbers that cannot overflow a duration.
const DURATION: &str = r"^([0-9]{1,5}(\.[0-9]{1,3})?(h|m|s))+$";

/// A rule about one field, which may be absent. `condition` makes CEL of the field's path.
#[must_use]
pub fn field(name: &str, condition: impl FnOnce(&str) -> String, message: &str) -> Rule {
    let path = format!("self.{name}");
    let rule = format!("!has({path}) || {}", condition(&path));
    Rule::new(rule).message(message).field_path(format!(".{name}"))
}

/// The field has the form of a regular expression (RE2).
#[must_use]
pub fn form(name: &str, pattern: &str, message: &str) -> Rule {
    field(name, |it| format!("{it}.matches(r'{pattern}')"), message)
}

/// The field is the name of an object.
#[must_use]
pub fn object_name(name: &str) -> Rule {
    let message = "an object's name has lower-case letters, digits, '-' and '.', and begins and ends with a \
                   letter or digit";
    form(name, OBJECT_NAME, message)
}

/// The field is a time between two bounds, which are written as the field is.
#[must_use]
pub fn duration(name: &str, least: &str, most: &str) -> Rule {
    let condition = |it: &str| {
        format!(
            "({it}.matches(r'{DURATION}') && duration({it}) >= duration('{least}') && duration({it}) <= duration('{most}'))"
        )
    };
    let message = format!("{name} must be a time from {least} to {most}, written as 30s, 5m or 1h30m");
    field(name, condition, &message)
}

/// A list of texts as CEL has it. The texts hold no quotes.
#[must_use]
pub fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|text| format!("'{text}'")).collect();
    format!("[{}]", quoted.join(", "))
}
