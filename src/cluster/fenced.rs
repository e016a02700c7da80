//! Connections that send nothing while a fence is closed.
//!
//! Between the decision to write and the first byte on the wire lie a queue, perhaps a new
//! connection, and however long the process did not run. So the fence is looked at where bytes are
//! handed to the kernel, and the kernel gives them up when they cannot be delivered in time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use tower::Service;

use super::lease::Fence;

/// Connects by TCP; see the module.
#[derive(Clone)]
pub struct FencedConnector {
    tcp: HttpConnector,
    fence: Fence,
}

impl FencedConnector {
    /// Connections behind a fence. What they have sent is given up when the other side has not
    /// acknowledged it within `delivery`.
    #[must_use]
    pub fn new(fence: Fence, delivery: Option<Duration>) -> Self {
        let mut tcp = HttpConnector::new();
        // TLS comes on top.
        tcp.enforce_http(false);
        // Otherwise the first request of a connection waits for 40 ms behind the end of the TLS handshake,
        // until the other side acknowledges that.
        tcp.set_nodelay(true);
        tcp.set_tcp_user_timeout(delivery);
        Self { tcp, fence }
    }
}

impl Service<Uri> for FencedConnector {
    type Response = Fenced<<HttpConnector as Service<Uri>>::Response>;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.tcp, context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let fence = self.fence.clone();
        Service::call(&mut self.tcp, address).map_ok(|inner| Fenced { inner, fence }).boxed()
    }
}

/// A connection behind a fence.
pub struct Fenced<T> {
    inner: T,
    fence: Fence,
}

impl<T> Fenced<T> {
    fn check(&self) -> io::Result<()> {
        if self.fence.is_open() {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "the lease is not held, so nothing is sent"))
    }
}

impl<T: Read + Unpin> Read for Fenced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Fenced<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_write_vectored(context, parts)
    }
}

impl<T: Connection> Connection for Fenced<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn nothing_is_sent_once_the_fence_is_closed_not_even_on_a_connection_that_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let fence = Fence::open();
        let mut connector = FencedConnector::new(fence.clone(), Some(Duration::from_secs(1)));
        let connection = Service::call(&mut connector, address).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut connection = TokioIo::new(connection);
        connection.write_all(b"before").await.unwrap();
        fence.close();
        assert!(connection.write_all(b"after").await.is_err());
        drop(connection);
        let mut received = Vec::new();
        peer.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"before");
    }
}
