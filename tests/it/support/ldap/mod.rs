//! A real OpenLDAP server for one test: private folder, free ports, stopped on drop.

mod builder;
pub mod certificates;
pub mod company;
pub mod netscape;
pub mod proxy;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ports::free_port;

pub use builder::Builder;
pub use company::Company;

/// The account that may do everything.
pub const ADMIN: &str = "cn=admin,dc=example,dc=test";
/// The account that the operator reads with.
pub const READER: &str = "cn=reader,dc=example,dc=test";
/// The password of both.
pub const PASSWORD: &str = "correct horse";

/// How long anything here may take on a busy machine before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct Slapd {
    folder: TempDir,
    child: Option<Child>,
    port: u16,
    tls_port: Option<u16>,
    /// How often this has connected to see whether the server is up.
    looked: usize,
}

impl Slapd {
    /// A server with a company of the usual size.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address for plain connections and StartTLS.
    pub fn url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    /// The address for connections that are encrypted from their first byte.
    pub fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port.expect("the server has a certificate"))
    }

    /// The port for plain connections.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts a server whose data and configuration are in a folder.
    fn running(folder: TempDir, tls: bool) -> Self {
        let mut server = Self { folder, child: None, port: 0, tls_port: tls.then_some(0), looked: 0 };
        server.start();
        server
    }

    /// Starts the server on free ports, and again on others when somebody was faster.
    fn start(&mut self) {
        for _ in 0..5 {
            self.port = free_port();
            self.tls_port = self.tls_port.map(|_| free_port());
            if self.try_start() {
                return;
            }
        }
        panic!("slapd does not start: {}", self.log());
    }

    fn try_start(&mut self) -> bool {
        let mut listen = format!("ldap://127.0.0.1:{}/", self.port);
        if let Some(port) = self.tls_port {
            write!(listen, " ldaps://127.0.0.1:{port}/").unwrap();
        }
        let earlier = self.log().len();
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = program("slapd")
            .args(["-d", "stats", "-h", &listen, "-f"])
            .arg(self.folder.path().join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        // A server that could not take its ports never says that it starts.
        while Instant::now() < deadline {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.child = None;
                return false;
            }
            let up = self.log()[earlier..].contains("slapd starting");
            if up && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                self.looked += 1;
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("slapd does not come up: {}", self.log());
    }

    /// Stops the server, as an administrator would.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = child.try_wait() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Stops the server and starts it again on the same ports.
    pub fn restart(&mut self) {
        self.stop();
        assert!(self.try_start(), "slapd does not start again: {}", self.log());
    }

    /// Stops the server and starts it again on the same ports, with the same data and otherwise as
    /// the builder says. It has a certificate only if it had one before.
    pub fn reconfigure(&mut self, how: &Builder) {
        self.stop();
        how.write_configuration(self.folder.path());
        assert!(self.try_start(), "slapd does not start again: {}", self.log());
    }

    /// A copy of the data as they are now; the server is restarted for it.
    pub fn back_up(&mut self) -> TempDir {
        self.stop();
        let backup = tempfile::tempdir().unwrap();
        copy(&self.data(), &backup.path().join("data.mdb"));
        assert!(self.try_start(), "slapd does not start again: {}", self.log());
        backup
    }

    /// Goes back to the data of a backup; the server is restarted for it.
    pub fn restore(&mut self, backup: &TempDir) {
        self.stop();
        copy(&backup.path().join("data.mdb"), &self.data());
        assert!(self.try_start(), "slapd does not start again: {}", self.log());
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("db/data.mdb")
    }

    /// Changes entries (LDIF with `changetype`).
    pub fn modify(&self, ldif: &str) {
        let mut child = program("ldapmodify")
            .args(["-x", "-D", ADMIN, "-w", PASSWORD, "-H", &format!("ldap://127.0.0.1:{}", self.port)])
            .env("LDAPCONF", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "ldapmodify: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The server's log: a line for every operation, with the time to the nanosecond.
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// What the server has done so far, by its own log.
    pub fn operations(&self) -> Operations {
        let log = self.log();
        let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
        let by_name: Vec<String> = log
            .lines()
            .filter(|line| line.contains(" SRCH base=") && line.contains(" scope=0 "))
            .filter_map(|line| {
                Some(format!("{} SEARCH RESULT", &line[line.find("conn=")?..line.find(" SRCH")?]))
            })
            .collect();
        Operations {
            // Looking whether the server is up is not the operator's doing.
            connections: count(" ACCEPT from ").saturating_sub(self.looked),
            closed: count(" closed").saturating_sub(self.looked),
            binds: log
                .lines()
                .filter(|line| line.contains(" BIND dn=\"") && line.contains(" method="))
                .count(),
            unbinds: count(" UNBIND"),
            searches: log
                .lines()
                .filter_map(|line| line.split_once(" SRCH base=\"")?.1.split('"').next())
                .map(str::to_owned)
                .collect(),
            entries: log
                .lines()
                .filter(|line| !by_name.iter().any(|operation| line.contains(operation)))
                .filter_map(|line| line.split_once(" nentries=")?.1.split(' ').next()?.parse::<usize>().ok())
                .sum(),
        }
    }

    /// Waits until the server's log says what is expected.
    pub async fn wait_until(&self, what: &str, condition: impl Fn(&Operations) -> bool) -> Operations {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let operations = self.operations();
            if condition(&operations) {
                return operations;
            }
            assert!(Instant::now() < deadline, "{what}: {operations:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a server has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Connections that were accepted.
    pub connections: usize,
    /// Connections that have ended.
    pub closed: usize,
    /// Binds.
    pub binds: usize,
    /// Connections that ended with a good-bye.
    pub unbinds: usize,
    /// The bases of all searches, each page counted.
    pub searches: Vec<String>,
    /// Entries that were sent in answer to searches below a base; one that is read by its name is none.
    pub entries: usize,
}

impl Operations {
    /// How many searches there were at or below a base, each page counted.
    pub fn searches_of(&self, base: &str) -> usize {
        self.searches.iter().filter(|search| *search == base).count()
    }
}

/// Copies a file that is mostly holes.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("--sparse=always").args([from, to]).status().unwrap();
    assert!(copied.success(), "copying {} to {}", from.display(), to.display());
}

/// A program of OpenLDAP.
fn program(name: &str) -> Command {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/local/libexec"];
    let path = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    Command::new(path.unwrap_or_else(|| missing(name)))
}

fn missing<T>(what: &str) -> T {
    panic!("{what} of OpenLDAP is not installed: run dev/servers.sh, which installs what the tests need")
}
