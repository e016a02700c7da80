//! Stands between the server and the LDAP library: passes on only messages that are well formed
//! and of bounded size, and never more of them than have been asked for, so that no server can
//! exhaust the memory or the stack of this program.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use super::ber::{self, Flaw, tag};
use super::envelope;

/// The largest message taken from a server: a group of about 400,000 members.
pub const MAX_MESSAGE_BYTES: usize = 32 * 1024 * 1024;

/// How much is read from the server at once.
const READ_BYTES: usize = 64 * 1024;

/// Why no more messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The server closed the connection.
    Closed,
    /// The server said that it closes the connection, with this result code.
    Announced(u32),
    /// The network failed.
    Network(ErrorKind),
    /// A message is larger than [`MAX_MESSAGE_BYTES`].
    TooLarge,
    /// A message is not what RFC 4511 allows.
    Malformed,
}

/// What is between the reader of the network and the taker of messages: a budget of bytes.
#[derive(Debug)]
pub struct Flow {
    budget: Semaphore,
    admitted: Mutex<VecDeque<u32>>,
    ending: Mutex<Option<Ending>>,
    signs_in: bool,
}

impl Flow {
    /// The whole budget; `signs_in` says whether the first request is to sign in.
    pub fn new(signs_in: bool) -> Self {
        Self {
            budget: Semaphore::new(MAX_MESSAGE_BYTES),
            admitted: Mutex::default(),
            ending: Mutex::default(),
            signs_in,
        }
    }

    /// Gives back the budget of the oldest message that was passed on: it has been taken.
    pub fn taken(&self) {
        if let Some(size) = lock(&self.admitted).pop_front() {
            self.budget.add_permits(size as usize);
        }
    }

    /// Why no more messages come, once that is so.
    pub fn ending(&self) -> Option<Ending> {
        *lock(&self.ending)
    }

    fn end(&self, ending: Ending) {
        lock(&self.ending).get_or_insert(ending);
    }

    fn try_admit(&self, size: u32) -> bool {
        let Ok(permit) = self.budget.try_acquire_many(size) else { return false };
        permit.forget();
        lock(&self.admitted).push_back(size);
        true
    }

    async fn admit(&self, size: u32) {
        if let Ok(permit) = self.budget.acquire_many(size).await {
            permit.forget();
        }
        lock(&self.admitted).push_back(size);
    }
}

/// A panic while the lock was held leaves a queue of numbers, which is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carries bytes both ways until one side closes.
pub async fn carry(server: impl AsyncRead + AsyncWrite, library: UnixStream, flow: &Flow) {
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut from_library, mut to_library) = library.into_split();
    let requests = async {
        // The outcome is the same whether the library closed or the server stopped reading: the
        // other direction knows why.
        let _ = tokio::io::copy(&mut from_library, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    let answers = async {
        let ending = pass_answers(&mut from_server, &mut to_library, flow).await;
        flow.end(ending);
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

/// Passes messages on until they end, and says why they did.
async fn pass_answers(
    server: &mut (impl AsyncRead + Unpin),
    library: &mut (impl AsyncWrite + Unpin),
    flow: &Flow,
) -> Ending {
    let mut buffer = Vec::new();
    loop {
        buffer.reserve(READ_BYTES);
        match server.read_buf(&mut buffer).await {
            Ok(0) => return Ending::Closed,
            Ok(_) => {}
            Err(error) => return Ending::Network(error.kind()),
        }
        let mut passed = 0;
        let mut checked = 0;
        let stop = loop {
            let size = match next_message(&buffer[checked..], flow.signs_in) {
                Ok(Some(size)) => size,
                Ok(None) => break None,
                Err(ending) => break Some(ending),
            };
            let permits = u32::try_from(size).unwrap_or(u32::MAX);
            if !flow.try_admit(permits) {
                // What is admitted has to go out first, else nobody could take it.
                if library.write_all(&buffer[passed..checked]).await.is_err() {
                    return Ending::Closed;
                }
                passed = checked;
                flow.admit(permits).await;
            }
            checked += size;
        };
        if library.write_all(&buffer[passed..checked]).await.is_err() {
            return Ending::Closed;
        }
        buffer.drain(..checked);
        if let Some(ending) = stop {
            return ending;
        }
    }
}

/// The size of the first message, when it is there as a whole and may be passed on.
fn next_message(bytes: &[u8], signs_in: bool) -> Result<Option<usize>, Ending> {
    let header = match ber::header(bytes) {
        Ok(header) => header,
        Err(Flaw::Short) => return Ok(None),
        Err(Flaw::Malformed) => return Err(Ending::Malformed),
    };
    if header.tag != tag::SEQUENCE {
        return Err(Ending::Malformed);
    }
    if header.total() > MAX_MESSAGE_BYTES {
        return Err(Ending::TooLarge);
    }
    let Some(message) = bytes.get(..header.total()) else { return Ok(None) };
    if !ber::well_formed(message) {
        return Err(Ending::Malformed);
    }
    let content = &message[header.own..];
    let (id, operation) = ber::expect(content, tag::INTEGER).ok_or(Ending::Malformed)?;
    if id.iter().all(|&byte| byte == 0) {
        return Err(Ending::Announced(result_code(operation).unwrap_or_default()));
    }
    if !envelope::is_answer(content, signs_in) {
        return Err(Ending::Malformed);
    }
    Ok(Some(header.total()))
}

/// The result code of a response (RFC 4511 section 4.1.9), whatever the response is to.
pub fn result_code(operation: &[u8]) -> Option<u32> {
    let (_, response, _) = ber::element(operation)?;
    ber::number(ber::expect(response, tag::ENUMERATED)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search result done with message id 1.
    const DONE: &[u8] = &[0x30, 0x0c, 0x02, 0x01, 0x01, 0x65, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00];

    #[test]
    fn a_whole_message_is_passed_and_a_part_waits() {
        assert_eq!(next_message(DONE, false), Ok(Some(DONE.len())));
        assert_eq!(next_message(&DONE[..DONE.len() - 1], false), Ok(None));
    }

    #[test]
    fn a_message_that_announces_gigabytes_is_refused_at_its_header() {
        assert_eq!(next_message(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], false), Err(Ending::TooLarge));
    }

    #[test]
    fn a_notice_of_disconnection_ends_the_connection_with_its_code() {
        let mut notice = DONE.to_vec();
        notice[4] = 0;
        notice[5] = 0x78;
        notice[9] = 52;
        assert_eq!(next_message(&notice, false), Err(Ending::Announced(52)));
    }

    #[test]
    fn a_message_that_the_library_would_panic_at_is_refused() {
        assert_eq!(next_message(&[0x30, 3, 2, 1, 1], false), Err(Ending::Malformed));
    }

    #[tokio::test]
    async fn no_more_is_passed_on_than_the_budget_allows_until_some_is_taken() {
        let flow = Flow { budget: Semaphore::new(2 * DONE.len()), ..Flow::new(false) };
        let answers = DONE.repeat(3);
        let mut server = answers.as_slice();
        let (mut library, mut taker) = tokio::io::duplex(1024);
        let pass = pass_answers(&mut server, &mut library, &flow);
        let take = async {
            let mut two = vec![0; 2 * DONE.len()];
            taker.read_exact(&mut two).await.unwrap();
            assert_eq!(lock(&flow.admitted).len(), 2);
            flow.taken();
            let mut third = vec![0; DONE.len()];
            taker.read_exact(&mut third).await.unwrap();
        };
        let (ending, ()) = tokio::join!(pass, take);
        assert_eq!(ending, Ending::Closed);
    }
}
