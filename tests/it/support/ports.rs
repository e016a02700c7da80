//! Loopback ports for servers that have to be told which one to take.

use std::net::TcpListener;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that Linux gives to outgoing connections and to whoever asks for any port
/// (`ip_local_port_range`, from 32768), so that no connection of a neighbouring test takes one
/// before its server does, or while its server is restarted.
const RANGE: Range<u32> = 20_000..32_000;

/// A port that nobody listens on now. This process hands each one out once.
pub fn free_port() -> u16 {
    static HANDED_OUT: AtomicU32 = AtomicU32::new(0);
    let size = RANGE.end - RANGE.start;
    // Processes that run side by side begin at places far from each other.
    let first = std::process::id().wrapping_mul(997);
    (0..size)
        .map(|_| RANGE.start + first.wrapping_add(HANDED_OUT.fetch_add(1, Ordering::Relaxed)) % size)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port below those of connections")
}
