//! The company that every bed fills its directory with.

/// Stands where a directory keeps a password; must never come out of a source.
pub const CANARY: &str = "canary-7f3a-secret";

/// People of the company; more than two pages of any source.
pub const PEOPLE: usize = 1_203;
/// Groups of the company.
pub const GROUPS: usize = 12;

/// A person, known by their e-mail address: the one attribute that every provider has.
#[derive(Clone, Debug)]
pub struct Person {
    /// Sign-in name and, where the provider lets the administrator choose, the id.
    pub user_name: String,
    pub given: String,
    pub family: String,
    pub email: String,
    pub title: String,
    /// The manager's `user_name`.
    pub manager: Option<String>,
}

impl Person {
    pub fn new(user_name: &str) -> Self {
        Self {
            user_name: user_name.to_owned(),
            given: "Ada".to_owned(),
            family: format!("Lovelace {user_name}"),
            email: format!("{user_name}@acme.example"),
            title: "Analyst".to_owned(),
            manager: None,
        }
    }
}

/// A group with the `user_name`s of its members.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub members: Vec<String>,
}

/// Who is there. Every group has members, everybody but the first person a manager.
#[derive(Clone, Debug)]
pub struct Company {
    pub people: Vec<Person>,
    pub groups: Vec<Group>,
}

impl Company {
    pub fn sample() -> Self {
        let name = |number: usize| format!("p{number:04}");
        let people = (0..PEOPLE)
            .map(|number| Person {
                manager: number.checked_sub(1).map(|above| name(above / 10)),
                ..Person::new(&name(number))
            })
            .collect();
        let groups = (0..GROUPS)
            .map(|group| Group {
                name: format!("team-{group}"),
                members: (0..PEOPLE).skip(group).step_by(97).map(name).collect(),
            })
            .collect();
        Self { people, groups }
    }

    pub fn person(&mut self, user_name: &str) -> &mut Person {
        self.people.iter_mut().find(|person| person.user_name == user_name).expect("the person is there")
    }

    pub fn email(&self, user_name: &str) -> String {
        let person = self.people.iter().find(|person| person.user_name == user_name);
        person.expect("the person is there").email.clone()
    }

    pub fn join(&mut self, user_name: &str, group: &str) {
        let group = self.groups.iter_mut().find(|known| known.name == group).expect("the group is there");
        group.members.push(user_name.to_owned());
    }

    pub fn remove(&mut self, user_name: &str) {
        self.people.retain(|person| person.user_name != user_name);
        for group in &mut self.groups {
            group.members.retain(|member| member != user_name);
        }
    }
}
