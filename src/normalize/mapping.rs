//! The attributes that `spec.mapping` adds to a person or sets over the source's own.

use serde_json::Value;

use super::expr::{Failure, Machine, Object, Program};
use super::limits::{MAX_ATTRIBUTES_BYTES, TEXT, WORD};
use super::outcome::QuarantineReason;
use super::text::{self, Lines};
use crate::model::User;

/// A standard attribute that is one text: where it is, and how long it may be.
type Standard = (&'static str, fn(&mut User) -> &mut Option<String>, usize);

/// The standard attributes that `mapping` can set.
const STANDARD: &[Standard] = &[
    ("costCenter", |user| &mut user.cost_center, TEXT),
    ("department", |user| &mut user.department, TEXT),
    ("displayName", |user| &mut user.display_name, TEXT),
    ("division", |user| &mut user.division, TEXT),
    ("email", |user| &mut user.email, TEXT),
    ("employeeNumber", |user| &mut user.employee_number, TEXT),
    ("employeeType", |user| &mut user.employee_type, TEXT),
    ("organization", |user| &mut user.organization, TEXT),
    ("startDate", |user| &mut user.start_date, WORD),
    ("title", |user| &mut user.title, TEXT),
    ("userName", |user| &mut user.user_name, TEXT),
];

/// The standard attributes that `mapping` cannot set: identity and state come from the source,
/// roles from `spec.roles`, and the others are not one text.
pub const FIXED: &[&str] = &[
    "externalId",
    "state",
    "name",
    "manager",
    "emails",
    "phoneNumbers",
    "addresses",
    "role",
    "roles",
    "attributes",
    "groups",
];

/// One rule, compiled.
pub struct Mapping {
    attribute: String,
    field: String,
    required: bool,
    program: Program,
    standard: Option<Standard>,
}

/// Why a person is held back: the reason, and a message that names no person.
pub type Held = (QuarantineReason, String);

/// A value that cannot be an attribute, in words.
type Invalid = String;

impl Mapping {
    /// Puts a rule together; `field` is where its expression stands in the Directory.
    ///
    /// # Errors
    /// When the attribute cannot be set, in words.
    pub fn new(attribute: &str, field: String, required: bool, program: Program) -> Result<Self, String> {
        if FIXED.contains(&attribute) {
            return Err(format!("mapping cannot set '{attribute}'; choose another name for the attribute"));
        }
        let standard = STANDARD.iter().find(|(name, ..)| *name == attribute).copied();
        Ok(Self { attribute: attribute.to_owned(), field, required, program, standard })
    }

    /// The expression.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    fn value(
        &self,
        machine: &Machine,
        variables: &[(&'static str, &dyn Object)],
    ) -> Result<Option<Value>, Invalid> {
        let value =
            machine.attribute(&self.program, variables).map_err(|failure: Failure| failure.to_string())?;
        let Some(value) = value.and_then(clean) else { return Ok(None) };
        let Some((_, _, bound)) = self.standard else { return Ok(Some(value)) };
        let text = match value {
            Value::String(text) => text,
            Value::Array(_) => return Err(format!("'{}' is one text, not a list", self.attribute)),
            scalar => scalar.to_string(),
        };
        if text::fits(&text, bound) {
            return Ok(Some(Value::String(text)));
        }
        Err(format!("the text has more than {bound} characters"))
    }

    fn held(&self, reason: QuarantineReason, what: &str) -> Held {
        let message = format!(
            "the required attribute '{}' {what}; correct it at the source, or change {}",
            self.attribute, self.field
        );
        (reason, message)
    }
}

/// What the rules make of one person.
#[derive(Debug, Default)]
pub struct Mapped {
    values: Vec<(usize, Value)>,
    /// Values that were left out.
    pub invalid: usize,
    /// Set when a required attribute is not there.
    pub held: Option<Held>,
}

impl Mapped {
    /// Evaluates all rules over the person as the source has them.
    pub fn evaluate(rules: &[Mapping], machine: &Machine, variables: &[(&'static str, &dyn Object)]) -> Self {
        let mut mapped = Self::default();
        let mut bytes = 0;
        for (place, rule) in rules.iter().enumerate() {
            let mut value = rule.value(machine, variables);
            if let Ok(Some(some)) = &value {
                bytes += size(some);
                if bytes > MAX_ATTRIBUTES_BYTES {
                    value = Err(format!(
                        "would bring the attributes above {MAX_ATTRIBUTES_BYTES} bytes together"
                    ));
                }
            }
            match value {
                Ok(Some(value)) => mapped.values.push((place, value)),
                Ok(None) if rule.required => {
                    mapped.hold(|| rule.held(QuarantineReason::MissingAttribute, "is missing"));
                }
                Ok(None) => {}
                Err(reason) if rule.required => mapped.hold(|| {
                    rule.held(QuarantineReason::InvalidAttribute, &format!("cannot be used: {reason}"))
                }),
                Err(_) => mapped.invalid += 1,
            }
        }
        mapped
    }

    fn hold(&mut self, held: impl FnOnce() -> Held) {
        if self.held.is_none() {
            self.held = Some(held());
        }
    }

    /// Sets the values on the person.
    pub fn apply(&mut self, rules: &[Mapping], user: &mut User) {
        for (place, value) in self.values.drain(..) {
            match (rules[place].standard, value) {
                (Some((_, field, _)), Value::String(text)) => *field(user) = Some(text),
                (_, value) => {
                    user.attributes.insert(rules[place].attribute.clone(), value);
                }
            }
        }
    }
}

/// Text cleaned as everywhere; `None` when nothing is left.
fn clean(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => text::clean(text, Lines::Joined).map(Value::String),
        Value::Array(values) => {
            let values: Vec<Value> = values.into_iter().filter_map(clean).collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
        other => Some(other),
    }
}

/// About the bytes of a value's JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 3,
        Value::Array(values) => values.iter().map(size).sum::<usize>() + 2,
        _ => 20,
    }
}
