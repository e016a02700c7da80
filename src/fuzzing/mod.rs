//! What the fuzz targets in `fuzz/` run: all that reads bytes of strangers, one function for each
//! kind of bytes. None of them may panic, hang, or take memory beyond the bounds of its module.
//!
//! It is no part of the program: only fuzz targets have it, and the tests, which run the kept
//! corpus through it.

pub mod answer;
pub mod checkpoint;
pub mod expression;
pub mod tables;

/// A target takes bytes and returns, whatever they are.
pub type Target = fn(&[u8]);

/// The targets by their names: those of their programs in `fuzz/fuzz_targets` and of their folders
/// in `fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("answer", answer::run),
    ("checkpoint", checkpoint::run),
    ("expression", expression::run),
    ("tables", tables::run),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
    }

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_kept_corpus_goes_through_every_target() {
        for (name, target) in TARGETS {
            let inputs: Vec<PathBuf> = fs::read_dir(folder("corpus").join(name))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            assert!(!inputs.is_empty(), "{name} has no corpus");
            for input in inputs {
                target(&fs::read(&input).unwrap());
            }
        }
    }

    #[test]
    fn each_target_has_a_program_and_a_corpus_and_nothing_else_has() {
        let expected: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names(&folder("fuzz_targets")), expected);
        assert_eq!(names(&folder("corpus")), expected);
    }
}
