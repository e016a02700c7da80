//! `kubectl`, as a person runs it against the cluster of the tests, and the tables that it prints.

use std::path::Path;
use std::process::Command;

use super::stage::Stage;

/// What `kubectl` prints in the namespace of a stage, as the administrator.
pub fn kubectl(stage: &Stage, arguments: &[&str]) -> String {
    // What kubectl remembers of an earlier cluster at the same port is not of this one.
    let cache = tempfile::tempdir().unwrap();
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/kubectl"))
        .args(arguments)
        .args(["--namespace", &stage.namespace])
        .env("KUBECONFIG", stage.cluster.kubeconfig())
        .env("KUBECACHEDIR", cache.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A table as `kubectl get` prints it.
#[derive(Debug)]
pub struct Table {
    pub headings: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a table: a cell begins below its heading, and may be empty.
    pub fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let head = lines.next().expect("a table has headings");
        let begins: Vec<usize> = (0..head.len())
            .filter(|&place| !head[place..].starts_with(' ') && (place == 0 || head[..place].ends_with(' ')))
            .collect();
        let cells = |line: &str| -> Vec<String> {
            let letters: Vec<char> = line.chars().collect();
            let ends = begins.iter().skip(1).copied().chain([usize::MAX]);
            let cell = |(begin, end): (usize, usize)| {
                letters.iter().take(end).skip(begin).collect::<String>().trim().to_owned()
            };
            begins.iter().copied().zip(ends).map(cell).collect()
        };
        Self { headings: cells(head), rows: lines.map(cells).collect() }
    }

    /// The cells below some headings, in the row whose first cell is `name`.
    pub fn row(&self, name: &str, headings: &[&str]) -> Vec<&str> {
        let row = self.rows.iter().find(|row| row[0] == name);
        self.cells(row.unwrap_or_else(|| panic!("there is no row {name} in {self:#?}")), headings)
    }

    /// The cells below some headings, of all rows in order.
    pub fn columns(&self, headings: &[&str]) -> Vec<Vec<&str>> {
        let mut columns: Vec<Vec<&str>> = self.rows.iter().map(|row| self.cells(row, headings)).collect();
        columns.sort_unstable();
        columns
    }

    fn cells<'a>(&self, row: &'a [String], headings: &[&str]) -> Vec<&'a str> {
        let column = |heading: &&str| self.headings.iter().position(|found| found == heading);
        let column = |heading| column(heading).unwrap_or_else(|| panic!("no {heading} in {self:#?}"));
        headings.iter().map(|heading| row[column(heading)].as_str()).collect()
    }
}
