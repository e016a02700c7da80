//! What a person should know of a normalised directory, counted.

/// Counts of one normalisation. The same records give the same counts in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// People in scope in state `Active`.
    pub users_active: usize,
    /// People in scope in state `Inactive`.
    pub users_inactive: usize,
    /// Groups in scope.
    pub groups: usize,
    /// Members of all groups in scope, added up.
    pub memberships: usize,
    /// People who are not in scope.
    pub out_of_scope_users: usize,
    /// Groups that are not in scope.
    pub out_of_scope_groups: usize,
    /// Members of groups in scope that are themselves not in scope, and so not listed.
    pub out_of_scope_members: usize,
    /// People in scope without an e-mail address.
    pub without_email: usize,
    /// Groups in scope without a usable name, shown by their id.
    pub groups_without_name: usize,
    /// Members of groups in scope that the source does not list.
    pub unresolved_members: usize,
    /// Groups named by records of people and groups that the source does not list.
    pub unresolved_groups: usize,
    /// People whose manager the source does not list, and whose record says nothing of them.
    pub unresolved_managers: usize,
    /// People in scope who share their e-mail address with somebody, in any letter case.
    pub sharing_email: usize,
    /// People in scope who share their user name with somebody, in any letter case.
    pub sharing_user_name: usize,
    /// Values left out because they are longer than an object may hold.
    pub values_too_long: usize,
    /// Lists of e-mail addresses, telephone numbers or addresses cut to what an object may hold.
    pub lists_cut: usize,
    /// Values of optional attributes of `mapping` left out because they cannot be attributes.
    pub invalid_attributes: usize,
}

impl Summary {
    /// Sentences for `status.notes`. They name no person, and the same counts give the same
    /// sentences.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let sentences = [
            (self.without_email, "person has no e-mail address", "people have no e-mail address", ""),
            (
                self.sharing_email,
                "person shares an e-mail address with another",
                "people share an e-mail address with another",
                "; each has an object of their own",
            ),
            (
                self.sharing_user_name,
                "person shares a user name with another",
                "people share a user name with another",
                "; each has an object of their own",
            ),
            (
                self.unresolved_members,
                "group member is",
                "group members are",
                " not among the people and groups that were read, and left out",
            ),
            (
                self.unresolved_groups,
                "membership names a group",
                "memberships name groups",
                " not among the groups that were read, and is left out",
            ),
            (
                self.unresolved_managers,
                "person's manager is",
                "people's managers are",
                " not among the people that were read, and left out",
            ),
            (
                self.values_too_long,
                "value is longer than the schema allows",
                "values are longer than the schema allows",
                ", and left out",
            ),
            (
                self.lists_cut,
                "list has more entries than the schema allows",
                "lists have more entries than the schema allows",
                ", and the rest is left out",
            ),
            (
                self.invalid_attributes,
                "value that spec.mapping gives cannot be an attribute",
                "values that spec.mapping gives cannot be attributes",
                ", and left out",
            ),
            (
                self.groups_without_name,
                "group has no name that can be used",
                "groups have no name that can be used",
                ", and the id stands in its place",
            ),
        ];
        sentences
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many, end)| {
                let noun = if count == 1 { one } else { many };
                format!("{count} {noun}{end}.")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_worth_knowing_gives_no_notes() {
        let summary = Summary { users_active: 9, groups: 2, out_of_scope_users: 4, ..Summary::default() };
        assert!(summary.notes().is_empty());
    }

    #[test]
    fn notes_speak_of_one_and_of_many() {
        let summary = Summary { without_email: 1, unresolved_members: 12, ..Summary::default() };
        assert_eq!(
            summary.notes(),
            [
                "1 person has no e-mail address.",
                "12 group members are not among the people and groups that were read, and left out."
            ]
        );
    }

    #[test]
    fn there_are_never_more_notes_than_the_status_holds() {
        let summary = Summary {
            without_email: 1,
            groups_without_name: 1,
            unresolved_members: 1,
            unresolved_groups: 1,
            unresolved_managers: 1,
            sharing_email: 1,
            sharing_user_name: 1,
            values_too_long: 1,
            lists_cut: 1,
            invalid_attributes: 1,
            ..Summary::default()
        };
        assert_eq!(summary.notes().len(), 10);
    }
}
