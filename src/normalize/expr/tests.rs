use serde_json::{Map, Value, json};

use super::compile::CompileError;
use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => panic!("not an object"),
    }
}

fn record() -> Map<String, Value> {
    map(json!({
        "mail": ["ada@acme.example", "ada@home.example"],
        "badge": "117",
        "level": 7,
        "share": 0.5,
        "remote": true,
        "nothing": null,
        "empty": [],
        "hired": "2019-03-01T00:00:00Z",
        "site": {"city": "Berlin", "floors": [1, 2]},
    }))
}

fn compiled(source: &str) -> (Library, Program) {
    let mut library = Library::new();
    let program =
        library.compile(source, &["raw", "user"]).unwrap_or_else(|error| panic!("{source}: {error}"));
    (library, program)
}

fn attribute_of(source: &str, raw: &Map<String, Value>) -> Result<Option<Value>, Failure> {
    let (library, program) = compiled(source);
    library.machine().attribute(&program, &[("raw", raw)])
}

fn attribute(source: &str) -> Result<Option<Value>, Failure> {
    attribute_of(source, &record())
}

fn decide(source: &str) -> Result<bool, Failure> {
    let (library, program) = compiled(source);
    library.machine().decide(&program, &[("raw", &record())])
}

fn refused(source: &str) -> CompileError {
    match Library::new().compile(source, &["raw", "user"]) {
        Ok(_) => panic!("compiled: {source}"),
        Err(error) => error,
    }
}

fn cost_of(source: &str, raw: &Map<String, Value>) -> (u64, bool) {
    let (library, program) = compiled(source);
    let machine = library.machine();
    let result = machine.attribute(&program, &[("raw", raw)]);
    (machine.total_cost(), result == Err(Failure::TooExpensive))
}

#[test]
fn attributes_are_text_numbers_booleans_and_lists_of_them() {
    for (source, expected) in [
        ("raw.badge", json!("117")),
        ("raw.level", json!(7)),
        ("raw.level + 1", json!(8)),
        ("raw.share", json!(0.5)),
        ("raw.share * 4.0", json!(2)),
        ("raw.remote", json!(true)),
        ("raw.mail", json!(["ada@acme.example", "ada@home.example"])),
        ("raw.mail[1]", json!("ada@home.example")),
        ("raw['badge']", json!("117")),
        ("raw.site.city", json!("Berlin")),
        ("raw.?badge", json!("117")),
        ("raw.?missing.orValue('none')", json!("none")),
        ("raw.?site.?city.orValue('none')", json!("Berlin")),
        ("raw.?mail[?7].orValue('none')", json!("none")),
        ("has(raw.badge) ? raw.badge : raw.missing", json!("117")),
        ("int(raw.badge)", json!(117)),
        ("uint(raw.badge)", json!(117)),
        ("string(raw.level)", json!("7")),
        ("{'117': 'red'}[raw.badge]", json!("red")),
    ] {
        assert_eq!(attribute(source), Ok(Some(expected)), "{source}");
    }
}

#[test]
fn what_is_not_there_is_missing_and_not_an_error() {
    for source in [
        "raw.missing",
        "raw.missing[0]",
        "raw.mail[5]",
        "raw.site.street",
        "raw.nothing",
        "raw.nothing[0]",
        "raw.nothing.more",
        "raw.?missing",
        "raw.?missing.value()",
        "raw.empty",
        "raw.empty[0]",
        "null",
    ] {
        assert_eq!(attribute(source), Ok(None), "{source}");
    }
}

#[test]
fn other_values_cannot_be_attributes() {
    for source in [
        "raw.site",
        "[raw.mail]",
        "[null]",
        "timestamp(raw.hired)",
        "b'abc'",
        "type(raw.badge)",
        "raw.share / 0.0",
        "18446744073709551615u",
        "raw.badge + 1",
        "1 / 0",
        "int('x')",
        "raw.badge.substring(9)",
    ] {
        assert!(matches!(attribute(source), Err(Failure::Invalid(_))), "{source}: {:?}", attribute(source));
    }
}

