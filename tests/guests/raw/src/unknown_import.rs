//! Imports an interface that Baton does not have. Expected: not loaded; the message names `nobody:oracle/oracle@1.0.0`
//! and what a router may import.

use anyhow::Result;

const WORLD: &str = "
package nobody:oracle@1.0.0;
interface oracle {
    foresee: func(question: u32) -> u32;
}
world seer {
    import oracle;
    include baton:router/router@0.1.0;
}";

const IMPORT: &str =
    r#"(import "nobody:oracle/oracle@1.0.0" "foresee" (func $foresee (param i32) (result i32)))"#;

const BODY: &str = "
    i32.const 1
    call $foresee";

pub fn module() -> Result<Vec<u8>> {
    let text = include_str!("router.wat").replace(";; IMPORTS", IMPORT).replace(";; BODY", BODY);
    crate::typed(&text, Some(WORLD))
}
