//! Memberships, wherever a server writes them.

use serde_json::json;

use super::*;
use crate::support::ldap::Company;
use crate::support::ldap::company::{group_dn, user_dn};

/// A group entry.
fn group(name: &str, class: &str, lines: &[String]) -> String {
    format!("dn: cn={name},{GROUPS}\nobjectClass: {class}\ncn: {name}\n{}", lines.join("\n"))
}

#[tokio::test]
async fn members_of_group_of_names_meet_the_people() {
    let slapd = Slapd::builder().start();
    let answer = Directory::of(&slapd).read().await.unwrap();
    assert_eq!(answer.members("group01"), ["user0005", "user0006", "user0007", "user0008", "user0009"]);
}

#[tokio::test]
async fn members_of_group_of_unique_names_meet_the_people_with_and_without_a_unique_id() {
    let members = [format!("uniqueMember: {}#'0101'B", user_dn(1)), format!("uniqueMember: {}", user_dn(2))];
    let slapd = Slapd::builder().ldif(&group("unique", "groupOfUniqueNames", &members)).start();
    let answer = Directory::of(&slapd).read().await.unwrap();
    assert_eq!(answer.members("unique"), ["user0001", "user0002"]);
}

#[tokio::test]
async fn posix_groups_name_their_members_by_uid() {
    let case = "dn: cn=upper,ou=posix,dc=example,dc=test\nobjectClass: posixGroup\ncn: upper\ngidNumber: 7\n\
                memberUid: USER0003";
    let slapd = Slapd::builder().ldif(case).start();
    let directory = Directory::of(&slapd)
        .with(&json!({"preset": "RFC2307", "groups": {"baseDN": "ou=posix,dc=example,dc=test"}}));
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.groups.len(), 4);
    assert_eq!(answer.members("posix00"), ["user0000", "user0001", "user0002", "user0003", "user0004"]);
    assert_eq!(answer.members("upper"), ["user0003"]);
    assert_eq!(answer.group("posix00").raw["gidNumber"], json!(["20000"]));
}

#[tokio::test]
async fn posix_groups_of_rfc_2307bis_name_their_members_by_dn() {
    let lines = ["gidNumber: 7".to_owned(), format!("member: {}", user_dn(4))];
    // Without people in it, the company's own posixGroups are not valid where the class is auxiliary.
    let slapd = Slapd::builder()
        .rfc2307bis()
        .company(Company { groups: 0, ..Company::default() })
        .ldif(&group("bis", "groupOfNames\nobjectClass: posixGroup", &lines))
        .start();
    let answer = Directory::of(&slapd).with(&json!({"preset": "RFC2307bis"})).read().await.unwrap();
    assert_eq!(answer.members("bis"), ["user0004"]);
}

#[tokio::test]
async fn member_of_is_read_from_the_people_and_has_no_list_of_changes() {
    let slapd = Slapd::builder()
        .overlay("memberof")
        .company(Company { member_of: true, ..Company::default() })
        .start();
    let directory = Directory::of(&slapd).with(&json!({"groups": {"membership": "memberOf"}}));
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.members("group01"), ["user0005", "user0006", "user0007", "user0008", "user0009"]);
    assert!(answer.groups.iter().all(|group| group.members.is_empty()));
    assert!(!answer.user("user0005").raw.contains_key("memberOf"));
    assert_eq!(answer.end.cursor, None, "this server changes memberOf without marking the person as changed");
}

#[tokio::test]
async fn groups_in_groups_and_circles_of_them_are_read_as_they_are() {
    let slapd = Slapd::builder().company(Company { cycle: true, ..Company::default() }).start();
    let answer = Directory::of(&slapd).read().await.unwrap();
    let (alpha, omega) = (answer.group("alpha"), answer.group("omega"));
    assert!(alpha.members.contains(&omega.keys[0]));
    assert!(omega.members.contains(&alpha.keys[0]));
    assert_eq!(answer.members("alpha"), ["user0000"]);
}

