//! What a full reading makes of accounts and groups.

use std::collections::BTreeSet;

use directory_sync::model::{Key, State};

use super::*;
use crate::support::samba::company::LAB;

#[tokio::test]
async fn the_whole_domain_is_people_and_groups_without_the_systems_own() {
    let samba = Samba::start();
    let answer = Directory::of(&samba).read().await.unwrap();
    let accounts = answer.accounts();
    assert_eq!(accounts.len(), 1_203 + 2, "the company, reader and clerk");
    assert!(!accounts.iter().any(|name| ["Administrator", "Guest", "krbtgt"].contains(&name.as_str())));
    let groups = answer.group_names();
    assert!(groups.contains(&"Domain Users") && groups.contains(&"team-0"), "{groups:?}");
    assert!(!groups.contains(&"Administrators"), "{groups:?}");
    assert_eq!(answer.end.notes, Vec::<String>::new());
    let ada = answer.user("p0001");
    let emails: Vec<_> = ada.user.emails.iter().map(|email| (email.value.as_str(), email.primary)).collect();
    assert_eq!(emails, [("p0001@acme.example", true), ("p0001@elsewhere.example", false)]);
    assert_eq!(ada.user.external_id.len(), 36, "{}", ada.user.external_id);
    assert_eq!(ada.raw["objectGUID"][0], json!(ada.user.external_id));
    assert!(!ada.raw.contains_key("userPassword"));
}

#[tokio::test]
async fn everybody_is_in_their_primary_group_although_no_member_says_so() {
    let samba = Samba::start();
    samba.modify(&format!("{}{}", person("ada", LAB, ""), group("staff", LAB, &[&format!("CN=ada,{LAB}")])));
    let directory = Directory::of(&samba);
    let answer = directory.read().await.unwrap();
    let (everybody, staff) = (answer.group("Domain Users"), answer.group("staff"));
    assert_eq!(everybody.members, Vec::<Key>::new());
    let is_in = |account: &str, group: &GroupRecord| {
        answer.user(account).member_of.iter().any(|key| group.keys.contains(key))
    };
    assert!(is_in("p0001", everybody) && is_in("ada", everybody));

    let token = staff.keys.iter().find_map(|key| key.0.strip_prefix("rid:")).unwrap().to_owned();
    samba.modify(&replace(&format!("CN=ada,{LAB}"), "primaryGroupID", &token));
    // A primary group that nobody had before: which of them are read is found out anew.
    let error = directory.changes(&answer.cursor()).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["primary group"]);
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.user("ada").member_of, [Key(format!("rid:{token}"))]);
}

#[tokio::test]
async fn a_primary_group_that_is_not_read_is_not_named() {
    let samba = Samba::start();
    let directory = Directory::of(&samba).with(&json!({"groups": {"baseDN": LAB}}));
    let answer = directory.read().await.unwrap();
    assert!(answer.users.iter().all(|user| user.member_of.is_empty()));
}

#[tokio::test]
async fn disabled_and_expired_accounts_are_inactive() {
    let samba = Samba::start();
    let expires = |time: &str| format!("accountExpires: {time}\n");
    samba.modify(&format!(
        "{}{}{}{}{}",
        person("current", LAB, ""),
        person("disabled", LAB, "").replace("544", "546"),
        person("expired", LAB, &expires("132000000000000000")),
        person("expiring", LAB, &expires("155000000000000000")),
        person("never", LAB, &expires("0")),
    ));
    let answer = Directory::of(&samba).below(LAB).read().await.unwrap();
    let state = |account: &str| answer.user(account).user.state;
    assert_eq!(
        (state("current"), state("never"), state("expiring")),
        (State::Active, State::Active, State::Active)
    );
    assert_eq!((state("disabled"), state("expired")), (State::Inactive, State::Inactive));
}

#[tokio::test]
async fn a_lockout_counts_if_only_an_administrator_ends_it_or_if_all_do() {
    let samba = Samba::start();
    samba.modify(&replace(DOMAIN, "lockoutThreshold", "1"));
    let directory = Directory::of(&samba);
    let locked_out = directory.read().await.unwrap();
    assert_eq!(locked_out.user("clerk").user.state, State::Active);
    let wrong = Directory::of(&samba).account(crate::support::samba::CLERK, "wrong");
    for _ in 0..2 {
        assert_eq!(wrong.read().await.unwrap_err().class, Class::Unauthorized);
    }
    let any = Directory::of(&samba).with(&json!({"users": {"lockout": "Any"}}));
    let state = async |directory: &Directory| directory.read().await.unwrap().user("clerk").user.state;
    assert_eq!(state(&any).await, State::Inactive);
    assert_eq!(state(&directory).await, State::Active, "it ends by itself after half an hour");
    let changes = directory.changes(&locked_out.cursor()).await.unwrap();
    assert_eq!(changes.accounts(), ["clerk"], "a lockout is a change");

    samba.modify(&replace(DOMAIN, "lockoutDuration", "-9223372036854775808"));
    assert_eq!(state(&directory).await, State::Inactive, "until an administrator ends it");
}

