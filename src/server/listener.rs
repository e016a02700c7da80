//! Listens on an address, and on all of IPv4 where all of IPv4 and IPv6 is wanted but there is no IPv6.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// Listens on an address. `[::]` takes connections of IPv4 too.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    bind_with(address, TcpListener::bind).await
}

async fn bind_with<L>(
    address: SocketAddr,
    listen: impl AsyncFn(SocketAddr) -> std::io::Result<L>,
) -> std::io::Result<L> {
    let everywhere = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match listen(address).await {
        // A node without IPv6 says so in several ways. A taken port is taken for IPv4 too.
        Err(error) if everywhere && error.kind() != ErrorKind::AddrInUse => {
            listen((Ipv4Addr::UNSPECIFIED, address.port()).into()).await
        }
        listening => listening,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use tokio::net::TcpStream;

    use super::*;

    /// The address that is listened on in the end, when IPv6 fails with this.
    async fn without_ipv6(wanted: &str, failure: ErrorKind) -> Result<String, ErrorKind> {
        let listen = async |address: SocketAddr| {
            if address.is_ipv6() { Err(Error::from(failure)) } else { Ok(address.to_string()) }
        };
        bind_with(wanted.parse().unwrap(), listen).await.map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn without_ipv6_all_addresses_are_those_of_ipv4() {
        for failure in [ErrorKind::AddrNotAvailable, ErrorKind::Unsupported, ErrorKind::Other] {
            assert_eq!(without_ipv6("[::]:8080", failure).await, Ok("0.0.0.0:8080".to_owned()));
        }
    }

    #[tokio::test]
    async fn another_address_and_a_taken_port_get_no_substitute() {
        let missing = ErrorKind::AddrNotAvailable;
        assert_eq!(without_ipv6("[::1]:8080", missing).await, Err(missing));
        assert_eq!(without_ipv6("[::]:8080", ErrorKind::AddrInUse).await, Err(ErrorKind::AddrInUse));
    }

    #[tokio::test]
    async fn all_addresses_take_connections_of_ipv4() {
        let listener = bind("[::]:0".parse().unwrap()).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    }
}
