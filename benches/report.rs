//! The table for people and the summary for programs.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::machine::Machine;
use crate::row::Row;
use crate::scale::Scale;

/// All rows, and where they were measured.
pub struct Report {
    machine: Machine,
    quick: bool,
    rows: Vec<Row>,
    comparison: Option<Table>,
    begun: Instant,
}

/// Texts in rows and columns; the first row is the heading.
#[derive(Clone, Debug)]
pub struct Table {
    /// What the table is about.
    pub title: String,
    /// The rows, all of one length.
    pub rows: Vec<Vec<String>>,
}

impl Report {
    /// An empty report; the time runs from here.
    pub fn new(scale: &Scale) -> Self {
        let machine = Machine::now();
        Self { machine, quick: scale.quick, rows: Vec::new(), comparison: None, begun: Instant::now() }
    }

    /// Adds the rows of one family, and says how far the measuring has come.
    pub fn add(&mut self, family: &str, rows: Vec<Row>) {
        eprintln!("{:>4} s  {family}", self.begun.elapsed().as_secs());
        let rows: Vec<Row> = rows.into_iter().map(|row| self.named(row)).collect();
        self.rows.extend(rows);
    }

    /// Adds the figures beside those of the peer.
    pub fn beside_the_peer(&mut self, comparison: Table) {
        self.comparison = Some(comparison);
    }

    /// The rows whose bound was missed.
    pub fn missed(&self) -> Vec<&Row> {
        self.rows.iter().filter(|row| !row.met).collect()
    }

    /// Prints the tables, and writes them as Markdown and JSON.
    pub fn publish(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        let tables: Vec<Table> = [self.table()].into_iter().chain(self.comparison.clone()).collect();
        for table in &tables {
            println!("\n{}\n\n{}", table.title, table.aligned());
        }
        fs::create_dir_all(&folder).unwrap();
        let markdown: Vec<String> = tables.iter().map(Table::markdown).collect();
        fs::write(folder.join("table.md"), markdown.join("\n")).unwrap();
        fs::write(folder.join("summary.json"), serde_json::to_vec_pretty(&self.rows).unwrap()).unwrap();
        println!("written to {}: summary.json, table.md", folder.display());
        for row in self.missed() {
            println!("missed: {}: {} {}, must be {}", row.what, figure(row.value), row.unit, bound(row));
        }
    }

    /// The short run says so in every row: its figures must not be taken for those of the long one.
    fn named(&self, row: Row) -> Row {
        if self.quick { Row { what: format!("{} (quick)", row.what), ..row } } else { row }
    }

    fn table(&self) -> Table {
        let heading = ["what", "value", "unit", "floor", "ratio", "bound", "met"];
        let optional = |value: Option<f64>| value.map_or_else(String::new, figure);
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(self.rows.iter().map(|row| {
            let met = if row.bound.is_none() {
                ""
            } else if row.met {
                "yes"
            } else {
                "NO"
            };
            vec![
                row.what.clone(),
                figure(row.value),
                row.unit.to_owned(),
                optional(row.floor),
                optional(row.ratio),
                bound(row),
                met.to_owned(),
            ]
        }));
        let quick = if self.quick { " Quick: small sizes, to be taken for a trial only." } else { "" };
        Table { title: format!("Measured {}.{quick}", self.machine), rows }
    }
}

impl Table {
    fn aligned(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        self.rows.iter().map(line).collect()
    }

    fn markdown(&self) -> String {
        let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
        let (heading, rows) = self.rows.split_first().expect("a table has a heading");
        let rule = format!("|{}\n", "---|".repeat(heading.len()));
        format!("{}\n\n{}{rule}{}", self.title, line(heading), rows.iter().map(line).collect::<String>())
    }
}

/// Three digits that say something, as many as it takes for a large number.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn bound(row: &Row) -> String {
    row.bound.map_or_else(String::new, |bound| bound.to_string())
}
