//! A TCP proxy on loopback that goes wrong on purpose, and a server that answers what it is told.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens after the given number of bytes from the server.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Both sides are cut off.
    Cut(usize),
    /// Nothing is passed on any more, but the connection stays.
    Silence(usize),
}

/// A listener that ends with the test.
pub struct Listener {
    /// Where it listens, on loopback.
    pub port: u16,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes every connection on to a port of loopback, and what comes back in small pieces, one every
/// second.
pub async fn slow(to: u16) -> Listener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            tokio::spawn(trickle(client, server));
        }
    });
    Listener { port, task }
}

async fn trickle(client: TcpStream, server: TcpStream) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    };
    let answers = async {
        let mut piece = [0; 256];
        while let Ok(read @ 1..) = from_server.read(&mut piece).await {
            if to_client.write_all(&piece[..read]).await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

/// Passes every connection on to a port of loopback, until the fault.
pub async fn faulty(to: u16, fault: Fault) -> Listener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            tokio::spawn(pass(client, server, fault));
        }
    });
    Listener { port, task }
}

async fn pass(client: TcpStream, server: TcpStream, fault: Fault) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    };
    let answers = async {
        let (Fault::Cut(limit) | Fault::Silence(limit)) = fault;
        let _ = tokio::io::copy(&mut (&mut from_server).take(limit as u64), &mut to_client).await;
        if let Fault::Silence(_) = fault {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

/// A proxy whose connections stop after some bytes from the server, until it is let go.
pub struct Held {
    /// Where it listens.
    pub listener: Listener,
    free: watch::Sender<bool>,
}

impl Held {
    /// Passes on what was held back, and everything from now on.
    pub fn let_go(&self) {
        self.free.send_replace(true);
    }
}

/// Passes every connection on to a port of loopback, but holds each after so many bytes from the
/// server until [`Held::let_go`].
pub async fn held(to: u16, after: usize) -> Held {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (free, let_go) = watch::channel(false);
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            tokio::spawn(hold(client, server, after, let_go.clone()));
        }
    });
    Held { listener: Listener { port, task }, free }
}

async fn hold(client: TcpStream, server: TcpStream, after: usize, mut let_go: watch::Receiver<bool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    };
    let answers = async {
        let _ = tokio::io::copy(&mut (&mut from_server).take(after as u64), &mut to_client).await;
        // Who holds the other end may be gone: then so is the test.
        let _ = let_go.wait_for(|free| *free).await;
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

/// Answers whatever comes first with these bytes, and keeps the connection.
pub async fn saying(bytes: Vec<u8>) -> Listener {
    saying_in_turn(vec![bytes]).await
}

/// Answers the first request with the first of these, and so on, and keeps the connection.
pub async fn saying_in_turn(answers: Vec<Vec<u8>>) -> Listener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(async move {
                for answer in answers {
                    let _ = client.read(&mut [0; 4096]).await;
                    let _ = client.write_all(&answer).await;
                }
                // Until the other side goes.
                let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
            });
        }
    });
    Listener { port, task }
}
