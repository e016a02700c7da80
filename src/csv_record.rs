//! A record of CSV (RFC 4180) as it is written, for files and for the terminal alike.

/// The cells as one record, each quoted where it must be; the line's end is the caller's.
pub fn csv_record(cells: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<u8> {
    let mut writer = csv_core::Writer::new();
    let mut record = Vec::new();
    for (place, cell) in cells.into_iter().enumerate() {
        let cell = cell.as_ref();
        // Every quote is doubled at worst, with quotes around it and what ends the cell before.
        let mut space = vec![0; 2 * cell.len() + 8];
        let before = if place > 0 { writer.delimiter(&mut space).1 } else { 0 };
        let (_, _, written) = writer.field(cell.as_bytes(), &mut space[before..]);
        record.extend_from_slice(&space[..before + written]);
    }
    // The quote that a last cell may lack comes with the end of the line, which is left out.
    let mut end = [0; 8];
    let (_, written) = writer.terminator(&mut end);
    record.extend_from_slice(&end[..written]);
    record.pop();
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_nothing_ends_the_record() {
        let record = |cells: &[&str]| String::from_utf8(csv_record(cells)).unwrap();
        assert_eq!(record(&["a", "", "b c"]), "a,,b c");
        assert_eq!(record(&["a,b", "\"c\"", "d\r\ne"]), "\"a,b\",\"\"\"c\"\"\",\"d\r\ne\"");
        assert_eq!(record(&["last \"word\""]), "\"last \"\"word\"\"\"");
    }
}
