//! The example programs as processes of their own: how each is started, stopped and looked at.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::stage::LIMIT;
use crate::support::wait::eventually;

/// One of the example programs.
pub struct Program {
    /// Its language.
    pub name: &'static str,
    command: fn() -> Command,
    /// Whether it opens a watch that broke off from where it was; the others list anew then.
    pub resumes: bool,
}

/// All of them. They are to behave the same.
pub const PROGRAMS: [Program; 4] = [
    Program { name: "rust", command: rust, resumes: true },
    Program { name: "go", command: go, resumes: true },
    Program { name: "python", command: python, resumes: true },
    Program { name: "bash", command: bash, resumes: false },
];

/// A file of the project.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The example in Rust, which `cargo test` builds beside the tests.
fn rust() -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_directory-sync")).with_file_name("examples").join("consumer");
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let sources = file("examples/consumers/rust");
    let newest = ["files.rs", "formats.rs", "main.rs", "mirrors.rs", "replica.rs", "slices.rs", "table.rs"]
        .map(|name| changed(&sources.join(name)).unwrap());
    let built = changed(&program).is_ok_and(|built| newest.iter().all(|source| *source <= built));
    assert!(built, "{} is not there or out of date: run cargo build --example consumer", program.display());
    Command::new(program)
}

/// The example in Go, which a script builds when it has changed.
fn go() -> Command {
    let output = Command::new(file("dev/consumer.sh")).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "dev/consumer.sh did not build the example in Go");
    Command::new(String::from_utf8(output.stdout).unwrap().trim())
}

fn python() -> Command {
    let mut command = Command::new("python3");
    // No folder of compiled modules beside the sources.
    command.arg("-B").arg(file("examples/consumers/python/consumer.py"));
    command
}

fn bash() -> Command {
    Command::new(file("examples/consumers/bash/consumer.sh"))
}

/// A running program with its table; ends when dropped.
pub struct Consumer {
    /// Which one it is.
    pub program: &'static Program,
    source: String,
    kubeconfig: PathBuf,
    folder: tempfile::TempDir,
    child: Child,
}

impl Consumer {
    /// Starts a program for the Directory `acme` of the namespace that the kubeconfig names.
    pub fn start(program: &'static Program, kubeconfig: &Path) -> Self {
        Self::start_from(program, "acme", kubeconfig)
    }

    /// Starts a program for a Directory, or for `configmap/NAME`.
    pub fn start_from(program: &'static Program, source: &str, kubeconfig: &Path) -> Self {
        let (source, kubeconfig, folder) =
            (source.to_owned(), kubeconfig.to_owned(), tempfile::tempdir().unwrap());
        let child = spawn(program, &source, &kubeconfig, folder.path());
        Self { program, source, kubeconfig, folder, child }
    }

    /// Ends it as a machine that fails does: at once, with all that it has started.
    pub fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        }
        let _ = self.child.wait();
    }

    /// Starts it again, where it left its table.
    pub fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.program, &self.source, &self.kubeconfig, self.folder.path());
    }

    /// Where its table is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("table.jsonl")
    }

    /// The table as it is now, empty when there is none.
    pub fn table(&self) -> String {
        fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// Waits until `judge` is content with the table; what it says otherwise is told at the end.
    pub async fn table_passes(&self, judge: impl Fn(&str) -> Result<(), String>) {
        let what = format!("the table of the consumer in {} is as it should be", self.program.name);
        eventually(&what, LIMIT, async || {
            judge(&self.table()).map_err(|complaint| format!("{complaint}\n{}", self.log()))
        })
        .await;
    }

    /// What it has told.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until the table is this text.
    pub async fn table_becomes(&self, expected: &str) {
        self.table_passes(
            |table| if table == expected { Ok(()) } else { Err(format!("{table}\n{expected}")) },
        )
        .await;
    }

    /// The permissions of the table's file.
    pub fn mode(&self) -> u32 {
        fs::metadata(self.path()).unwrap().permissions().mode() & 0o777
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Program, source: &str, kubeconfig: &Path, folder: &Path) -> Child {
    // Where kubectl is not installed, the control plane's.
    let path = format!("{}:{}", file("dev").display(), std::env::var("PATH").unwrap_or_default());
    (program.command)()
        .args([Path::new(source), &folder.join("table.jsonl")])
        .env("KUBECONFIG", kubeconfig)
        .env("PATH", path)
        .env("TMPDIR", folder) // so that what is left by a kill goes with the test
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::options().create(true).append(true).open(folder.join("log")).unwrap())
        .process_group(0)
        .spawn()
        .unwrap()
}
