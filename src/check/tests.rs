//! Whole files through the whole check.

use super::*;

const DIRECTORY: &str = "\
apiVersion: directory-sync.io/v1alpha1
kind: Directory
metadata:
  name: acme
spec:
  provider:
    ldap:
      url: ldaps://ldap.acme.example
      credentialsSecretRef: {name: acme-ldap}
      caRef: {configMap: {name: acme-ca}}
      users:
        baseDN: ou=people,dc=acme,dc=example
";

const CSV: &str = "\
apiVersion: directory-sync.io/v1alpha1
kind: Directory
metadata: {name: staff}
spec:
  provider:
    csv:
      from: {configMap: {name: people}}
";

fn lines(texts: &[&str]) -> Vec<String> {
    let input = |(number, text): (usize, &&str)| Input {
        name: format!("{}.yaml", ["a", "b", "c"][number]),
        bytes: text.as_bytes().to_vec(),
    };
    let inputs: Vec<Input> = texts.iter().enumerate().map(input).collect();
    Checker::new().unwrap().check(&inputs).text().lines().map(str::to_owned).collect()
}

#[test]
fn a_directory_whose_objects_are_elsewhere_is_warned_of() {
    assert_eq!(
        lines(&[DIRECTORY]),
        [
            "a.yaml:7: Directory/acme: spec.provider.ldap: warning: Secret acme-ldap is not among the files, so its \
             keys were not checked; it must exist in the Directory's namespace",
            "a.yaml:7: Directory/acme: spec.provider.ldap: warning: ConfigMap acme-ca is not among the files, so its \
             keys were not checked; it must exist in the Directory's namespace",
        ]
    );
}

#[test]
fn problems_have_the_line_of_their_field() {
    let text =
        DIRECTORY.replace("ldaps://", "ldap://").replace("      users:", "      pagesize: 7\n      users:");
    assert_eq!(
        lines(&[&text]),
        [
            "a.yaml:11: Directory/acme: spec.provider.ldap.pagesize: there is no such field; did you mean 'pageSize'?"
        ]
    );
    let text = DIRECTORY.replace("ldaps://", "ldap://");
    let found = lines(&[&text]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("a.yaml:7: Directory/acme: spec.provider.ldap: a plain ldap:// url"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("a.yaml:10: Directory/acme: spec.provider.ldap.caRef: caRef has no use"),
        "{found:?}"
    );
}

#[test]
fn what_only_a_reconcile_would_tell_is_told() {
    let text = format!("{DIRECTORY}        filter: (a=b)(c=d)\n  scope:\n    users: user.email == usr\n");
    let found = lines(&[&text]);
    assert!(
        found[0].starts_with("a.yaml:13: Directory/acme: spec.provider.ldap.users.filter: it is not"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with(
            "a.yaml:15: Directory/acme: spec.scope.users: line 1, column 15: 'usr' is not known"
        ),
        "{found:?}"
    );
}

#[test]
fn the_keys_of_given_objects_are_checked_and_their_values_not_shown() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: acme-ldap}\ndata: {bindDN: Y249cmVhZGVy}\n\
                  stringData: {passwort: canary}\n";
    let authority = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: acme-ca}\ndata: {ca.crt: canary}\n";
    let found = lines(&[DIRECTORY, secret, authority]);
    assert_eq!(
        found,
        [
            "a.yaml:7: Directory/acme: spec.provider.ldap: Secret acme-ldap has no key 'password' (it has only bindDN, \
          passwort); add it"
        ]
    );
    let secret = secret.replace("passwort", "password");
    let found = lines(&[DIRECTORY, &secret, authority]);
    assert!(found[0].contains("ConfigMap acme-ca key 'ca.crt' holds no certificate"), "{found:?}");
    let secret = secret.replace("Y249cmVhZGVy", "canary!");
    let found = lines(&[DIRECTORY, &secret, authority]);
    assert!(found[1].starts_with("b.yaml:4: Secret/acme-ldap: data.bindDN: it is not base64"), "{found:?}");
    assert!(!found.iter().any(|line| line.contains("canary")), "{found:?}");
}