#[test]
fn an_attribute_is_bounded_in_length_and_number() {
    let raw = map(
        json!({"text": "x".repeat(4_096), "long": "x".repeat(4_097), "many": vec![1; 65], "some": vec![1; 64]}),
    );
    assert!(attribute_of("raw.text", &raw).unwrap().is_some());
    assert!(attribute_of("raw.some", &raw).unwrap().is_some());
    assert!(matches!(attribute_of("raw.long", &raw), Err(Failure::Invalid(_))));
    assert!(matches!(attribute_of("raw.many", &raw), Err(Failure::Invalid(_))));
}

#[test]
fn every_function_of_the_list_can_be_called() {
    for (source, expected) in [
        ("bool('true')", json!(true)),
        ("string(bytes('a'))", json!("a")),
        ("'abc'.contains('b')", json!(true)),
        ("double('1.5')", json!(1.5)),
        ("duration('90m') > duration('1h')", json!(true)),
        ("dyn(1) == 1", json!(true)),
        ("'abc'.endsWith('c')", json!(true)),
        ("timestamp(raw.hired).getDate()", json!(1)),
        ("timestamp(raw.hired).getDayOfMonth()", json!(0)),
        ("timestamp(raw.hired).getDayOfWeek()", json!(5)),
        ("timestamp(raw.hired).getDayOfYear()", json!(59)),
        ("timestamp(raw.hired).getFullYear()", json!(2019)),
        ("timestamp(raw.hired).getFullYear('Europe/Berlin')", json!(2019)),
        ("timestamp(raw.hired).getHours()", json!(0)),
        ("timestamp(raw.hired).getMilliseconds()", json!(0)),
        ("timestamp(raw.hired).getMinutes()", json!(0)),
        ("timestamp(raw.hired).getMonth()", json!(2)),
        ("timestamp(raw.hired).getSeconds()", json!(0)),
        ("raw.?badge.hasValue()", json!(true)),
        ("'Zoë Ada'.indexOf('Ada')", json!(4)),
        ("'abc'.indexOf('x')", json!(-1)),
        ("int('7')", json!(7)),
        ("raw.mail.join('; ')", json!("ada@acme.example; ada@home.example")),
        ("['a', 'b'].join()", json!("ab")),
        ("'abab'.lastIndexOf('ab')", json!(2)),
        ("'AbC'.lowerAscii()", json!("abc")),
        ("raw.badge.matches('^[0-9]+$')", json!(true)),
        ("matches(raw.badge, '^[a-z]+$')", json!(false)),
        ("raw.?x.or(raw.?badge)", json!("117")),
        ("raw.?x.orValue('y')", json!("y")),
        ("'a-b-c'.replace('-', '.')", json!("a.b.c")),
        ("size(raw.mail) + 'ä'.size()", json!(3)),
        ("raw.badge.split('')", json!(["1", "1", "7"])),
        ("'cn=ada,ou=it'.split(',')[1]", json!("ou=it")),
        ("'abc'.startsWith('a')", json!(true)),
        ("string(1)", json!("1")),
        ("'Zoë'.substring(1)", json!("oë")),
        ("'Zoë'.substring(0, 2)", json!("Zo")),
        ("timestamp(raw.hired) < timestamp('2020-01-01T00:00:00Z')", json!(true)),
        ("' a '.trim()", json!("a")),
        ("type(raw.badge) == string", json!(true)),
        ("uint(7) == 7u", json!(true)),
        ("'AbC'.upperAscii()", json!("ABC")),
        ("raw.?badge.value()", json!("117")),
    ] {
        assert_eq!(attribute(source), Ok(Some(expected)), "{source}");
        // So that nobody adds a function to the list without a line here.
    }
    let shown: Vec<&str> = functions::FUNCTIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(shown.len(), 38);
}

