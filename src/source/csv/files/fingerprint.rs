//! What a set of files looked like: equal looks, no change.

use std::fmt::Write as _;

use super::File;
use crate::model::ContentHash;
use crate::source::Cursor;
use crate::source::csv::part::Part;

/// The first part of a cursor. Its number changes when the reading of tables does, so that an
/// upgrade reads them again.
const VERSION: &str = "files-1";

/// Names, sizes and times (or ETags) of a set, hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint([Option<String>; 3]);

impl Fingerprint {
    /// The fingerprint of a set. A time does not count where something better is known.
    #[must_use]
    pub fn of(files: &[Option<File>; 3]) -> Self {
        Self(files.each_ref().map(|file| {
            let file = file.as_ref()?;
            let modified = file.version.is_none().then_some(file.modified);
            let (name, size) = (&file.name, file.size);
            let look = format!("{name}\0{size}\0{modified:?}\0{:?}", file.version);
            Some(ContentHash::of_bytes(look.as_bytes()).to_string())
        }))
    }

    /// The tables that were there.
    #[must_use]
    pub fn has(&self, part: Part) -> bool {
        self.0[part.index()].is_some()
    }

    /// The tables that are not alike in both.
    #[must_use]
    pub fn differs(&self, other: &Self) -> Vec<Part> {
        let differs = |part: &Part| self.0[part.index()] != other.0[part.index()];
        Part::ALL.into_iter().filter(differs).collect()
    }

    /// As a cursor.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let mut text = VERSION.to_owned();
        for look in &self.0 {
            // Writing into a string does not fail.
            let _ = write!(text, ":{}", look.as_deref().unwrap_or("-"));
        }
        Cursor(text)
    }

    /// From a cursor that this version has made.
    #[must_use]
    pub fn restore(cursor: &Cursor) -> Option<Self> {
        let looks = cursor.0.strip_prefix(VERSION)?.strip_prefix(':')?;
        let looks: Vec<Option<String>> = looks
            .split(':')
            .map(|look| match look {
                "-" => Some(None),
                _ if look.len() == 32 && look.parse::<ContentHash>().is_ok() => Some(Some(look.to_owned())),
                _ => None,
            })
            .collect::<Option<_>>()?;
        looks.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, modified: i64, version: Option<&str>) -> [Option<File>; 3] {
        let version = version.map(str::to_owned);
        [Some(File { name: "users.csv".into(), size, modified, version }), None, None]
    }

    #[test]
    fn a_cursor_brings_the_fingerprint_back() {
        let fingerprint = Fingerprint::of(&file(7, 1, None));
        assert_eq!(Fingerprint::restore(&fingerprint.cursor()), Some(fingerprint));
        for other in ["", "files-1", "files-1:-:-", "files-1:x:-:-", "files-2:-:-:-", "1:-:-:-"] {
            assert_eq!(Fingerprint::restore(&Cursor(other.into())), None, "{other}");
        }
    }

    #[test]
    fn size_and_time_count_and_with_an_etag_the_time_does_not() {
        let of = |files| Fingerprint::of(&files);
        assert_ne!(of(file(7, 1, None)), of(file(8, 1, None)));
        assert_ne!(of(file(7, 1, None)), of(file(7, 2, None)));
        assert_eq!(of(file(7, 1, Some("a"))), of(file(7, 2, Some("a"))));
        assert_ne!(of(file(7, 1, Some("a"))), of(file(7, 1, Some("b"))));
        assert_eq!(of(file(7, 1, None)).differs(&of(file(7, 2, None))), [Part::Users]);
    }
}