#[tokio::test]
async fn names_with_every_special_character_meet_however_they_are_written() {
    // As RFC 4514 section 2.4 lets one write them: each as an entry is named, and as a member is.
    let names = [
        (r"uid=lovelace\, ada", r"UID=Lovelace\2C\20Ada"),
        (r"uid=the \22queen\22", "uid=The \\\"Queen\\\""),
        (r"uid=\#1", r"uid=\231"),
        (r"uid=back\5Cslash", r"uid=back\\slash"),
        (r"uid=(x) \2A", "uid=(x) *"),
        (r"uid=müller", r"uid=M\C3\9CLLER"),
        (r"uid=trailing\20", r"uid=trailing\ "),
        (r"uid=a\+b\=c\;d\<e\>", r"uid=a\2Bb\3Dc\3Bd\3Ce\3E"),
        (r"uid=multi+sn=value", r"SN=Value + uid=multi"),
    ];
    let mut builder = Slapd::builder();
    let mut members = Vec::new();
    for (number, (name, member)) in names.iter().enumerate() {
        let sn = if name.contains('+') && name.contains("sn=") { "value" } else { "x" };
        builder = builder.ldif(&format!(
            "dn:: {}\nobjectClass: inetOrgPerson\ncn: nasty{number}\nsn: {sn}\nemployeeNumber: {number}",
            data_encoding::BASE64.encode(format!("{name},{PEOPLE}").as_bytes())
        ));
        let member = format!("{member}, OU=People,dc=Example,dc=test");
        members.push(format!("member:: {}", data_encoding::BASE64.encode(member.as_bytes())));
    }
    let slapd = builder.ldif(&group("nasty", "groupOfNames", &members)).start();
    let answer = Directory::of(&slapd).read().await.unwrap();
    let group = answer.group("nasty");
    assert_eq!(group.members.len(), names.len());
    for (number, (name, _)) in names.iter().enumerate() {
        let person =
            answer.users.iter().find(|record| record.raw["cn"] == json!([format!("nasty{number}")])).unwrap();
        assert!(
            person.keys.iter().any(|key| group.members.contains(key)),
            "{name}: {:?} in {:?}",
            person.keys,
            group.members
        );
    }
    assert_eq!(answer.end.notes, [] as [&str; 0]);
}

#[tokio::test]
async fn bases_and_filters_with_special_characters_find_what_they_mean() {
    let unit = r"ou=R\26D\, (old) \2A müller,dc=example,dc=test";
    let encoded = data_encoding::BASE64.encode(unit.as_bytes());
    let person = format!("uid=ada,{unit}");
    let person = data_encoding::BASE64.encode(person.as_bytes());
    let slapd = Slapd::builder()
        .ldif(&format!("dn:: {encoded}\nobjectClass: organizationalUnit"))
        .ldif(&format!("dn:: {person}\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada (*) \\ L\nsn: L"))
        .start();
    let users = json!({"users": {"baseDN": unit, "filter": r"(&(cn=Ada \28\2a\29 \5c L)(!(sn=müller)))"}});
    let answer = Directory::of(&slapd).with(&users).read().await.unwrap();
    assert_eq!(answer.user_names(), ["ada"]);
}

#[tokio::test]
async fn groups_are_not_read_where_none_are_asked_for() {
    let slapd = Slapd::builder().start();
    let answer = Directory::of(&slapd).with(&json!({"groups": null})).read().await.unwrap();
    assert_eq!((answer.users.len(), answer.groups.len()), (20, 0));
    assert_eq!(slapd.operations().searches_of(GROUPS), 0);
    assert!(answer.end.cursor.is_some());
}

#[tokio::test]
async fn a_group_can_be_named_by_another_attribute() {
    let lines = [format!("member: {}", user_dn(1)), "description: The Board".to_owned()];
    let slapd = Slapd::builder().ldif(&group("board", "groupOfNames", &lines)).start();
    let directory = Directory::of(&slapd)
        .with(&json!({"groups": {"nameAttribute": "description", "filter": "(objectClass=groupOfNames)"}}));
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.members("The Board"), ["user0001"]);
    // The company's own groups have no description.
    assert_eq!(answer.rejected.len(), 3);
    assert!(answer.rejected[0].id.is_some());
    assert!(answer.rejected[0].reason.contains("'description'"), "{:?}", answer.rejected[0]);
    let said = answer.rejected.iter().map(|rejected| format!("{} {}", rejected.position, rejected.reason));
    assert!(!said.collect::<String>().contains(&group_dn(0)));
}