#[test]
fn an_encrypted_secret_is_not_taken_at_its_word() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: acme-ldap}\n\
                  stringData: {bindDN: 'ENC[x]', password: 'ENC[y]'}\nsops: {version: 3.9.0}\n";
    let found = lines(&[DIRECTORY, secret]);
    assert!(found[0].contains("warning: Secret acme-ldap cannot be read here"), "{found:?}");
}

#[test]
fn objects_of_another_namespace_are_other_objects() {
    let other =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: people, namespace: b}\ndata: {x.csv: ''}\n";
    let found = lines(&[&CSV.replace("name: staff", "name: staff, namespace: a"), other]);
    assert!(
        found[0].contains("Directory/a/staff: spec.provider.csv: warning: ConfigMap people is among the files in namespace b only"),
        "{found:?}"
    );
    let found = lines(&[CSV, other]);
    assert!(
        found[0].contains("Directory/staff: spec.provider.csv: ConfigMap people has no key 'users.csv'"),
        "{found:?}"
    );
}

#[test]
fn tables_are_read_to_their_end() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: people}\ndata:\n  users.csv: |\n    \
               user_id,first_name,last_name,email\n    1,Ada,Lovelace,ada@acme.example\n";
    assert_eq!(lines(&[CSV, map]), Vec::<String>::new());
    let found = lines(&[CSV, &format!("{map}    2,Grace\n")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("spec.provider.csv: warning: ") && !found[0].contains("Grace"), "{found:?}");
    let found = lines(&[CSV, &map.replace("user_id,", "id,")]);
    assert!(found[0].contains("lacks the column 'user_id'"), "{found:?}");
}

#[test]
fn two_directories_of_one_name_are_an_error_in_one_namespace_only() {
    let twice = lines(&[CSV, CSV]);
    assert!(
        twice.contains(
            &"b.yaml:3: Directory/staff: metadata.name: staff is declared already in a.yaml:1; give one of them another name"
                .to_owned()
        ),
        "{twice:?}"
    );
    let of = |namespace: &str| CSV.replace("name: staff", &format!("name: staff, namespace: {namespace}"));
    assert!(!lines(&[&of("a"), &of("b")]).iter().any(|line| line.contains("already")));
}

#[test]
fn others_are_counted_and_mirrors_do_not_belong_in_git() {
    let others = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\nreplicas: 3\n";
    let mirror = "apiVersion: directory-sync.io/v1alpha1\nkind: DirectoryGroup\nmetadata: {name: g}\n\
                  spec: {directory: acme, externalId: '1', displayName: g, memberCount: 0}\n";
    let inputs =
        [others, mirror].map(|text| Input { name: "x.yaml".into(), bytes: text.as_bytes().to_vec() });
    let report = Checker::new().unwrap().check(&inputs);
    assert_eq!((report.files, report.objects, report.others), (2, 1, 2));
    assert_eq!(
        report.text(),
        "x.yaml:1: DirectoryGroup/g: warning: the operator alone writes a DirectoryGroup; leave it out of Git\n"
    );
}

#[test]
fn a_directory_without_a_version_is_not_passed_over() {
    let found = lines(&[&CSV.replace("apiVersion: directory-sync.io/v1alpha1\n", "")]);
    assert_eq!(found, ["a.yaml:1: Directory/staff: apiVersion: there is only directory-sync.io/v1alpha1"]);
}

#[test]
fn rows_that_cannot_be_used_are_named_by_their_line() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: people}\ndata:\n  users.csv: |\n    \
               user_id,first_name,last_name,email\n    1,Ada,Lovelace,ada@acme.example\n    2,Grace\n";
    let found = lines(&[CSV, map]);
    assert!(found[0].contains("warning: users.csv line 3: "), "{found:?}");
}

