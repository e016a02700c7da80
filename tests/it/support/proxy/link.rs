//! The network between an operator and the proxy's inside: bytes flow, stop, or the line is cut.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// They arrive.
    Whole,
    /// They arrive once it is whole again; connections stay, and new ones come about without a
    /// word.
    Stalled,
    /// Connections are cut, and new ones with them.
    Cut,
}

/// Passes connections on for ever.
pub async fn relay(outer: TcpListener, inside: SocketAddr, state: watch::Receiver<Link>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = outer.accept() => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(connect(client, inside, state.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(client: TcpStream, inside: SocketAddr, state: watch::Receiver<Link>) {
    let Ok(server) = TcpStream::connect(inside).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = state.clone();
    tokio::select! {
        () = pass(from_client, to_server, state.clone()) => {}
        () = pass(from_server, to_client, state) => {}
        _ = cut.wait_for(|link| *link == Link::Cut) => {}
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<Link>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        // It ends with the proxy.
        if state.wait_for(|link| *link == Link::Whole).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
