//! Stands in for the randomness that hash maps of the JSON Schema crate are seeded with. A guest has none, and nothing
//! that comes out of those maps depends on it.

#![expect(unsafe_code, reason = "the signature is that of getrandom")]

use getrandom::Error;

/// The name and type that getrandom 0.3 demands of a custom backend.
///
/// # Safety
///
/// `len` bytes at `dest` are written.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(dest: *mut u8, len: usize) -> Result<(), Error> {
    // SAFETY: the caller owns these bytes.
    unsafe { dest.write_bytes(0x5a, len) };
    Ok(())
}
