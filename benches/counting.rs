//! A TCP proxy on loopback that counts the searches of LDAP clients, and the bytes that they get.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// The tag of a search request (RFC 4511 section 4.5.1).
const SEARCH: u8 = 0x63;

/// What came by since the last look.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Search requests.
    pub searches: usize,
    /// Bytes from the server.
    pub bytes: usize,
}

/// The proxy; it ends with this.
pub struct Counting {
    /// Where it listens.
    pub port: u16,
    counts: Arc<Counts>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Counts {
    searches: AtomicUsize,
    bytes: AtomicUsize,
}

impl Counting {
    /// Passes every connection on to a server that speaks LDAP without encryption.
    pub async fn start(server: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let kept = Arc::clone(&counts);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass_requests(from_client, to_server, Arc::clone(&kept)));
                tokio::spawn(pass_answers(from_server, to_client, Arc::clone(&kept)));
            }
        });
        Self { port, counts, _task: AbortOnDropHandle::new(task) }
    }

    /// What came by since the last look.
    pub fn take(&self) -> Counted {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        Counted { searches: take(&self.counts.searches), bytes: take(&self.counts.bytes) }
    }
}

async fn pass_requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counts: Arc<Counts>) {
    while let Some(message) = message(&mut from).await {
        if message.operation == SEARCH {
            counts.searches.fetch_add(1, Ordering::Relaxed);
        }
        if to.write_all(&message.bytes).await.is_err() {
            return;
        }
    }
}

async fn pass_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counts: Arc<Counts>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        counts.bytes.fetch_add(length, Ordering::Relaxed);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// A message of a client.
struct Message {
    /// All of it.
    bytes: Vec<u8>,
    /// The tag of what it asks for, after its number.
    operation: u8,
}

/// The next message; `None` at the end.
async fn message(from: &mut OwnedReadHalf) -> Option<Message> {
    let mut bytes = vec![0; 2];
    from.read_exact(&mut bytes).await.ok()?;
    let length = match bytes[1] {
        short @ ..0x80 => usize::from(short),
        long => {
            bytes.resize(2 + usize::from(long & 0x7f), 0);
            from.read_exact(&mut bytes[2..]).await.ok()?;
            bytes[2..].iter().fold(0, |length, byte| (length << 8) | usize::from(*byte))
        }
    };
    let start = bytes.len();
    bytes.resize(start + length, 0);
    from.read_exact(&mut bytes[start..]).await.ok()?;
    let number = usize::from(bytes[start + 1]);
    Some(Message { operation: bytes[start + 2 + number], bytes })
}
