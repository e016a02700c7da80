//! What reading a domain asks of a real domain controller (Samba), and how much comes back.

use directory_sync::source::active_directory::ActiveDirectorySpec;
use directory_sync::source::material::{Reference, ReferenceKind};
use directory_sync::source::{Material, Provider, Pull, Source};
use serde_json::json;

use crate::counting::{Counted, Counting};
use crate::reading::{Reading, SECRET, drain};
use crate::row::{Bound, Row, number};
use crate::scale::{Scale, size};
use crate::searches::pages;
use crate::support::company::{Company, Group, Person};
use crate::support::ldap;
use crate::support::samba::company::{GROUPS, PEOPLE, ldif_of, user_dn};
use crate::support::samba::{PASSWORD, READER, Samba};

/// How many people are changed.
const CHANGES: usize = 10;

/// The most searches of a sync by changes: what the domain controller is, the list, and the changed people.
const MOST_SEARCHES: f64 = 5.0;

/// Rows for a full reading, and for a list of changes without a change and with some.
pub async fn rows(scale: &Scale) -> Vec<Row> {
    let company = &scale.domain;
    let samba = Samba::unprotected(&ldif_of(&entries(company)));
    let counting = Counting::start(format!("{}:389", samba.plain_url().trim_start_matches("ldap://"))).await;
    let mut source = source(counting.port);

    let (full, whole) = (drain(&mut *source, Pull::Full).await, counting.take());
    assert_eq!(full.records, company.users + company.groups);
    let (quiet, nothing) = (changes(&mut *source, &full).await, counting.take());
    assert_eq!(quiet.records, 0);
    samba.modify(&(0..CHANGES).map(promote).collect::<String>());
    let (busy, some) = (changes(&mut *source, &quiet).await, counting.take());
    assert_eq!(busy.records, CHANGES);

    let of = |what: &str| format!("Active Directory, {}: {what}", size(company));
    let few = Bound::AtMost(MOST_SEARCHES);
    let quiet = of("changes without a change");
    let busy = of(&format!("changes of {CHANGES} people"));
    let [searches, received] = both(&of("a full reading"), whole);
    let mut rows = vec![searches.floor(number(pages(company))), received];
    for (what, counted) in [(quiet, nothing), (busy, some)] {
        let [searches, received] = both(&what, counted);
        rows.extend([searches.bound(few), received]);
    }
    rows
}

fn both(what: &str, counted: Counted) -> [Row; 2] {
    [
        Row::count(format!("{what}: searches"), counted.searches, ""),
        Row::new(format!("{what}: received"), number(counted.bytes) / 1_000.0, "kB"),
    ]
}

async fn changes(source: &mut dyn Source, since: &Reading) -> Reading {
    let cursor = since.cursor.clone().expect("the domain controller can tell what changed");
    drain(source, Pull::Changes(cursor)).await
}

/// The same people and groups as in LDAP, as a domain has them.
fn entries(company: &ldap::Company) -> Company {
    let group = |number: usize| Group {
        name: format!("group{number:03}"),
        members: company.members_of(number).into_iter().map(name).collect(),
    };
    Company {
        people: (0..company.users).map(|number| Person::new(&name(number))).collect(),
        groups: (0..company.groups).map(group).collect(),
    }
}

fn name(number: usize) -> String {
    format!("p{number:04}")
}

/// Gives a person another title (LDIF).
fn promote(number: usize) -> String {
    format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Director\n\n", user_dn(&name(number)))
}

fn source(port: u16) -> Box<dyn Source> {
    let settings = json!({
        "urls": [format!("ldap://127.0.0.1:{port}")],
        "insecure": "PlaintextPasswordsAndData",
        "credentialsSecretRef": {"name": SECRET},
        "users": {"baseDN": PEOPLE},
        "groups": {"baseDN": GROUPS},
    });
    let spec: ActiveDirectorySpec = serde_json::from_value(settings).unwrap();
    let mut material = Material::default();
    let keys = [("username", READER), ("password", PASSWORD)];
    let reference = Reference { kind: ReferenceKind::Secret, name: SECRET.into() };
    material.insert(reference, keys.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
    spec.source(&material).unwrap()
}
