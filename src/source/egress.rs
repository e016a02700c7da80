//! Where the operator connects on behalf of a Directory, and where it does not.
//!
//! Who may write a Directory chooses the host, and the operator's pod may reach what they may not:
//! its own loopback, the node's metadata service, the apiserver. So every address of a host is
//! looked at, and the connection goes to an address that was looked at: a name that resolves to
//! something else a moment later leads nowhere.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use tokio::net::TcpStream;

use super::SourceError;

/// Which addresses may be connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress(Option<Arc<Limits>>);

#[derive(Debug, PartialEq, Eq)]
struct Limits {
    allowed: Vec<IpNet>,
    cluster: Cluster,
}

/// What belongs to the cluster that the operator runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The apiserver's address.
    pub api_server: Option<IpAddr>,
    /// The networks of its pods and Services, as far as they are known.
    pub networks: Vec<IpNet>,
}

/// What an address is that nobody's directory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 127.0.0.0/8, `::1`: the pod itself.
    Loopback,
    /// 0.0.0.0, `::`: the pod itself, too.
    Unspecified,
    /// 169.254.0.0/16, `fe80::/10`: the node and its metadata service.
    LinkLocal,
    /// `fd00:ec2::254` and the like: a metadata service.
    Metadata,
    /// 224.0.0.0/4, `ff00::/8`, 255.255.255.255.
    Group,
    /// The apiserver.
    ApiServer,
    /// A pod or Service of the cluster.
    Cluster,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Unspecified => "an unspecified address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a metadata service",
            Self::Group => "a multicast or broadcast address",
            Self::ApiServer => "the apiserver's address",
            Self::Cluster => "an address in the cluster's own networks",
        })
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Unreached {
    /// The name cannot be resolved.
    Unknown,
    /// No address of the host may be connected to.
    Refused(Refused),
    /// The network says no.
    Failed(io::Error),
}

impl Unreached {
    /// Why in words, but for a host that is refused, which tells for itself.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn why(self) -> Result<&'static str, Refused> {
        Ok(match self {
            Self::Refused(refused) => return Err(refused),
            Self::Unknown => "its name cannot be resolved",
            Self::Failed(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => "nothing listens there",
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    "there is no route to it"
                }
                io::ErrorKind::TimedOut => "it does not answer",
                _ => "the network refuses the connection",
            },
        })
    }
}

/// A host that may not be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is {kind}, where the operator does not connect on behalf of a Directory; if a directory is really there, \
     have the operator allow it (--allow-address, the chart's value operator.allowAddresses)"
)]
pub struct Refused {
    /// The host as the settings have it.
    pub host: String,
    /// What its address is.
    pub kind: Kind,
}

impl From<Refused> for SourceError {
    fn from(refused: Refused) -> Self {
        Self::misconfigured(refused.to_string())
    }
}

impl Egress {
    /// Connects anywhere: for a program that runs with the rights of who wrote the settings.
    #[must_use]
    pub const fn anywhere() -> Self {
        Self(None)
    }

    /// Connects to directories only: not to the pod itself, its node, or the addresses of the
    /// `cluster`, but for those that are `allowed`.
    #[must_use]
    pub fn guarded(allowed: Vec<IpNet>, cluster: Cluster) -> Self {
        Self(Some(Arc::new(Limits { allowed, cluster })))
    }

