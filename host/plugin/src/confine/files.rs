//! Restricts files, ports and signals with Landlock.

use std::io;
use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, Scope, path_beneath_rules,
};

use super::{Net, allow};

/// The newest ABI whose rights were reviewed for this file. An older kernel enforces those that it knows.
const VERSION: ABI = ABI::V9;

/// Restricts this process. Returns the ABI version that is enforced, 0 = none.
pub(super) fn restrict(
    read: &[PathBuf],
    write: &[PathBuf],
    net: &Net,
    own_terminals: bool,
) -> io::Result<u32> {
    let terminals = if own_terminals { &allow::TERMINALS[..] } else { &[] };
    let restricted = rules(read, write, net, terminals).map_err(io::Error::other)?;
    Ok(match restricted {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    })
}

fn rules(
    read: &[PathBuf],
    write: &[PathBuf],
    net: &Net,
    terminals: &[&str],
) -> Result<LandlockStatus, RulesetError> {
    let all = AccessFs::from_all(VERSION);
    let writing: BitFlags<AccessFs> = all & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir | AccessFs::IoctlDev;
    let mut rules = Ruleset::default().handle_access(all)?.scope(Scope::from_all(VERSION))?;
    if let Net::Ports(_) | Net::None = net {
        rules = rules.handle_access(AccessNet::ConnectTcp)?;
    }
    let mut created = rules
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(VERSION)))?
        .add_rules(path_beneath_rules(allow::DEVICES, device))?
        .add_rules(path_beneath_rules(terminals, device))?
        .add_rules(path_beneath_rules(write, writing))?;
    if let Net::Ports(ports) = net {
        for port in ports {
            created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
    }
    Ok(created.restrict_self()?.landlock)
}
