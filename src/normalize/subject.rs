//! A person or group as expressions see them: `user` and `group`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::expr::{Member, Object};
use crate::model::User;

/// The members of `user` that are always there, and those that are there when they are known.
pub const MEMBERS: &[&str] = &[
    "externalId",
    "userName",
    "email",
    "state",
    "name",
    "displayName",
    "title",
    "department",
    "division",
    "costCenter",
    "organization",
    "employeeNumber",
    "employeeType",
    "startDate",
    "manager",
    "emails",
    "phoneNumbers",
    "addresses",
    "attributes",
    "groups",
];

/// The variable `user`.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The person.
    pub user: &'a User,
    /// Display names of the groups of the scope that the person is in, directly or through others.
    pub groups: &'a [&'a str],
}

impl Object for Subject<'_> {
    fn names(&self) -> Vec<&str> {
        MEMBERS.iter().copied().filter(|name| self.member(name).is_some()).collect()
    }

    fn member(&self, name: &str) -> Option<Member<'_>> {
        let user = self.user;
        let text = match name {
            "externalId" => Some(user.external_id.as_str()),
            "state" => Some(user.state.as_str()),
            "userName" => user.user_name.as_deref(),
            "email" => user.email.as_deref(),
            "displayName" => user.display_name.as_deref(),
            "title" => user.title.as_deref(),
            "department" => user.department.as_deref(),
            "division" => user.division.as_deref(),
            "costCenter" => user.cost_center.as_deref(),
            "organization" => user.organization.as_deref(),
            "employeeNumber" => user.employee_number.as_deref(),
            "employeeType" => user.employee_type.as_deref(),
            "startDate" => user.start_date.as_deref(),
            "groups" => return Some(Member::Texts(self.groups)),
            "name" => return json(&user.name),
            "manager" => return user.manager.as_ref().and_then(json),
            "emails" => return json(&user.emails),
            "phoneNumbers" => return json(&user.phone_numbers),
            "addresses" => return json(&user.addresses),
            "attributes" => return json(&user.attributes),
            _ => None,
        };
        text.map(Member::Text)
    }
}

fn json<'a, T: Serialize>(value: &T) -> Option<Member<'a>> {
    serde_json::to_value(value).ok().map(|value: Value| Member::Json(Cow::Owned(value)))
}

/// The members of `group`.
pub const GROUP_MEMBERS: &[&str] = &["externalId", "displayName"];

/// The variable `group`.
#[derive(Clone, Copy, Debug)]
pub struct GroupSubject<'a> {
    /// The provider's id of the group.
    pub external_id: &'a str,
    /// The name to show.
    pub display_name: &'a str,
}

impl Object for GroupSubject<'_> {
    fn names(&self) -> Vec<&str> {
        GROUP_MEMBERS.to_vec()
    }

    fn member(&self, name: &str) -> Option<Member<'_>> {
        match name {
            "externalId" => Some(Member::Text(self.external_id)),
            "displayName" => Some(Member::Text(self.display_name)),
            _ => None,
        }
    }
}
