//! A real Samba Active Directory domain controller for one test: private folder, an address of
//! loopback of its own since its ports are fixed, stopped on drop.

pub mod company;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::ldap::certificates::Authority;

/// The domain.
pub const DOMAIN: &str = "DC=ad,DC=example,DC=test";
/// The account that may do everything.
const ADMIN: &str = "Administrator@ad.example.test";
/// The account that the operator reads with; it may see deleted objects.
pub const READER: &str = "reader@ad.example.test";
/// An ordinary account, which may not.
pub const CLERK: &str = "clerk@ad.example.test";
/// The password of all three.
pub const PASSWORD: &str = "Correct.horse1";

/// How long anything here may take on a busy machine before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running domain controller.
pub struct Samba {
    folder: TempDir,
    /// Whether it lets accounts sign in over connections that are not encrypted.
    takes_plain: bool,
    child: Option<Child>,
    address: Ipv4Addr,
    authority: Authority,
}

impl Samba {
    /// A domain controller of the sample company's domain.
    pub fn start() -> Self {
        Self::of(&company::ldif(), false, |_| {})
    }

    /// A domain controller of a domain with other entries (LDIF), that lets accounts sign in over plain connections.
    pub fn unprotected(ldif: &str) -> Self {
        Self::of(ldif, true, |_| {})
    }

    /// As [`Samba::start`], with a database that has an id of its own, as another domain
    /// controller's has. Others are copies of one.
    pub fn start_another() -> Self {
        Self::of(&company::ldif(), false, |domain| {
            let renewed =
                Command::new(root().join("dev/samba/domain.py")).arg(domain).arg("renew").output().unwrap();
            assert!(renewed.status.success(), "domain.py: {}", String::from_utf8_lossy(&renewed.stderr));
        })
    }

    fn of(ldif: &str, takes_plain: bool, prepare: impl Fn(&Path)) -> Self {
        let folder = tempfile::Builder::new().prefix("samba-").tempdir().unwrap();
        let domain = folder.path().join("domain");
        let copied =
            Command::new("cp").args(["-a", "--reflink=auto"]).arg(template(ldif)).arg(&domain).status();
        assert!(copied.unwrap().success(), "the domain could not be copied to {}", domain.display());
        for name in ["run", "cache", "log", "ncalrpc", "tls"] {
            fs::create_dir_all(domain.join(name)).unwrap();
        }
        let mut samba = Self {
            folder,
            takes_plain,
            child: None,
            address: Ipv4Addr::LOCALHOST,
            authority: Authority::new(),
        };
        samba.write_configuration();
        prepare(&domain);
        for _ in 0..5 {
            samba.address = free_address();
            samba.write_configuration();
            if samba.try_start() {
                return samba;
            }
        }
        panic!("samba does not start: {}", samba.log());
    }

    fn domain(&self) -> PathBuf {
        self.folder.path().join("domain")
    }

    fn write_configuration(&self) {
        let domain = self.domain();
        let certificate = self.authority.certificate_for(&self.address.to_string());
        fs::write(domain.join("tls/server.pem"), &certificate.pem).unwrap();
        fs::write(domain.join("tls/ca.pem"), &self.authority.pem).unwrap();
        let key = domain.join("tls/server.key");
        fs::write(&key, &certificate.key).unwrap();
        // Samba takes no key that others may read.
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&key, private).unwrap();
        let mut text = format!(
            "[global]\nnetbios name = DC1\nrealm = AD.EXAMPLE.TEST\nworkgroup = ADTEST\n\
             server role = active directory domain controller\nserver services = ldap\n\
             interfaces = {}/8\nbind interfaces only = yes\ntls enabled = yes\n\
             ldap server require strong auth = {}\n\
             # The data need not outlive the machine's power.\nldb:nosync = yes\n",
            self.address,
            if self.takes_plain { "no" } else { "yes" }
        );
        for (name, path) in [
            ("tls keyfile", "tls/server.key"),
            ("tls certfile", "tls/server.pem"),
            ("tls cafile", "tls/ca.pem"),
            ("private dir", "private"),
            ("state directory", "state"),
            ("cache directory", "cache"),
            ("lock directory", ""),
            ("pid directory", "run"),
            ("ncalrpc dir", "ncalrpc"),
            ("binddns dir", "bind-dns"),
            ("log file", "log/log.%m"),
        ] {
            writeln!(text, "{name} = {}", domain.join(path).display()).unwrap();
        }
        fs::write(domain.join("etc/smb.conf"), text).unwrap();
    }

    fn try_start(&mut self) -> bool {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = program("samba")
            .arg("-s")
            .arg(self.domain().join("etc/smb.conf"))
            .args(["-M", "single", "--foreground", "--no-process-group", "--debug-stdout", "-d", "1"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.child = None;
                return false;
            }
            if [389, 636].iter().all(|port| TcpStream::connect((self.address, *port)).is_ok()) {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("samba does not come up: {}", self.log());
    }

    /// Stops the domain controller, as an administrator would.
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

    /// The address for connections that are encrypted from their first byte.
    pub fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// The address for plain connections and StartTLS.
    pub fn plain_url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// The certificate (PEM) of the authority that signed this domain controller's.
    pub fn authority(&self) -> &str {
        &self.authority.pem
    }

    /// Changes entries (LDIF with `changetype`).
    pub fn modify(&self, ldif: &str) {
        let mut child = program("ldapmodify")
            .args(["-x", "-D", ADMIN, "-w", PASSWORD, "-H", &self.url()])
            .env("LDAPCONF", "/dev/null")
            .env("LDAPTLS_CACERT", self.domain().join("tls/ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "ldapmodify: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn log(&self) -> String {
        let bytes = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of the domain with these entries that every domain controller of it begins with. Each is made once
/// and kept, in the cache beyond this run.
fn template(ldif: &str) -> PathBuf {
    static MADE: Mutex<BTreeMap<String, Result<PathBuf, String>>> = Mutex::new(BTreeMap::new());
    let made = MADE.lock().unwrap().entry(ldif.to_owned()).or_insert_with(|| make_template(ldif)).clone();
    made.unwrap_or_else(|error| panic!("no domain to test with: {error}"))
}

fn make_template(ldif: &str) -> Result<PathBuf, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), ldif).unwrap();
    let output = Command::new(root().join("dev/samba/template.sh"))
        .arg(file.path())
        .arg(PASSWORD)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(said(&output.stdout).into()) } else { Err(said(&output.stderr)) }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An address of loopback on which nothing listened a moment ago. All of 127/8 is this machine.
fn free_address() -> Ipv4Addr {
    loop {
        let [.., high, middle, low] = RandomState::new().build_hasher().finish().to_be_bytes();
        let address = Ipv4Addr::new(127, 16 + high % 224, middle, 1 + low % 254);
        match TcpListener::bind((address, 389)) {
            Ok(_) => return address,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                panic!("a domain controller has fixed ports below 1024; run these tests as root")
            }
            Err(_) => {}
        }
    }
}

fn program(name: &str) -> Command {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let path = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    Command::new(path.unwrap_or_else(|| {
        panic!("{name} is not installed: run dev/servers.sh, which installs what the tests need")
    }))
}
