//! Reads files that people name, up to a limit: a device or a log in the place of a plan must not fill the memory.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Maximum size of a plan's file, in bytes.
pub const MAX_PLAN: u64 = 64 << 20;
/// Maximum size of a file of settings, in bytes.
pub const MAX_SETTINGS: u64 = 4 << 20;

/// The content of a file of at most `most` bytes.
///
/// # Errors
/// It can't be read, or is larger; the text then names the limit.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if read as u64 > most {
        return Err(Error::other(format!("it is larger than {}", shown(most))));
    }
    Ok(bytes)
}

/// The same for a text.
///
/// # Errors
/// As for [`read`], and if it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    let bytes = read(path, most)?;
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn shown(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib => format!("{mib} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_read_up_to_the_limit() {
        let refused = read(Path::new("/dev/zero"), 64 << 10).expect_err("it never ends");
        assert_eq!(refused.to_string(), "it is larger than 64 KiB");
        assert_eq!(read_text(Path::new("/dev/null"), 0).expect("it is empty"), "");
    }
}
