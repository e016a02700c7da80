//! A company's directory as LDIF: the same people and groups every time.

use std::fmt::Write as _;

/// The root of the company's directory.
pub const SUFFIX: &str = "dc=example,dc=test";

/// Who works at the company, and in which groups.
///
/// People are `uid=user0000,ou=people,…`, groups `cn=group00,ou=groups,…` (groupOfNames) and
/// `cn=posix00,ou=posix,…` (posixGroup). All were last changed in 2020, an hour apart.
#[derive(Clone, Debug)]
pub struct Company {
    /// How many people.
    pub users: usize,
    /// How many groups of each kind.
    pub groups: usize,
    /// How many members each group has.
    pub members: usize,
    /// Whether two groups are members of each other.
    pub cycle: bool,
    /// Whether people's entries say which groups they are in.
    pub member_of: bool,
}

impl Default for Company {
    fn default() -> Self {
        Self { users: 20, groups: 3, members: 5, cycle: false, member_of: false }
    }
}

/// The name of a person's entry.
pub fn user_dn(number: usize) -> String {
    format!("uid=user{number:04},ou=people,{SUFFIX}")
}

/// The name of a group's entry.
pub fn group_dn(number: usize) -> String {
    format!("cn=group{number:02},ou=groups,{SUFFIX}")
}

/// LDIF that adds a person, with more lines.
pub fn person(uid: &str, lines: &str) -> String {
    format!(
        "dn: uid={uid},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n{lines}"
    )
}

/// LDIF that gives a person another title.
pub fn retitle(number: usize, title: &str) -> String {
    format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: {title}\n\n", user_dn(number))
}

/// LDIF that removes a person.
pub fn dismiss(number: usize) -> String {
    format!("dn: {}\nchangetype: delete\n\n", user_dn(number))
}

impl Company {
    /// A company of a size.
    pub fn of(users: usize, groups: usize) -> Self {
        Self { users, groups, ..Self::default() }
    }

    /// The numbers of a group's members.
    pub fn members_of(&self, group: usize) -> Vec<usize> {
        let members =
            (0..self.members.min(self.users)).map(|member| (group * self.members + member) % self.users);
        members.collect()
    }

    /// The directory as `slapadd` takes it.
    pub fn ldif(&self) -> String {
        let mut text = format!(
            "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n\
             dn: cn=reader,{SUFFIX}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
             cn: reader\nuserPassword: {}\n\n",
            super::PASSWORD
        );
        for unit in ["people", "groups", "posix"] {
            write!(text, "dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n\n").unwrap();
        }
        for number in 0..self.users {
            self.write_user(&mut text, number);
        }
        for number in 0..self.groups {
            write!(text, "dn: {}\nobjectClass: groupOfNames\ncn: group{number:02}\n", group_dn(number))
                .unwrap();
            for member in self.members_of(number) {
                writeln!(text, "member: {}", user_dn(member)).unwrap();
            }
            writeln!(text, "{}", changed(number)).unwrap();
            write!(
                text,
                "dn: cn=posix{number:02},ou=posix,{SUFFIX}\nobjectClass: posixGroup\ncn: posix{number:02}\ngidNumber: {}\n",
                20_000 + number
            )
            .unwrap();
            for member in self.members_of(number) {
                writeln!(text, "memberUid: user{member:04}").unwrap();
            }
            writeln!(text, "{}", changed(number)).unwrap();
        }
        if self.cycle {
            for (one, other) in [("alpha", "omega"), ("omega", "alpha")] {
                write!(
                    text,
                    "dn: cn={one},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: {one}\n\
                     member: cn={other},ou=groups,{SUFFIX}\nmember: {}\n\n",
                    user_dn(0)
                )
                .unwrap();
            }
        }
        text
    }

    fn write_user(&self, text: &mut String, number: usize) {
        write!(
            text,
            "dn: {dn}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: user{number:04}\n\
             cn: User {number:04}\nsn: {number:04}\ngivenName: User\ndisplayName: User Number {number}\n\
             mail: user{number:04}@example.test\ntitle: Worker\ndepartmentNumber: {department}\n\
             employeeNumber: {number}\ntelephoneNumber: +44 20 {number:04}\nuidNumber: {uid}\n\
             gidNumber: 100\nhomeDirectory: /home/user{number:04}\nuserPassword: secret-of-{number}\n",
            dn = user_dn(number),
            department = number % 7,
            uid = 10_000 + number,
        )
        .unwrap();
        if number > 0 {
            writeln!(text, "manager: {}", user_dn(0)).unwrap();
        }
        if self.member_of {
            for group in (0..self.groups).filter(|group| self.members_of(*group).contains(&number)) {
                writeln!(text, "memberOf: {}", group_dn(group)).unwrap();
            }
        }
        writeln!(text, "{}", changed(number)).unwrap();
    }
}

/// The time of an entry's last change, an hour apart for each number.
fn changed(number: usize) -> String {
    let hours = i64::try_from(number).unwrap();
    let start: jiff::Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let time = start + jiff::SignedDuration::from_hours(hours);
    format!("modifyTimestamp: {}\n", time.strftime("%Y%m%d%H%M%SZ"))
}