#[test]
fn a_kind_of_ours_with_a_mistyped_group_is_warned_of_and_one_of_others_is_not() {
    let of = |version: &str| CSV.replace("directory-sync.io/v1alpha1", version);
    for version in ["directory-sync/v1alpha1", "directorysync.io/v1alpha1", "v1alpha1"] {
        let found = lines(&[&of(version)]);
        assert_eq!(
            found,
            [format!(
                "a.yaml:1: Directory/staff: apiVersion: warning: '{version}' is not ours, so this object was not \
                 checked; a Directory of ours has the apiVersion directory-sync.io/v1alpha1"
            )]
        );
    }
    for version in ["directory.example.com/v1", "v1"] {
        let found = lines(&[&of(version)]);
        assert!(found[0].contains("no object of directory-sync.io"), "{found:?}");
    }
    let deployment = of("directory-sync/v1").replace("kind: Directory", "kind: Deployment");
    assert!(!lines(&[&deployment])[0].contains("is not ours"));
}

#[test]
fn nothing_to_check_is_warned_of_once() {
    for text in ["", "# rendered by nobody\n", "---\n---\n"] {
        assert_eq!(
            lines(&[text]),
            [
                "a.yaml: warning: there is no object of directory-sync.io in it, so nothing was checked; see whether \
                 what was to be written into it failed"
            ]
        );
    }
    let found = lines(&["", "kind: Deployment\n", ""]);
    assert!(found[0].contains("in it or in the 2 other files,") && found.len() == 1, "{found:?}");
    assert_eq!(lines(&["kind: [\n"]).len(), 1);
}

#[test]
fn only_kinds_that_there_are_are_left_to_the_operator() {
    let found = lines(&[&CSV.replace("kind: Directory", "kind: Directoy")]);
    assert!(found.len() == 1 && found[0].ends_with("did you mean 'Directory'?"), "{found:?}");
    let found = lines(&[&CSV.replace("kind: Directory\n", "")]);
    assert!(found.len() == 1 && found[0].contains("there is no such kind"), "{found:?}");
}

#[test]
fn of_two_objects_of_one_name_none_is_taken_for_the_right_one() {
    let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: people}\ndata: {users.csv: 'user_id,email'}\n";
    let found = lines(&[CSV, map, map]);
    assert_eq!(
        found,
        [
            "a.yaml:6: Directory/staff: spec.provider.csv: ConfigMap people is declared in b.yaml:1 and in c.yaml:1, \
             of which one would overwrite the other; remove one"
        ]
    );
    let elsewhere = map.replace("name: people", "name: people, namespace: hr");
    let here = CSV.replace("name: staff", "name: staff, namespace: crm");
    let found = lines(&[&here, &elsewhere, &map.replace("people", "others")]);
    assert!(
        found[0].contains("warning: ConfigMap people is among the files in namespace hr only"),
        "{found:?}"
    );
    // The one of the namespace itself goes before one that may be of any.
    let mine = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: people, namespace: crm}\ndata: {}\n";
    let found = lines(&[&here, map, mine]);
    assert!(found[0].contains("ConfigMap people has no key 'users.csv' (it has no keys)"), "{found:?}");
}

#[test]
fn a_secret_that_is_named_twice_is_missed_once() {
    let text = DIRECTORY.replace("{configMap: {name: acme-ca}}", "{secret: {name: acme-ldap}}");
    assert_eq!(lines(&[&text]).len(), 1);
}

#[test]
fn expressions_are_compiled_although_something_else_is_wrong() {
    let text = DIRECTORY.replace("baseDN:", "baseDn:")
        + "  scope: {users: user.email ==}\n  mapping: [{attribute: a, value: rwa.x}]\n";
    let found = lines(&[&text]);
    for (line, words) in [
        (12, "spec.provider.ldap.users.baseDn: there is no such field"),
        (13, "spec.scope.users: line 1, column"),
        (14, "spec.mapping[0].value: line 1, column 1: 'rwa' is not known"),
    ] {
        let told = found.iter().any(|problem| {
            problem.starts_with(&format!("a.yaml:{line}: Directory/acme: ")) && problem.contains(words)
        });
        assert!(told, "{words}: {found:?}");
    }
}

#[test]
fn the_element_that_breaks_a_rule_of_its_list_is_named() {
    let text = format!("{DIRECTORY}        attributes: [title, userPassword]\n");
    let found = lines(&[&text]);
    assert!(
        found.iter().any(|line| line.contains("users.attributes[1]: 'userPassword' holds a secret")),
        "{found:?}"
    );
}
