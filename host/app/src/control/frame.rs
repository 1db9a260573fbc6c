//! Frames: four bytes that say how long it is, the highest first, and as much JSON. A hello ends in a newline, so that
//! a host from before frames, which reads lines, answers it as well.

use std::io::{Read, Write};

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use baton_core::command;

/// The most bytes of a frame: a command, and the words around it.
pub(super) const LONGEST: usize = command::MAX_BYTES + 1024;
/// A frame up to this size is small: reading one needs no leave.
pub(super) const SMALL: usize = 64 << 10;
/// What a peer from before frames begins with: a JSON object in a line of its own.
const OLD: u8 = b'{';

/// What a peer begins its next message with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// A frame of this length in bytes, at most [`LONGEST`].
    Frame(usize),
    /// More than [`LONGEST`].
    TooLong(usize),
    /// The peer is from before frames.
    Old,
}

impl Head {
    fn of(bytes: [u8; 4]) -> Self {
        let length = u32::from_be_bytes(bytes) as usize;
        match bytes[0] {
            OLD => Self::Old,
            _ if length > LONGEST => Self::TooLong(length),
            _ => Self::Frame(length),
        }
    }
}

/// A message with its length before it.
pub(super) fn of(message: &impl Serialize, end: &str) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    frame.extend_from_slice(end.as_bytes());
    let length = u32::try_from(frame.len() - 4).map_err(std::io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

pub(super) async fn head(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Head> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes).await?;
    Ok(Head::of(bytes))
}

/// The rest of a frame. Memory is taken as its bytes come, not as its head promises.
pub(super) async fn body(from: &mut (impl AsyncRead + Unpin), length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(length as u64).read_to_end(&mut bytes).await?;
    if read == length { Ok(bytes) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads what is left of a line, of one that is not long.
pub(super) async fn rest_of_line(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let mut bytes = [0; 1024];
    for _ in 0..SMALL / bytes.len() {
        let read = from.read(&mut bytes).await?;
        if read == 0 || bytes[..read].contains(&b'\n') {
            break;
        }
    }
    Ok(())
}

/// The same for a client, which may wait.
pub(super) fn read(from: &mut impl Read) -> std::io::Result<(Head, Vec<u8>)> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    let head = Head::of(bytes);
    let Head::Frame(length) = head else { return Ok((head, Vec::new())) };
    let mut bytes = Vec::new();
    let read = from.take(length as u64).read_to_end(&mut bytes)?;
    if read == length { Ok((head, bytes)) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

pub(super) fn write(to: &mut impl Write, message: &impl Serialize, end: &str) -> std::io::Result<()> {
    to.write_all(&of(message, end)?)
}
