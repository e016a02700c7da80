//! Columns for a terminal.

use unicode_width::UnicodeWidthStr;

/// Spaces between two columns.
const GAP: usize = 3;

/// Rows under headings, each column as wide as its widest cell. What a directory says cannot steer
/// the terminal: control characters are replaced.
pub(crate) fn table<const COLUMNS: usize>(
    headings: &[&str; COLUMNS],
    rows: impl Iterator<Item = [String; COLUMNS]>,
) -> String {
    let headings = headings.map(str::to_owned);
    let rows: Vec<_> =
        std::iter::once(headings).chain(rows.map(|row| row.map(|cell| printable(&cell)))).collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.width() + GAP));
        }
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// A text without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let rows = [["山田".to_owned(), "x".to_owned()], ["ada".to_owned(), String::new()]];
        assert_eq!(table(&["NAME", "ROLE"], rows.into_iter()), "NAME   ROLE\n山田   x\nada\n");
    }

    #[test]
    fn a_value_cannot_steer_the_terminal() {
        assert!(!table(&["A"], std::iter::once(["\u{1b}[2J\n".to_owned()])).contains('\u{1b}'));
    }
}
