//! Grows a table until it can't. Expected: the table stops at the limit, the guest traps, the host decides.

use anyhow::Result;

const MORE: &str = "(table $hoard 1 funcref)";

const BODY: &str = "
    loop $more
      ref.null func
      i32.const 65536
      table.grow $hoard
      i32.const -1
      i32.ne
      br_if $more
    end
    unreachable";

pub fn module() -> Result<Vec<u8>> {
    crate::router(MORE, "", BODY)
}
