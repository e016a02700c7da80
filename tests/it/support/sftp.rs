//! A real SFTP server (OpenSSH) for one test: private folder, own host key, free port, stopped on drop.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use directory_sync::source::{Material, Reference, ReferenceKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ports::free_port;
use super::python::python;

/// The Secret that settings name.
pub const SECRET: &str = "sftp-account";

/// How long anything here may take on a busy machine before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server with one account: the one that runs the tests.
pub struct Sshd {
    folder: TempDir,
    child: Option<Child>,
    port: u16,
}

impl Sshd {
    /// Starts a server with an empty directory.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        for name in ["host_key", "other_host_key", "account_key"] {
            key(&folder.path().join(name), "");
        }
        fs::copy(folder.path().join("account_key.pub"), folder.path().join("authorized_keys")).unwrap();
        if login() == "root" {
            // For the separation of privileges; only root's sshd needs it.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let mut server = Self { folder, child: None, port: 0 };
        for _ in 0..5 {
            server.port = free_port();
            if server.run("host_key", "") {
                return server;
            }
        }
        panic!("sshd does not start: {}", server.log());
    }

    /// Starts the server again on the same port, without some requests (`open`, `readdir`), which
    /// are then answered with "permission denied".
    pub fn restart_refusing(&mut self, requests: &str) {
        self.stop();
        assert!(self.run("host_key", &format!("-P {requests}")), "sshd does not start again: {}", self.log());
    }

    /// Starts the server again on the same port with another host key, and returns it as `.pub` files have it.
    pub fn restart_with_another_host_key(&mut self) -> String {
        self.stop();
        assert!(self.run("other_host_key", ""), "sshd does not start again: {}", self.log());
        self.text("other_host_key.pub").trim().to_owned()
    }

    fn run(&mut self, host_key: &str, options: &str) -> bool {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let files = path("files");
        let config = format!(
            "ListenAddress 127.0.0.1:{}\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication yes\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nAllowUsers {}\n\
             Subsystem sftp internal-sftp\nForceCommand internal-sftp -d {files} {options}\n",
            self.port,
            path(host_key),
            path("authorized_keys"),
            login(),
        );
        let written = self.folder.path().join("sshd_config");
        fs::write(&written, config).unwrap();
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(program());
        self.spawn(command.args(["-D", "-e", "-f"]).arg(written).stderr(log))
    }

    /// Starts another server (AsyncSSH) on the same port, with the same host key and the same files
    /// as its root, that takes one account with a password.
    pub fn restart_with_password(&mut self, user: &str, password: &str) {
        self.stop();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/password_sftp.py");
        let log = File::options().append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(python());
        command
            .arg(script)
            .arg(self.port.to_string())
            .arg(self.folder.path().join("host_key"))
            .arg(self.files());
        assert!(self.spawn(command.args([user, password]).stderr(log)), "it does not start: {}", self.log());
    }

    /// Whether the server comes up; it does not where somebody was faster to take the port.
    fn spawn(&mut self, command: &mut Command) -> bool {
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.child = None;
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("the server does not come up: {}", self.log());
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = child.kill();
        let _ = child.wait();
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory that is served.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Writes a file at once, as an upload under another name and a rename would.
    pub fn put(&self, name: &str, text: &str) {
        let part = self.folder.path().join("part");
        fs::write(&part, text).unwrap();
        fs::rename(part, self.files().join(name)).unwrap();
    }

    /// Sets the time at which a file was last written, in seconds since 1970.
    pub fn set_modified(&self, name: &str, seconds: u64) {
        let file = File::options().write(true).open(self.files().join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.files().join(name)).unwrap();
    }

    /// The settings with which the server is read.
    pub fn from(&self) -> Value {
        json!({
            "host": "127.0.0.1", "port": self.port, "user": login(), "hostKeys": [self.host_key()],
            "credentialsSecretRef": {"name": SECRET}, "settleSeconds": 1,
        })
    }

    /// The host key as `.pub` files have it.
    pub fn host_key(&self) -> String {
        self.text("host_key.pub").trim().to_owned()
    }

    /// The host key's fingerprint as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        let file = self.folder.path().join("host_key.pub");
        let output = Command::new("ssh-keygen").arg("-lf").arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    }

    /// The account's private key.
    pub fn private_key(&self) -> String {
        self.text("account_key")
    }

    /// Allows another key, encrypted with a passphrase, and returns it.
    pub fn encrypted_key(&self, passphrase: &str) -> String {
        key(&self.folder.path().join("encrypted_key"), passphrase);
        let both = self.text("authorized_keys") + &self.text("encrypted_key.pub");
        fs::write(self.folder.path().join("authorized_keys"), both).unwrap();
        self.text("encrypted_key")
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The Secret with which an account signs in.
pub fn account(data: &[(&str, &str)]) -> Material {
    let secret = Reference { kind: ReferenceKind::Secret, name: SECRET.to_owned() };
    let mut material = Material::default();
    material.insert(secret, data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())));
    material
}

/// The account that runs the tests.
fn login() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn key(path: &Path, passphrase: &str) {
    let status =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]).arg(path).status();
    assert!(status.is_ok_and(|status| status.success()), "ssh-keygen is not there: run dev/servers.sh sftp");
}

/// Its absolute path, which it insists on.
fn program() -> &'static Path {
    let path = Path::new("/usr/sbin/sshd");
    assert!(path.is_file(), "sshd of OpenSSH is not installed: run dev/servers.sh sftp");
    path
}
