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
        found[0].contains("Directory/a/staff: spec.provider.csv: warning: ConfigMap people is not among"),
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
