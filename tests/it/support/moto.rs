//! An imitation of Amazon S3 (moto's server), shared by the tests that run at the same time.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use directory_sync::source::{Material, Reference, ReferenceKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ldap::certificates::Certificate;
use super::ports::free_port;
use super::python::python;

/// The Secret that settings name.
pub const SECRET: &str = "s3-account";

/// How long anything here may take on a busy machine before the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server; it ends with the last test that uses it.
pub struct Moto {
    child: Child,
    port: u16,
    folder: TempDir,
}

/// What an account signs its requests with.
pub struct Keys {
    pub id: String,
    pub secret: String,
}

/// A bucket of one test.
pub struct Bucket {
    moto: Arc<Moto>,
    name: String,
}

impl Moto {
    /// The server that the tests share.
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(moto) = shared.upgrade() {
            return moto;
        }
        let moto = Arc::new(Self::start(&[]));
        *shared = Arc::downgrade(&moto);
        moto
    }

    /// Starts a server with some options, on a free port, and again on another when somebody was
    /// faster.
    fn start(options: &[&str]) -> Self {
        for _ in 0..5 {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            let log = File::create(folder.path().join("log")).unwrap();
            let child = Command::new(python())
                .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
                .args(options)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            let mut moto = Self { child, port, folder };
            if moto.comes_up() {
                return moto;
            }
        }
        panic!("moto's server does not start");
    }

    fn comes_up(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("moto's server does not come up: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// One request to the object store.
    fn request(&self, method: &str, path: &str, body: &str) {
        self.ask("s3", method, path, body);
    }

    /// One request to a service, and its answer. The server looks at the name of the signer, and not
    /// at the signature.
    fn ask(&self, service: &str, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (port, length) = (self.port, body.len());
        let signer = format!(
            "Credential=AKIAEXAMPLE/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: AWS4-HMAC-SHA256 {signer}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with('2'), "{method} {path}: {answer}");
        answer
    }

    /// Makes an account that may read everything.
    fn reader(&self) -> Keys {
        let policy = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*",
        }});
        let policy: String = url::form_urlencoded::byte_serialize(policy.to_string().as_bytes()).collect();
        let iam = |action: &str, more: &str| {
            self.ask("iam", "POST", &format!("/?Action={action}&UserName=reader{more}"), "")
        };
        iam("CreateUser", "");
        iam("PutUserPolicy", &format!("&PolicyName=read&PolicyDocument={policy}"));
        let answer = iam("CreateAccessKey", "");
        let element = |name: &str| {
            let text = answer.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split('<').next());
            text.unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
        };
        Keys { id: element("AccessKeyId"), secret: element("SecretAccessKey") }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bucket {
    /// A bucket of a name that no other test uses.
    pub fn new(name: &str) -> Self {
        Self::of(Moto::shared(), name)
    }

    /// A bucket of a server that, once the bucket is filled by `fill`, takes nobody's word for who
    /// they are, and the keys of the one account that may read it.
    pub fn guarded(name: &str, fill: impl FnOnce(&Self)) -> (Self, Keys) {
        let bucket = Self::of(Arc::new(Moto::start(&[])), name);
        fill(&bucket);
        let keys = bucket.moto.reader();
        bucket.moto.request("POST", "/moto-api/reset-auth", "0");
        (bucket, keys)
    }

    fn of(moto: Arc<Moto>, name: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("{name}-{number}");
        moto.request("PUT", &format!("/{name}"), "");
        Self { moto, name }
    }

    /// Writes a file, in one step as the protocol has it.
    pub fn put(&self, key: &str, text: &str) {
        self.moto.request("PUT", &format!("/{}/{key}", self.name), text);
    }

    /// Removes a file.
    pub fn remove(&self, key: &str) {
        self.moto.request("DELETE", &format!("/{}/{key}", self.name), "");
    }

    /// The settings with which the bucket is read.
    pub fn from(&self) -> Value {
        json!({
            "bucket": self.name, "endpoint": self.endpoint(), "insecure": "PlaintextData",
            "credentialsSecretRef": {"name": SECRET}, "settleSeconds": 1,
        })
    }

    /// Where the server answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.moto.port)
    }

    /// The lines of the server's log about listing the bucket and about reading a file of it.
    pub fn requests(&self) -> (usize, usize) {
        let log = self.moto.log();
        let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
        (count(&format!("\"GET /{}?", self.name)), count(&format!("\"GET /{}/", self.name)))
    }
}

/// A server without buckets that answers over TLS alone.
pub struct Encrypted {
    moto: Moto,
    /// The certificate.
    _folder: TempDir,
}

impl Encrypted {
    /// A server with a certificate for `localhost`.
    pub fn start(certificate: &Certificate) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (pem, key) = (write("pem", &certificate.pem), write("key", &certificate.key));
        Self { moto: Moto::start(&["--ssl", "--ssl-cert", &pem, "--ssl-key", &key]), _folder: folder }
    }

    /// Where the server answers.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.moto.port)
    }
}

/// The Secret with which a bucket is read that takes anybody's word.
pub fn account(secret_access_key: &str) -> Material {
    account_of("AKIAEXAMPLE", secret_access_key)
}

/// The Secret with which a bucket is read.
pub fn account_of(id: &str, secret_access_key: &str) -> Material {
    let secret = Reference { kind: ReferenceKind::Secret, name: SECRET.to_owned() };
    let data = [("accessKeyID", id), ("secretAccessKey", secret_access_key)];
    let mut material = Material::default();
    material.insert(secret, data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
    material
}
