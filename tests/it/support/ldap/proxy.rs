//! A TCP proxy on loopback that goes wrong on purpose, and a server that answers what it is told.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
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

/// Answers whatever comes first with these bytes, and keeps the connection.
pub async fn saying(bytes: Vec<u8>) -> Listener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let _ = client.read(&mut [0; 4096]).await;
                let _ = client.write_all(&bytes).await;
                // Until the other side goes.
                let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
            });
        }
    });
    Listener { port, task }
}
