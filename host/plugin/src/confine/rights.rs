//! What root may do beyond its own files: kept is what a program in a container has, without devices, raw sockets and
//! other roots. The rest would let it look into and change other processes, and the machine.

use std::io;

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

pub(super) fn drop() -> io::Result<()> {
    let kept = CapabilitySet::CHOWN
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::FOWNER
        | CapabilitySet::FSETID
        | CapabilitySet::KILL
        | CapabilitySet::SETGID
        | CapabilitySet::SETUID
        | CapabilitySet::SETPCAP
        | CapabilitySet::SETFCAP
        | CapabilitySet::NET_BIND_SERVICE;
    let has = capabilities(None)?;
    // Without new privileges, which Landlock rules out, a program has no more than this process.
    let left = CapabilitySets {
        effective: has.effective & kept,
        permitted: has.permitted & kept,
        inheritable: has.inheritable & kept,
    };
    Ok(set_capabilities(None, left)?)
}
