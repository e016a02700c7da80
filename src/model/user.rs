//! The one shape of a person, whatever directory they come from.
//!
//! Field names follow `WorkOS` Directory Sync's standard and predefined attributes and SCIM's core
//! user schema (RFC 7643 section 4.1). Every string and list is bounded, so that no directory can
//! make an object that the cluster refuses.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A person, normalised.
///
/// Holds no time and nothing else that changes while the person does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The provider's immutable id of the person.
    #[schemars(length(min = 1, max = 512))]
    pub external_id: String,
    /// The name the person signs in with, as the directory has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub user_name: Option<String>,
    /// The chosen address: the primary one, else the first of type `work`, else the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub email: Option<String>,
    /// Whether the person may be let in.
    pub state: State,
    /// The parts of the person's name.
    #[serde(default, skip_serializing_if = "PersonName::is_empty")]
    pub name: PersonName,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub display_name: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub title: Option<String>,
    /// Department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub department: Option<String>,
    /// Division.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub division: Option<String>,
    /// Cost center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub cost_center: Option<String>,
    /// Organisation or company within the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub organization: Option<String>,
    /// The number the employer gave the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub employee_number: Option<String>,
    /// Kind of employment, in the directory's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub employee_type: Option<String>,
    /// First day of employment, as the directory writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub start_date: Option<String>,
    /// The person's manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
    /// All e-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub emails: Vec<Email>,
    /// All telephone numbers, as the directory writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub phone_numbers: Vec<PhoneNumber>,
    /// All postal addresses, as the directory writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub addresses: Vec<Address>,
    /// The application role of highest priority that the person's groups give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub role: Option<String>,
    /// All application roles that the person's groups give, in order of priority.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 128)), extend("x-kubernetes-list-type" = "atomic"))]
    pub roles: Vec<String>,
    /// What the Directory's `mapping` adds: strings, numbers, booleans and lists of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(
        schema_with = "free_attributes",
        extend("x-kubernetes-map-type" = "atomic")
    )]
    pub attributes: BTreeMap<String, Value>,
}

/// Attribute values are of the administrator's choosing, so their type is left open.
fn free_attributes(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"x-kubernetes-preserve-unknown-fields": true}
    })
}

/// Whether a person may be let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum State {
    /// The person is current.
    #[default]
    Active,
    /// The directory knows the person and says that they are disabled, locked or gone.
    Inactive,
}

impl State {
    /// The value as it stands in objects and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }
}

/// The parts of a person's name (RFC 7643 section 4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonName {
    /// Given or first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub given: Option<String>,
    /// Family or last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub family: Option<String>,
    /// The full name in the order the person writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub formatted: Option<String>,
}

impl PersonName {
    /// True when no part is known; an empty name is left out of the object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A person's manager, named by what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manager {
    /// The manager's immutable id, when the manager is in the same directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub external_id: Option<String>,
    /// The manager's sign-in name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub user_name: Option<String>,
    /// The manager's name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub display_name: Option<String>,
    /// The manager's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub email: Option<String>,
}

/// An e-mail address (RFC 7643 section 4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Email {
    /// The address, as the directory writes it.
    #[schemars(length(max = 512))]
    pub value: String,
    /// `work`, `home` or the directory's own word.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub kind: Option<String>,
    /// Whether the directory calls this one the person's main address.
    #[serde(default, skip_serializing_if = "is_false")]
    pub primary: bool,
}

/// A telephone number (RFC 7643 section 4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhoneNumber {
    /// The number, as the directory writes it.
    #[schemars(length(max = 128))]
    pub value: String,
    /// `work`, `mobile`, `home`, `fax`, `pager` or the directory's own word.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub kind: Option<String>,
    /// Whether the directory calls this one the person's main number.
    #[serde(default, skip_serializing_if = "is_false")]
    pub primary: bool,
}

/// A postal address (RFC 7643 section 4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// `work`, `home` or the directory's own word.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub kind: Option<String>,
    /// Street and house number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub street_address: Option<String>,
    /// City or town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub locality: Option<String>,
    /// State, county or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub region: Option<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub postal_code: Option<String>,
    /// Country, as the directory writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub country: Option<String>,
    /// The whole address as one text, where the directory has no parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub formatted: Option<String>,
    /// Whether the directory calls this one the person's main address.
    #[serde(default, skip_serializing_if = "is_false")]
    pub primary: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
