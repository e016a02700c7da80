//! The connection to a directory server: reached, encrypted, bound once, closed.

pub mod ber;
mod certificate;
mod connect;
mod guard;
mod messages;
mod session;
mod tls;

pub use connect::{Endpoint, Security};
pub use messages::{EntryId, Info, State, paging_cookie, sync_done};
pub use session::{Answer, Credentials, Query, Reply, Session};
pub use tls::Trust;