    /// The addresses of a host that may be connected to.
    ///
    /// # Errors
    /// [`Unreached::Unknown`] or [`Unreached::Refused`].
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
        let found = tokio::net::lookup_host((host, port)).await.map_err(|_| Unreached::Unknown)?;
        self.choose(host, found).map_err(Unreached::Refused)
    }

    /// Connects to the first address of a host that may be connected to and answers.
    ///
    /// # Errors
    /// See [`Unreached`].
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Unreached> {
        let addresses = self.resolve(host, port).await?;
        TcpStream::connect(addresses.as_slice()).await.map_err(Unreached::Failed)
    }

    /// Those of a host's addresses that may be connected to.
    fn choose(
        &self,
        host: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Refused> {
        let (mut chosen, mut refused) = (Vec::new(), None);
        for address in found {
            match self.refuses(address.ip()) {
                None => chosen.push(address),
                Some(kind) => refused = Some(kind),
            }
        }
        match refused.filter(|_| chosen.is_empty()) {
            Some(kind) => Err(Refused { host: host.to_owned(), kind }),
            None => Ok(chosen),
        }
    }

    /// What an address is, if it may not be connected to.
    #[must_use]
    pub fn refuses(&self, address: IpAddr) -> Option<Kind> {
        let limits = self.0.as_ref()?;
        let address = embedded(address);
        if limits.allowed.iter().any(|network| network.contains(&address)) {
            return None;
        }
        let Cluster { api_server, networks } = &limits.cluster;
        match special(address) {
            _ if *api_server == Some(address) => Some(Kind::ApiServer),
            None if networks.iter().any(|network| network.contains(&address)) => Some(Kind::Cluster),
            kind => kind,
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped (RFC 4291 section 2.5.5.2), or by the
/// prefixes of NAT64 that everybody knows (RFC 6052) or that are for local use (RFC 8215).
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    match v6.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0 | 1, 0, 0, 0, 0, 0, 0, a, b, c, d] => {
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address,
    }
}

/// The metadata services of Amazon and Google by IPv6, and of Alibaba and Oracle by IPv4. The usual
/// 169.254.169.254 is link-local.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

fn special(address: IpAddr) -> Option<Kind> {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    // All of 0.0.0.0/8 is "this host" (RFC 6890).
    let this_host = matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 0);
    match address {
        _ if address.is_loopback() => Some(Kind::Loopback),
        _ if address.is_unspecified() || this_host => Some(Kind::Unspecified),
        _ if link_local => Some(Kind::LinkLocal),
        _ if METADATA.contains(&address) => Some(Kind::Metadata),
        _ if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) => Some(Kind::Group),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(allowed: &[&str]) -> Egress {
        let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
        let networks = vec!["10.96.0.0/12".parse().unwrap(), "fd00:10::/48".parse().unwrap()];
        Egress::guarded(allowed, Cluster { api_server: Some("10.96.0.1".parse().unwrap()), networks })
    }

    fn refuses(egress: &Egress, address: &str) -> Option<Kind> {
        egress.refuses(address.parse().unwrap())
    }

    #[test]
    fn the_pod_the_node_and_the_cluster_are_refused_in_every_spelling() {
        for (address, kind) in [
            ("127.0.0.1", Kind::Loopback),
            ("127.8.9.1", Kind::Loopback),
            ("::1", Kind::Loopback),
            ("::ffff:127.0.0.1", Kind::Loopback),
            ("64:ff9b::7f00:1", Kind::Loopback),
            ("0.0.0.0", Kind::Unspecified),
            ("0.1.2.3", Kind::Unspecified),
            ("::", Kind::Unspecified),
            ("169.254.169.254", Kind::LinkLocal),
            ("64:ff9b::a9fe:a9fe", Kind::LinkLocal),
            ("64:ff9b:1::a9fe:a9fe", Kind::LinkLocal),
            ("::ffff:169.254.169.254", Kind::LinkLocal),
            ("fe80::1", Kind::LinkLocal),
            ("febf::1", Kind::LinkLocal),
            ("fd00:ec2::254", Kind::Metadata),
            ("fd20:ce::254", Kind::Metadata),
            ("100.100.100.200", Kind::Metadata),
            ("192.0.0.192", Kind::Metadata),
            ("224.0.0.1", Kind::Group),
            ("ff02::1", Kind::Group),
            ("255.255.255.255", Kind::Group),
            ("10.96.0.1", Kind::ApiServer),
            ("::ffff:10.96.0.1", Kind::ApiServer),
            ("10.96.7.7", Kind::Cluster),
            ("::ffff:10.96.7.7", Kind::Cluster),
            ("fd00:10::7", Kind::Cluster),
        ] {
            assert_eq!(refuses(&guarded(&[]), address), Some(kind), "{address}");
            assert_eq!(refuses(&Egress::anywhere(), address), None, "{address}");
        }
    }

    #[test]
    fn directories_live_in_private_and_in_public_networks() {
        for address in
            ["10.1.2.3", "172.16.0.9", "192.168.1.1", "100.64.0.1", "203.0.113.7", "fd12::1", "2001:db8::1"]
        {
            assert_eq!(refuses(&guarded(&[]), address), None, "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_allowed_in_every_spelling_and_nothing_else() {
        let egress = guarded(&["127.0.0.0/8", "10.96.7.7/32"]);
        for address in ["127.0.0.1", "::ffff:127.0.0.1", "10.96.7.7"] {
            assert_eq!(refuses(&egress, address), None, "{address}");
        }
        assert_eq!(refuses(&egress, "10.96.7.8"), Some(Kind::Cluster));
        assert_eq!(refuses(&egress, "10.96.0.1"), Some(Kind::ApiServer));
        assert_eq!(refuses(&guarded(&["10.96.0.1/32"]), "10.96.0.1"), None);
        assert_eq!(refuses(&egress, "::1"), Some(Kind::Loopback));
        assert_eq!(refuses(&egress, "169.254.169.254"), Some(Kind::LinkLocal));
    }

    #[test]
    fn of_a_name_with_several_addresses_only_those_that_may_be_are_connected_to() {
        let addresses = |texts: &[&str]| {
            texts.iter().map(|text| text.parse::<SocketAddr>().unwrap()).collect::<Vec<_>>().into_iter()
        };
        let egress = guarded(&[]);
        let chosen = egress.choose("ldap.acme.example", addresses(&["127.0.0.1:636", "10.0.0.1:636"]));
        assert_eq!(chosen.unwrap(), addresses(&["10.0.0.1:636"]).collect::<Vec<_>>());
        let refused = egress.choose("ldap.acme.example", addresses(&["[::1]:636"])).unwrap_err();
        let sentence = refused.to_string();
        assert!(sentence.starts_with("ldap.acme.example is a loopback address"), "{sentence}");
        assert!(sentence.contains("operator.allowAddresses"), "{sentence}");
    }
}