#[test]
fn macros_walk_lists() {
    for (source, expected) in [
        ("raw.mail.exists(m, m.endsWith('@acme.example'))", true),
        ("raw.mail.all(m, m.contains('@'))", true),
        ("raw.mail.exists_one(m, m.endsWith('@home.example'))", true),
        ("raw.mail.filter(m, m.startsWith('x')).size() == 0", true),
        ("raw.mail.map(m, m.split('@')[1]) == ['acme.example', 'home.example']", true),
        ("raw.mail.map(m, m.startsWith('ada'), m.size()) == [16, 16]", true),
        ("raw.mail.exists(m, raw.site.floors.exists(f, f == 2 && m != ''))", true),
        ("'badge' in raw && !('x' in raw)", true),
        ("raw.exists(k, k == 'level')", true),
        ("raw == raw", true),
    ] {
        assert_eq!(decide(source), Ok(expected), "{source}");
    }
}

#[test]
fn a_condition_must_be_true_or_false() {
    assert_eq!(decide("raw.badge"), Err(Failure::Invalid("the result is of type string, not bool".into())));
    assert_eq!(decide("raw.missing == 'x'"), Err(Failure::Missing(Some("missing".into()))));
}

#[test]
fn a_failure_names_what_the_expression_names_and_nothing_of_the_record() {
    let secret = map(json!({"key": "s3cret", "list": ["s3cret"], "map": {}}));
    for source in [
        "raw.map[raw.key]",
        "raw.key + 1",
        "int(raw.key)",
        "timestamp(raw.key)",
        "duration(raw.key)",
        "{raw.key: 1, 's3' + 'cret': 2}",
        "raw.list[0.5]",
        "raw.list < 1",
        "raw.key.getHours()",
        "raw.key ? 1 : 2",
        "raw.list.join(raw.map)",
        "-raw.key",
        "!raw.key",
        "raw.list.exists(x, x)",
        "raw.key && true",
        "1 in raw.key",
        "raw.key.size",
        "{raw.list: 1}",
        "[1].map(x, raw.key[x])",
    ] {
        let (library, program) = compiled(source);
        let failure = library.machine().decide(&program, &[("raw", &secret)]).unwrap_err();
        assert!(!format!("{failure} {failure:?}").contains("s3cret"), "{source}: {failure:?}");
    }
}

