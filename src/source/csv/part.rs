//! The three tables of a directory.

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// People.
    Users,
    /// Who is in which group.
    UserGroups,
    /// Groups.
    Groups,
}

impl Part {
    /// All of them, in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Users, Self::UserGroups, Self::Groups];

    /// The place in lists of three.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The field of the settings that is about it.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::UserGroups => "userGroups",
            Self::Groups => "groups",
        }
    }
}
