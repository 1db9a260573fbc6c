//! A request and its response, read as it comes.

use super::http::{self, HttpError, Request};
use super::progress;
use crate::words::Attr;

/// How many bytes come between two signs of life.
const REPORT_BYTES: usize = 500;

/// Who is fed with a response.
pub trait Listener {
    fn head(&mut self, status: u16, headers: Vec<Attr>);

    /// Whether more bytes are wanted.
    fn chunk(&mut self, bytes: &[u8]) -> bool;

    /// The words of a sign of life, after so many bytes.
    fn sign(&self, read: usize) -> String;
}

/// Sends a request and feeds what comes of it to the listener, with signs of life on the way.
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

/// The whole of a small response.
pub fn fetch(request: &Request) -> Result<(u16, Vec<u8>), HttpError> {
    let response = http::send(request)?;
    let mut body = Vec::new();
    while let Some(bytes) = response.read()? {
        body.extend(bytes);
    }
    Ok((response.status(), body))
}
