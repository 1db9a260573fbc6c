//! HTTP exchanges whose response is read as it arrives.

use super::http::{self, HttpError, Request};
use super::progress;
use crate::words::Attr;

/// Bytes between two progress reports.
const REPORT_BYTES: usize = 500;

/// Receives a response in pieces.
pub trait Listener {
    /// Called first, with the HTTP status and the headers.
    fn head(&mut self, status: u16, headers: Vec<Attr>);

    /// Called with the next bytes of the body. Returns whether to read on.
    fn chunk(&mut self, bytes: &[u8]) -> bool;

    /// The text of a progress report after `read` bytes.
    fn sign(&self, read: usize) -> String;
}

/// Sends a request and passes the response to the listener, reporting progress.
///
/// # Errors
/// The request failed, the response broke off, or the attempt was stopped.
pub fn converse(request: &Request, listener: &mut impl Listener) -> Result<(), HttpError> {
    let response = http::send(request)?;
    listener.head(response.status(), response.headers());
    let (mut read, mut reported) = (0, None);
    while let Some(bytes) = response.read()? {
        read += bytes.len();
        if !listener.chunk(&bytes) {
            break;
        }
        if reported.is_none_or(|reported| read - reported >= REPORT_BYTES) {
            progress::report(&listener.sign(read), None).map_err(|_| HttpError::Stopped)?;
            reported = Some(read);
        }
    }
    Ok(())
}

/// Status and whole body of a small response.
///
/// # Errors
/// The request failed, the response broke off, or the attempt was stopped.
pub fn fetch(request: &Request) -> Result<(u16, Vec<u8>), HttpError> {
    let response = http::send(request)?;
    let mut body = Vec::new();
    while let Some(bytes) = response.read()? {
        body.extend(bytes);
    }
    Ok((response.status(), body))
}
