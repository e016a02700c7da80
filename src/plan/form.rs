//! Which form the mirrors are to have: an object each, or many in a slice.

use super::{Index, Plan};
use crate::api::defaults::{AUTO_OBJECTS_BELOW_MEMBERS, AUTO_OBJECTS_BELOW_USERS, AUTO_SLICES_ABOVE_USERS};
use crate::api::directory::{Form, OutputMode};
use crate::model::group::MAX_INLINE_MEMBERS;
use crate::model::{Kind, MirrorName};

/// How large a directory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// People.
    pub users: usize,
    /// Members of the largest group.
    pub largest_group: usize,
}

impl Size {
    /// The size after a plan.
    #[must_use]
    pub fn after(plan: &Plan, index: &Index) -> Self {
        let of_users = |name: &MirrorName| name.kind == Kind::User;
        let created = plan.creates.iter().filter(|mirror| of_users(&mirror.name)).count();
        let deleted = plan.deletes.iter().filter(|(name, _)| of_users(name)).count();
        let changed: std::collections::HashSet<MirrorName> = plan
            .updates
            .iter()
            .map(|update| update.mirror.name)
            .chain(plan.deletes.iter().map(|(name, _)| *name))
            .filter(|name| name.kind == Kind::Group)
            .collect();
        let unchanged = index.iter(Kind::Group).filter(|(name, _)| !changed.contains(name));
        let unchanged = unchanged.map(|(_, observed)| observed.members);
        let updated = plan.updates.iter().map(|update| update.mirror.members);
        let members = plan.creates.iter().map(|mirror| mirror.members).chain(updated).chain(unchanged);
        Self {
            users: (index.count(Kind::User) + created).saturating_sub(deleted),
            largest_group: members.max().unwrap_or(0) as usize,
        }
    }

    /// The larger of the two in each respect.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            users: self.users.max(other.users),
            largest_group: self.largest_group.max(other.largest_group),
        }
    }
}

/// The form for a mode; `present` is the form that the mirrors have now. What lies between the two
/// limits of `Auto` stays as it is, so that a directory about that size does not go back and forth. With
/// `Objects`, slices stay as long as one of their groups fits into no object: applications would lose it.
#[must_use]
pub fn choose(mode: OutputMode, present: Option<Form>, size: Size) -> Form {
    match mode {
        OutputMode::Objects => match present {
            Some(Form::Slices) if size.largest_group > MAX_INLINE_MEMBERS => Form::Slices,
            _ => Form::Objects,
        },
        OutputMode::Slices => Form::Slices,
        OutputMode::None => present.unwrap_or(Form::Objects),
        OutputMode::Auto => {
            let large = size.users > AUTO_SLICES_ABOVE_USERS || size.largest_group > MAX_INLINE_MEMBERS;
            let small =
                size.users < AUTO_OBJECTS_BELOW_USERS && size.largest_group < AUTO_OBJECTS_BELOW_MEMBERS;
            match present {
                _ if large => Form::Slices,
                Some(Form::Slices) if !small => Form::Slices,
                Some(Form::Slices | Form::Objects) | None => Form::Objects,
            }
        }
    }
}

/// The form for the present run, when another one has been chosen; `there` is the size before the run's
/// plan. Objects are made of what is there, without groups that fit into none, and applications would lose
/// those until the plan is carried out. So it is carried out in the slices, and the next run leaves them.
#[must_use]
pub fn for_now(chosen: Form, present: Option<Form>, there: Size) -> Form {
    match (present, chosen) {
        (Some(Form::Slices), Form::Objects) if there.largest_group > MAX_INLINE_MEMBERS => Form::Slices,
        _ => chosen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(present: Option<Form>, users: usize, largest_group: usize) -> Form {
        choose(OutputMode::Auto, present, Size { users, largest_group })
    }

    #[test]
    fn large_directories_and_large_groups_go_to_slices() {
        for present in [None, Some(Form::Objects), Some(Form::Slices)] {
            assert_eq!(auto(present, 5_001, 0), Form::Slices);
            assert_eq!(auto(present, 10, 1_001), Form::Slices);
            assert_eq!(auto(present, 3_999, 799), Form::Objects);
        }
        assert_eq!(auto(None, 5_000, 1_000), Form::Objects);
    }

    #[test]
    fn between_the_limits_everything_stays_as_it_is() {
        for (users, largest_group) in [(4_000, 0), (5_000, 1_000), (10, 800), (10, 1_000)] {
            for form in [Form::Objects, Form::Slices] {
                assert_eq!(auto(Some(form), users, largest_group), form, "{users} {largest_group}");
            }
        }
    }

    #[test]
    fn a_form_that_is_asked_for_is_chosen_whatever_the_size() {
        let size = Size { users: 100_000, largest_group: 1_000 };
        assert_eq!(choose(OutputMode::Objects, Some(Form::Slices), size), Form::Objects);
        assert_eq!(choose(OutputMode::Slices, Some(Form::Objects), Size::default()), Form::Slices);
    }

    #[test]
    fn a_group_that_is_to_become_small_does_so_before_the_slices_go() {
        let there = |largest_group| Size { users: 10, largest_group };
        let (slices, objects) = (Form::Slices, Form::Objects);
        assert_eq!(for_now(objects, Some(slices), there(1_001)), slices);
        assert_eq!(for_now(objects, Some(slices), there(1_000)), objects);
        assert_eq!(for_now(slices, Some(objects), there(1_001)), slices);
        assert_eq!(for_now(objects, None, there(1_001)), objects);
    }

    #[test]
    fn a_group_that_fits_into_no_object_keeps_its_slices() {
        let size = Size { users: 10, largest_group: 1_001 };
        assert_eq!(choose(OutputMode::Objects, Some(Form::Slices), size), Form::Slices);
        assert_eq!(choose(OutputMode::Objects, None, size), Form::Objects);
    }
}
