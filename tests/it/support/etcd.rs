//! The etcd of a cluster, asked past its apiserver.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The socket in the cluster's folder on which etcd serves its clients; see dev/cluster/internal/up/components.go.
const SOCKET: &str = "etcd.sock:1";

/// Raises the alarm NOSPACE, under which etcd takes deletions alone, or takes it off.
pub fn alarm(folder: &Path, raised: bool) {
    let action = if raised { "ACTIVATE" } else { "DEACTIVATE" };
    // Of any member: the alarm of one counts for all.
    let body = format!(r#"{{"action": "{action}", "memberID": "1", "alarm": "NOSPACE"}}"#);
    let mut stream = UnixStream::connect(folder.join(SOCKET)).unwrap();
    write!(
        stream,
        "POST /v3/maintenance/alarm HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
