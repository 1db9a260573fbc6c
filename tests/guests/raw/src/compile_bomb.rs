//! Small to send, expensive to compile: loops in loops, all of which change all locals, so that a compiler has locals
//! times loops values to join. Expected: refused by a limit on size or complexity, or compiled within the limits on
//! time and memory that hold for compilation; other plugins go on meanwhile.

use std::fmt::Write;

use anyhow::Result;

/// A bomb that is felt: a few thousand bytes, a million joins.
pub fn module() -> Result<Vec<u8>> {
    sized(1000, 1000)
}

pub fn sized(locals: u32, loops: u32) -> Result<Vec<u8>> {
    let declared = format!("(local {})", "i32 ".repeat(locals as usize));
    crate::router("", &declared, &body(locals, loops)?)
}

/// The parameters of `route` have the first twelve places among the locals.
fn body(locals: u32, loops: u32) -> Result<String> {
    let mut text = "loop ".repeat(loops as usize);
    for local in 12..12 + locals {
        let other = 12 + (local - 11) % locals;
        writeln!(text, "local.get {other} i32.const 1 i32.add local.set {local}")?;
    }
    for level in 0..loops {
        writeln!(text, "local.get {} br_if 0 end", 12 + level % locals)?;
    }
    text.push_str("unreachable");
    Ok(text)
}
