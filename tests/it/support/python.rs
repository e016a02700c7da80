//! The private Python in which some servers of the tests run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Its path; the first time it is made, which takes a while.
pub fn python() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/python.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "dev/python.sh did not bring the Python of the tests");
    String::from_utf8(output.stdout).unwrap().trim().into()
}
