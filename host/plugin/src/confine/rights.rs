//! Drops the Linux capabilities of a program that runs as root. Kept are those of a program in a container, without
//! devices, raw sockets and chroot; the others would let it inspect and change other processes and the machine.

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
    // Landlock sets no_new_privs, so a program that is executed can't regain them.
    let left = CapabilitySets {
        effective: has.effective & kept,
        permitted: has.permitted & kept,
        inheritable: has.inheritable & kept,
    };
    Ok(set_capabilities(None, left)?)
}
