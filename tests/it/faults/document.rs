//! docs/faults.md: made from the rows of the matrix and from the tests that there are, so that it cannot
//! differ from them.
//!
//! With `DIRECTORY_SYNC_WRITE_FAULTS=1` the test writes the file instead of comparing it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::fault::{Case, Course, Fault, Sign};
use super::matrix::{Chapter, MATRIX};

const HEAD: &str = "# Faults

Made from the tests' own declarations; not to be edited. `make faults` writes it again.

What can go wrong between a directory and your application, what the operator makes of it, what you see, and
what you do. By none of these faults does a mirror go whose person is still in the directory, unless somebody
deletes its Directory or namespace; and never do more go at once than [the guard](operating.md#the-guard) allows.

Texts are parts of the whole sentence, which names the object and the numbers; `Ready` says the same as the
condition that is named. [Operating](operating.md) has all reasons and delays, the
[runbooks](runbooks/index.md) what to do when an alert fires.
";

/// The tests of this very binary, as it names them.
fn tests(arguments: &[&str]) -> Vec<String> {
    let output =
        Command::new(std::env::current_exe().unwrap()).arg("--list").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).unwrap();
    list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// The row that a test's name speaks of: `F20` for `guard::f20_…`.
fn row_of(test: &str) -> Option<String> {
    let name = test.rsplit("::").next()?;
    let (number, _) = name.strip_prefix('f')?.split_once('_')?;
    (number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("F{number}"))
}

fn rows() -> impl Iterator<Item = &'static Fault> {
    MATRIX.iter().flat_map(|chapter| chapter.rows).copied()
}

/// The tests of a row, in the order of their names.
fn tests_of<'t>(fault: &Fault, tests: &'t [String]) -> Vec<&'t str> {
    let mut of = tests.iter().filter(|test| row_of(test).as_deref() == Some(fault.name));
    let mut of: Vec<&str> = of.by_ref().map(String::as_str).collect();
    of.sort_unstable();
    of
}

/// All source text of the tests but the matrix itself.
fn sources() -> String {
    fn read(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with("faults/matrix") {
                read(&entry, text);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(entry).unwrap());
            }
        }
    }
    let mut text = String::new();
    read(&root().join("tests/it"), &mut text);
    text
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_matrix_has_all_faults_each_with_tests_or_a_reason_and_no_test_is_passed_over() {
    let numbers: Vec<String> = (1..=54).map(|number| format!("F{number:02}")).collect();
    assert_eq!(rows().map(|row| row.name).collect::<Vec<_>>(), numbers);
    let (all, ignored) = (tests(&[]), tests(&["--ignored"]));
    for test in all.iter().filter(|test| row_of(test).is_some()) {
        assert!(!ignored.contains(test), "{test} is ignored");
    }
    let (mut shown, mut proofs) = (0, 0);
    for row in rows() {
        let tests = tests_of(row, &all);
        match &row.course {
            Course::Shown { .. } => {
                assert!(!tests.is_empty(), "no test has the number of {}: {}", row.name, row.title);
                (shown, proofs) = (shown + 1, proofs + tests.len());
            }
            Course::NotShown(_) => {
                assert!(tests.is_empty(), "{} is declared as not shown, but there are {tests:?}", row.name);
            }
        }
    }
    eprintln!(
        "{} rows: {shown} shown by {proofs} tests, {} not, with a reason; none ignored",
        numbers.len(),
        numbers.len() - shown
    );
}

#[test]
fn whatever_the_matrix_says_that_a_person_sees_is_asserted_by_a_test() {
    let sources = sources();
    for row in rows() {
        let Course::Shown { seen, .. } = &row.course else { continue };
        let whole = seen.is_empty() || sources.contains(&format!("{}.is_seen(", row.name));
        for case in seen.iter().filter(|_| !whole) {
            let asserted = sources.contains(&format!("{}.case(", row.name))
                && sources.contains(&format!("\"{}\"", case.when));
            assert!(asserted, "no test asserts what {} says of '{}'", row.name, case.when);
        }
    }
}

#[test]
fn the_document_is_that_of_the_matrix() {
    let file = root().join("docs/faults.md");
    let tests = tests(&[]);
    let mut expected = HEAD.to_owned();
    for part in MATRIX {
        chapter(&mut expected, part, &tests);
    }
    if std::env::var_os("DIRECTORY_SYNC_WRITE_FAULTS").is_some() {
        fs::write(&file, &expected).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "docs/faults.md is not of this matrix; run 'make faults'");
}

fn chapter(text: &mut String, Chapter { title, rows }: &Chapter, tests: &[String]) {
    write!(text, "\n## {title}\n").unwrap();
    for row in *rows {
        write!(text, "\n### {}: {}\n\n", row.name, row.title).unwrap();
        match &row.course {
            Course::NotShown(reason) => writeln!(text, "No test shows it. {reason}").unwrap(),
            Course::Shown { becomes, seen, recover } => {
                writeln!(text, "{becomes}\n").unwrap();
                writeln!(text, "| | |\n|---|---|").unwrap();
                if seen.is_empty() {
                    writeln!(text, "| you see | nothing |").unwrap();
                }
                for Case { when, sign } in *seen {
                    let when = if when.is_empty() { String::new() } else { format!(", if {when}") };
                    writeln!(text, "| you see{when} | {} |", place(sign)).unwrap();
                }
                writeln!(text, "| you do | {recover} |").unwrap();
                writeln!(text, "| shown by | {} |", listed(&tests_of(row, tests))).unwrap();
            }
        }
    }
}

/// Where a person finds a sign, and its words.
fn place(sign: &Sign) -> String {
    let parts = sign.parts();
    let words =
        if parts.is_empty() { String::new() } else { format!(" “… {} …”", parts.join(" … ")) };
    match sign {
        Sign::Condition { kind, holds, reason, .. } => {
            format!("`{kind}` is {}, `{reason}`:{words}", if *holds { "True" } else { "False" })
        }
        Sign::Event { reason, .. } => format!("an Event `{reason}`:{words}"),
        Sign::Note(_) => format!("`status.notes`:{words}"),
        Sign::HeldBack { reason, .. } => format!("`status.quarantined`, `{reason}`:{words}"),
        Sign::Log(_) => format!("the log:{words}"),
        Sign::Metric(name) => format!("the metric `{name}` counts it"),
        Sign::NotReady(_) => format!("`/readyz` fails:{words}"),
    }
}

fn listed(tests: &[&str]) -> String {
    tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join("<br>")
}
