//! Answers with 65,536 factors whose names are all the same mebibyte: 64 GiB to copy out of a memory of 3 MiB.
//! Expected: the host stops copying at its limit, the answer is refused, the host decides.

use anyhow::Result;

/// The answer is at 16: `ok`, no decisions, the factors at 1 MiB, no state. A factor has 16 bytes: pointer and length of
/// its name, and its weight. The name is at 2 MiB: zeros, which are text.
const BODY: &str = "
    (drop (memory.grow (i32.const 47)))
    (i32.store (i32.const 28) (i32.const 0x100000))
    (i32.store (i32.const 32) (i32.const 65536))
    (local.set $factor (i32.const 0x100000))
    loop $more
      (i32.store (local.get $factor) (i32.const 0x200000))
      (i32.store offset=4 (local.get $factor) (i32.const 0x100000))
      (local.set $factor (i32.add (local.get $factor) (i32.const 16)))
      (br_if $more (i32.lt_u (local.get $factor) (i32.const 0x200000)))
    end
    i32.const 16";

pub fn module() -> Result<Vec<u8>> {
    crate::router("", "(local $factor i32)", BODY)
}
