//! The connection to a directory server: reached, encrypted, bound once, closed.

mod answer;
pub mod ber;
mod certificate;
mod connect;
mod envelope;
mod guard;
mod link;
mod messages;
mod session;
mod tls;

pub use answer::{Answer, Finished, Reply};
pub use connect::{Endpoint, Security, Wording};
pub use messages::{EntryId, Info, State, control, paging_cookie, sync_done};
pub use session::{Credentials, Query, Session};
pub use tls::Trust;