#[test]
fn only_the_members_that_an_expression_names_are_read() {
    let uses = |source: &str| compiled(source).1.uses("raw").clone();
    let members = |names: &[&str]| Uses::Members(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(uses("user.email == 'x'"), Uses::Nothing);
    assert_eq!(
        uses("raw.a == raw['b'] && has(raw.c) && raw.?d.hasValue() && raw[?'e'].hasValue()"),
        members(&["a", "b", "c", "d", "e"])
    );
    assert_eq!(uses("raw.a.b.c[0].d == 1"), members(&["a"]));
    assert_eq!(uses("raw[user.email] == 1"), Uses::Everything);
    assert_eq!(uses("'a' in raw && raw.b == 1"), Uses::Everything);
    assert_eq!(uses("[1].all(x, raw.a == x)"), members(&["a"]));
}

#[test]
fn a_compile_error_says_where_it_is() {
    for (source, line, column, part) in [
        ("raw.badge ==", 1, 13, "mismatched input"),
        ("raw.badge == 'x'\n  && usr.email == ''", 2, 6, "'usr' is not known here; there is raw and user"),
        ("user.email.endsWth('x')", 1, 19, "there is no function 'endsWth'"),
        ("'Zoë' + rw.badge", 1, 9, "'rw' is not known"),
        ("'Zoë' + + 'x'", 1, 9, "extraneous input '+'"),
        ("trim(raw.badge)", 1, 5, "'trim' is a method; write x.trim(…)"),
        ("raw.badge.int()", 1, 14, "'int' is not a method"),
        ("raw.badge.replace('x')", 1, 18, "'replace' takes 2 argument(s) besides"),
        ("raw.badge.matches(raw.mail[0])", 1, 18, "must be a literal text"),
        ("raw.badge.matches('(')", 1, 18, "unclosed group"),
        ("acme.Person{name: 'x'}", 1, 12, "cannot be made"),
        ("[1].map(raw, raw)", 1, 8, "'raw' is taken"),
        ("has(raw)", 1, 5, "invalid argument to has()"),
        (".raw.badge", 1, 0, "not known here"),
        ("'a' + 'b", 1, 7, "token recognition error"),
        ("@charge(raw)", 1, 1, "token recognition error"),
    ] {
        let error = refused(source);
        assert!(error.message.contains(part), "{source}: {error}");
        assert_eq!(error.line, line, "{source}: {error}");
        if column > 0 {
            assert_eq!(error.column, column, "{source}: {error}");
        }
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_refused() {
    let repeat = |text: &str, n: usize| text.repeat(n);
    for (what, source) in [
        ("characters", format!("'{}'", repeat("x", 4_095))),
        ("nested too deeply", format!("{}1{}", repeat("(", 2_000), repeat(")", 2_000))),
        ("nested too deeply", format!("{}1{}", repeat("[", 2_000), repeat("]", 2_000))),
        ("nested too deeply", format!("{}1{}", repeat("{1:", 1_000), repeat("}", 1_000))),
        ("nested too deeply", format!("{}1{}", repeat("size(", 600), repeat(")", 600))),
        ("nested too deeply", format!("{}true{}", repeat("!(", 1_000), repeat(")", 1_000))),
        ("nested too deeply", format!("{}1", repeat("true?1:", 500))),
        ("nested too deeply", repeat("[", 4_000)),
        ("mismatched input", repeat("a?", 2_000)),
        ("mismatched input", repeat(") ", 2_000)),
        ("levels deep", format!("{}1", repeat("1+", 2_000))),
        ("levels deep", format!("{}1", repeat("1==", 1_300))),
        ("levels deep", format!("raw{}", repeat(".a", 1_900))),
        ("levels deep", format!("raw{}", repeat("[0]", 1_300))),
        ("levels deep", format!("''{}", repeat(".trim()", 500))),
        ("levels deep", format!("raw{}", repeat(".a", 22))),
        ("too large", format!("{}true", repeat("true&&", 600))),
        ("too large", format!("[{}1]", repeat("1,", 2_000))),
        ("at most 2", "[1].all(a, [1].all(b, [1].all(c, true)))".to_owned()),
        ("pattern", "raw.badge.matches('([a-z]{1,100}){1,100}')".to_owned()),
        ("pattern", format!("raw.badge.matches('{}a{}')", repeat("(", 100), repeat(")", 100))),
    ] {
        let error = refused(&source);
        assert!(error.to_string().contains(what), "{}: {error}", &source[..source.len().min(40)]);
        assert!(error.to_string().len() < 400, "{error}");
    }
}

#[test]
fn the_deepest_expressions_are_evaluated_on_an_ordinary_stack() {
    let n = 18;
    for (source, expected) in [
        (format!("{}1", "1+".repeat(n)), json!(19)),
        (format!("{}1", "false?1:".repeat(n)), json!(1)),
        (format!("[{}1{}] != []", "[".repeat(n - 1), "]".repeat(n - 1)), json!(true)),
        (format!("{{1: {}1{}}} != {{}}", "{1:".repeat(n - 2), "}".repeat(n - 2)), json!(true)),
        (format!("' a '{}", ".trim()".repeat(n)), json!("a")),
        (format!("{}1{}", "string(".repeat(n), ")".repeat(n)), json!("1")),
        (
            format!("{}1{}", "(1==".repeat(n), ")".repeat(n)).replace("1==(1==1)", "true == (1==1)"),
            json!(false),
        ),
        (format!("{}'a'{}", "'a'.replace('a',".repeat(n), ")".repeat(n)), json!("a")),
        (format!("[1].all(x, [1].all(y, {}1{} != []))", "[".repeat(n - 5), "]".repeat(n - 5)), json!(true)),
    ] {
        assert_eq!(attribute(&source), Ok(Some(expected)), "{source}");
    }
    assert_eq!(decide(&format!("{}true", "true&&".repeat(200))), Ok(true));
}

#[test]
fn hostile_expressions_end_on_a_counted_budget() {
    let big = map(json!({
        "list": (0..3_000).map(|n| format!("value {n}")).collect::<Vec<_>>(),
        "text": "a".repeat(60_000),
        "nested": [[[[[[1, 2, 3], [1, 2, 3]]]]]],
    }));
    for source in [
        "raw.list.all(x, raw.list.all(y, x != '' && y != ''))",
        "raw.list.map(x, raw.list.map(y, x + y)).size()",
        "raw.list.map(x, raw.text).size()",
        "raw.list.map(x, raw).size()",
        "raw.list.map(x, raw.?list).size()",
        "raw.list.filter(x, raw.text.contains(x + 'b')).size()",
        "raw.list.exists(x, raw.text == raw.text + x)",
        "raw.list.exists(x, raw.list[0.5] == x)",
        "raw.list.exists(x, x in raw.list + [x] && false)",
        "raw.text.replace('', raw.text)",
        "raw.text.replace('a', raw.text)",
        "raw.text.split('').join(raw.text)",
        "raw.text.split('').map(c, raw.text).join('')",
        "raw.text.matches('(a|aa)+$')",
        "[raw.text, raw.text, raw.text, raw.text, raw.text].map(a, [1, 2, 3, 4, 5].map(b, a + a + a + a + a)).size()",
        "[0,1,2,3,4,5,6,7,8,9].map(x, [0,1,2,3,4,5,6,7,8,9].map(y, raw.text + raw.text)).map(x, x.map(y, y + y)).size()",
        "raw.list.map(x, {x: raw.list, 'b': raw.text}).size()",
        "raw.list.all(x, raw.text.lowerAscii().upperAscii().trim() != '')",
        "raw.list.all(x, raw.text.indexOf('b') < 0 && raw.text.size() > 0)",
        // An error in one half of a condition is forgiven; a spent budget is not.
        "raw.list.exists(x, raw.list.all(y, raw.text != y)) || true",
    ] {
        let (cost, too_expensive) = cost_of(source, &big);
        assert!(too_expensive, "{source}: {cost}");
        assert!(cost <= MAX_COST, "{source}: {cost}");
    }
}

#[test]
fn the_same_evaluation_always_costs_the_same() {
    let raw = record();
    let (first, _) = cost_of("raw.mail.map(m, m.split('@')[1]).join(',')", &raw);
    let (second, _) = cost_of("raw.mail.map(m, m.split('@')[1]).join(',')", &raw);
    assert_eq!(first, second);
    assert!((NODE_COST..5_000).contains(&first), "{first}");
}

#[test]
fn a_spent_budget_does_not_reach_into_the_next_evaluation() {
    let mut library = Library::new();
    let costly = library.compile("raw.list.all(x, raw.list.all(y, x + y != ''))", &["raw"]).unwrap();
    let cheap = library.compile("raw.list.size()", &["raw"]).unwrap();
    let raw = map(json!({"list": vec!["x"; 3_000]}));
    let machine = library.machine();
    assert_eq!(machine.attribute(&costly, &[("raw", &raw)]), Err(Failure::TooExpensive));
    assert_eq!(machine.attribute(&cheap, &[("raw", &raw)]), Ok(Some(json!(3_000))));
}

#[test]
fn ordinary_work_is_far_below_the_budget() {
    let groups: Vec<String> =
        (0..200).map(|n| format!("cn=group {n},ou=groups,dc=acme,dc=example")).collect();
    let raw = map(json!({"memberOf": groups}));
    let (cost, too_expensive) = cost_of("raw.memberOf.exists(g, g.startsWith('cn=app-'))", &raw);
    assert!(!too_expensive && cost < MAX_COST / 8, "{cost}");
}
