//! Checks search filters (RFC 4515) before they are sent, and puts them together.

/// How deep a filter may nest. People write three or four levels.
const MAX_DEPTH: usize = 32;

/// What is wrong with a filter; `None` when nothing is.
pub fn problem(filter: &str) -> Option<String> {
    let mut open = 0_usize;
    for (position, character) in filter.char_indices() {
        match character {
            '(' => open += 1,
            ')' if open == 0 => {
                return Some(format!("a ')' at character {} closes nothing; remove it", position + 1));
            }
            ')' => open -= 1,
            _ => {}
        }
        if open > MAX_DEPTH {
            return Some(format!("it nests deeper than {MAX_DEPTH} levels; write it flatter"));
        }
    }
    if open > 0 {
        return Some(format!("{open} '(' are not closed; add the missing ')'"));
    }
    ldap3::parse_filter(filter).is_err().then(|| {
        "it is not an LDAP filter (RFC 4515); write it like (&(objectClass=person)(!(employeeType=robot))), \
         with \\28 for '(', \\29 for ')', \\2a for '*' and \\5c for '\\' in values"
            .to_owned()
    })
}

/// A filter in the parentheses that combining needs.
pub fn enclosed(filter: &str) -> String {
    if filter.starts_with('(') { filter.to_owned() } else { format!("({filter})") }
}

/// The filter of entries that both filters find.
pub fn both(one: &str, other: &str) -> String {
    format!("(&{}{})", enclosed(one), enclosed(other))
}

/// The attributes that a filter compares, each as often as it stands there.
pub fn attributes(filter: &str) -> impl Iterator<Item = &str> {
    // A parenthesis in a value is written \\28, so each one begins a part.
    filter.split('(').filter_map(|part| {
        let end = part.find(['=', '<', '>', '~', ':'])?;
        let name = part[..end].split(';').next().unwrap_or_default().trim();
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_people_write_are_taken() {
        for filter in [
            "(objectClass=person)",
            "objectClass=person",
            "(&(objectClass=person)(!(uid=robot*))(|(l=Köln)(l=M\\c3\\bcnchen)))",
            "(cn:caseExactMatch:=Ada)",
            "(modifyTimestamp>=20261123122422Z)",
            "(cn=\\28x\\29 \\2a \\5c)",
        ] {
            assert_eq!(problem(filter), None, "{filter}");
        }
    }

    #[test]
    fn a_broken_filter_is_named_with_what_to_do() {
        assert!(problem("(objectClass=person").unwrap().contains("1 '(' are not closed"));
        assert!(problem("(objectClass=person))").unwrap().contains("a ')' at character 21 closes nothing"));
        assert!(problem("(objectClass)").unwrap().contains("RFC 4515"));
        assert!(problem("").unwrap().contains("RFC 4515"));
    }

    #[test]
    fn a_filter_that_nests_without_end_is_refused_before_it_is_parsed() {
        let filter = format!("{}(a=b){}", "(!".repeat(500), ")".repeat(500));
        assert!(problem(&filter).unwrap().contains("nests deeper than 32 levels"));
    }

    #[test]
    fn filters_are_combined_with_and_without_parentheses() {
        assert_eq!(both("a=b", "(c=d)"), "(&(a=b)(c=d))");
    }

    #[test]
    fn the_attributes_of_a_filter_are_named() {
        let of = |filter: &'static str| attributes(filter).collect::<Vec<_>>();
        assert_eq!(of("department=R*"), ["department"]);
        assert_eq!(
            of("(&(objectClass=user)(!(l=K\\28n))(memberOf:1.2.3:=CN=a))"),
            ["objectClass", "l", "memberOf"]
        );
        assert_eq!(of("(|(a>=1)(b~=2)(c;lang-de=3)(:dn:2.4:=x))"), ["a", "b", "c"]);
    }
}
