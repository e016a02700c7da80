//! One record as an LDAP source gives it, and the object that it becomes.

use serde_json::json;

use super::*;

#[test]
fn a_record_of_inetorgperson_becomes_this_person() {
    let record: UserRecord = serde_json::from_value(json!({
        "keys": ["dn:uid=ada,ou=people,dc=acme,dc=example", "uid:ada"],
        "user": {
            "externalId": "7b0f3a52-9d3c-4c1e-8f1a-0d9b6b1f6f10",
            "userName": "ada",
            "state": "Active",
            "name": {"given": "Ada", "family": "Zoe\u{308} Lovelace", "formatted": " Ada Zoe\u{308} Lovelace "},
            "displayName": "Ada\u{202e} Lovelace",
            "title": "Analyst",
            "department": "",
            "employeeNumber": "1815",
            "emails": [
                {"value": "countess@home.example", "type": "home"},
                {"value": "ada@acme.example", "type": "work"}
            ],
            "phoneNumbers": [{"value": "+44 20 7946 0000", "type": "work"}],
            "addresses": [{
                "type": "work",
                "streetAddress": "12 St James's Square",
                "locality": "London",
                "formatted": "12 St James's Square\r\nLondon"
            }]
        },
        "manager": "dn:uid=charles,ou=people,dc=acme,dc=example",
        "member_of": [],
        "raw": {
            "dn": "uid=ada,ou=people,dc=acme,dc=example",
            "departmentNumber": ["R&D", "Mathematics"],
            "carLicense": ["ENG 1"],
            "businessCategory": ["remote", "part-time"]
        }
    }))
    .unwrap();
    let mut charles = person("c-1");
    charles.keys = vec![Key("dn:uid=charles,ou=people,dc=acme,dc=example".into())];
    charles.user.display_name = Some("Charles Babbage".into());
    let mut engines = group("g-1", &[]);
    engines.display_name = "engines".into();
    engines.members = vec![Key("uid:ada".into())];

    let mut settings = Settings::mapping(&[
        ("department", "raw.departmentNumber.join(' / ')", false),
        ("costCenter", "raw.?costCenter[?0].orValue('CC-0')", false),
        ("plate", "raw.carLicense[0].replace(' ', '-')", true),
        ("remote", "'remote' in raw.businessCategory", false),
        ("tags", "raw.businessCategory.map(tag, tag.upperAscii())", false),
        ("site", "raw.physicalDeliveryOfficeName[0]", false),
    ]);
    settings.roles = Settings::roles(&[("engineer", &["engines"])], Some("guest")).roles;
    settings.scope.users = Some("user.groups.exists(g, g == 'engines')".into());
    let result = run(&snapshot(vec![record, charles], vec![engines]), &settings);

    assert!(result.held.is_empty(), "Charles has no plate, and is out of scope: {:?}", result.held);
    assert_eq!(
        json!(result.users),
        json!([{
            "externalId": "7b0f3a52-9d3c-4c1e-8f1a-0d9b6b1f6f10",
            "userName": "ada",
            "email": "ada@acme.example",
            "state": "Active",
            "name": {"given": "Ada", "family": "Zoë Lovelace", "formatted": "Ada Zoë Lovelace"},
            "displayName": "Ada Lovelace",
            "title": "Analyst",
            "department": "R&D / Mathematics",
            "costCenter": "CC-0",
            "employeeNumber": "1815",
            "manager": {
                "externalId": "c-1",
                "userName": "c-1",
                "displayName": "Charles Babbage",
                "email": "c-1@acme.example"
            },
            "emails": [
                {"value": "countess@home.example", "type": "home"},
                {"value": "ada@acme.example", "type": "work"}
            ],
            "phoneNumbers": [{"value": "+44 20 7946 0000", "type": "work"}],
            "addresses": [{
                "type": "work",
                "streetAddress": "12 St James's Square",
                "locality": "London",
                "formatted": "12 St James's Square\nLondon"
            }],
            "role": "engineer",
            "roles": ["engineer"],
            "attributes": {"plate": "ENG-1", "remote": true, "tags": ["REMOTE", "PART-TIME"]}
        }])
    );
}