#[tokio::test]
async fn groups_are_members_of_groups_even_in_a_circle() {
    let samba = Samba::start();
    let (alpha, omega) = (format!("CN=alpha,{LAB}"), format!("CN=omega,{LAB}"));
    samba.modify(&format!("{}{}", group("alpha", LAB, &[]), group("omega", LAB, &[&alpha])));
    samba.modify(&format!("dn: {alpha}\nchangetype: modify\nadd: member\nmember: {omega}\n"));
    let answer = Directory::of(&samba).below(LAB).read().await.unwrap();
    let (alpha, omega) = (answer.group("alpha"), answer.group("omega"));
    assert!(omega.keys.contains(&alpha.members[0]) && alpha.keys.contains(&omega.members[0]));
}

#[tokio::test]
async fn members_from_other_domains_are_left_out_and_noted_by_their_domain() {
    let samba = Samba::start();
    let authenticated = format!("CN=S-1-5-11,CN=ForeignSecurityPrincipals,{DOMAIN}");
    let ada = format!("CN=ada,{LAB}");
    let members = ["<SID=S-1-5-21-1-2-3-1105>", &authenticated, &ada];
    samba.modify(&format!("{}{}", person("ada", LAB, ""), group("mixed", LAB, &members)));
    let answer = Directory::of(&samba).below(LAB).read().await.unwrap();
    assert_eq!(answer.group("mixed").members, answer.user("ada").keys);
    let notes = answer.notes();
    assert!(notes.contains("2 member(s)") && notes.contains("S-1-5-11, S-1-5-21-1-2-3,"), "{notes}");
    assert!(!notes.contains("1105"), "{notes}");
}

#[tokio::test]
async fn a_group_of_1600_members_is_whole_though_samba_sends_it_in_one_piece() {
    let samba = Samba::start();
    let people: Vec<String> = (0..400).map(|number| format!("CN=c{number:03},{LAB}")).collect();
    let contact = |dn: &String| format!("dn: {dn}\nchangetype: add\nobjectClass: contact\n\n");
    let contacts = people.iter().map(contact).collect::<Vec<_>>().concat();
    let company = (0..1_200).map(|number| crate::support::samba::company::user_dn(&format!("p{number:04}")));
    let members: Vec<String> = people.iter().cloned().chain(company).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    samba.modify(&format!("{contacts}{}", group("large", LAB, &members)));
    let answer = Directory::of(&samba).below(LAB).read().await.unwrap();
    let members: BTreeSet<&Key> = answer.group("large").members.iter().collect();
    assert_eq!(members.len(), 1_600);
}

#[tokio::test]
async fn bytes_are_not_copied_even_where_they_look_like_text() {
    let samba = Samba::start();
    let more = "attributeCertificateAttribute: looks like text\ninfo: text\nmS-DS-ConsistencyGuid: 0123456789abcdef\n\
                thumbnailPhoto: photo\n";
    samba.modify(&person("ada", LAB, more));
    let asked = ["attributeCertificateAttribute", "info", "mS-DS-ConsistencyGuid", "costCentre"];
    let directory = Directory::of(&samba).below(LAB).with(&json!({"users": {"attributes": asked}}));
    let answer = directory.read().await.unwrap();
    let raw = &answer.user("ada").raw;
    assert_eq!(raw["info"], json!(["text"]));
    let keys: Vec<&String> = raw.keys().collect();
    for absent in ["attributeCertificateAttribute", "mS-DS-ConsistencyGuid", "thumbnailPhoto"] {
        assert!(!raw.contains_key(absent), "{keys:?}");
    }
    let notes = answer.notes();
    assert!(notes.contains("'attributeCertificateAttribute'") && notes.contains("holds bytes"), "{notes}");
    assert!(notes.contains("no attribute 'costCentre'"), "{notes}");
    // The same holds for what comes by a list of changes.
    samba.modify(&replace(&format!("CN=ada,{LAB}"), "info", "other"));
    let changes = directory.changes(&answer.cursor()).await.unwrap();
    let changed = &changes.user("ada").raw;
    assert_eq!(changed["info"], json!(["other"]));
    assert_eq!(changed.keys().collect::<Vec<_>>(), keys);
}

#[tokio::test]
async fn the_setting_decides_which_sign_in_name_counts() {
    let samba = Samba::start();
    samba.modify(&person("ada", LAB, ""));
    let directory = Directory::of(&samba).below(LAB);
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.user("ada").user.user_name.as_deref(), Some("ada@ad.example.test"));
    let answer =
        directory.with(&json!({"users": {"userNameAttribute": "sAMAccountName"}})).read().await.unwrap();
    assert_eq!(answer.user("ada").user.user_name.as_deref(), Some("ada"));
}
