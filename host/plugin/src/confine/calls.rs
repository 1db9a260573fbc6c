//! Filters system calls with seccomp: sockets, and calls that only an administrator needs. Denied calls fail with EACCES.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::Net;

/// Domains, types and protocols of socket(2).
const UNIX: u64 = libc::AF_UNIX as u64;
const INET: u64 = libc::AF_INET as u64;
const INET6: u64 = libc::AF_INET6 as u64;
/// Name lookup asks for this machine's addresses through netlink.
const NETLINK: u64 = libc::AF_NETLINK as u64;
const STREAM: u64 = libc::SOCK_STREAM as u64;
const DATAGRAM: u64 = libc::SOCK_DGRAM as u64;
const TCP: u64 = libc::IPPROTO_TCP as u64;
/// The bits of the type argument that hold the type; the others are flags.
const TYPE: u64 = 0xf;
const DNS: u16 = 53;

/// Calls that are always denied. io_uring opens sockets past the filter, and open_by_handle_at opens files past the path
/// rules; the others change the machine, should the program run as root.
const NEVER: [libc::c_long; 26] = [
    libc::SYS_io_uring_setup,
    libc::SYS_open_by_handle_at,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    // This user's keys in the kernel's keyring.
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
];

/// Applies the filter. False if seccomp filters can't be built for this architecture.
pub(super) fn filter(net: &Net, unix_sockets: bool) -> io::Result<bool> {
    let Ok(target) = TargetArch::try_from(std::env::consts::ARCH) else { return Ok(false) };
    let program = program(net, unix_sockets, target).map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)?;
    Ok(true)
}

fn program(
    net: &Net,
    unix_sockets: bool,
    target: TargetArch,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    // Both put keystrokes into a terminal.
    let push = [libc::TIOCSTI, libc::TIOCLINUX];
    let push = push.into_iter().map(|request| SeccompRule::new(vec![is(1, request)?]));
    rules.insert(libc::SYS_ioctl, push.collect::<Result<_, _>>()?);
    if let Net::Ports(_) = net {
        // TCP Fast Open connects while sending, which Landlock does not check on every kernel.
        let (level, option) = (is(1, TCP)?, is(2, libc::TCP_FASTOPEN_CONNECT as u64)?);
        rules.insert(libc::SYS_setsockopt, vec![SeccompRule::new(vec![level, option])?]);
        let flag = libc::MSG_FASTOPEN as u64;
        for (call, argument) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
            let operator = SeccompCmpOp::MaskedEq(flag);
            let sets = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, flag)?;
            rules.insert(call, vec![SeccompRule::new(vec![sets])?]);
        }
    }
    // Limits and priorities of other processes, such as the host; those of the caller itself (0) are allowed.
    for (call, argument) in [(libc::SYS_prlimit64, 0), (libc::SYS_setpriority, 1), (libc::SYS_ioprio_set, 1)]
    {
        rules.insert(call, vec![SeccompRule::new(vec![is_not(argument, 0)?])?]);
    }
    let sockets = sockets(net, unix_sockets)?;
    if !sockets.is_empty() {
        rules.insert(libc::SYS_socket, sockets);
    }
    let refusal = SeccompAction::Errno(libc::EACCES as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, target)?.try_into()
}

/// The calls of socket(2) that are denied.
fn sockets(net: &Net, unix_sockets: bool) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let mut refused = Vec::new();
    if !unix_sockets {
        refused.push(SeccompRule::new(vec![is(0, UNIX)?])?);
    }
    match net {
        Net::Any => {}
        Net::None => refused.push(SeccompRule::new(vec![is_not(0, UNIX)?])?),
        Net::Ports(ports) => {
            let others = [UNIX, INET, INET6, NETLINK].into_iter().map(|domain| is_not(0, domain));
            refused.push(SeccompRule::new(others.collect::<Result<_, _>>()?)?);
            for domain in [INET, INET6] {
                // Landlock checks TCP only, so other stream protocols are denied.
                refused.push(SeccompRule::new(vec![
                    is(0, domain)?,
                    is_of_type(STREAM)?,
                    is_not(2, 0)?,
                    is_not(2, TCP)?,
                ])?);
                for other in (1..=TYPE).filter(|kind| *kind != STREAM) {
                    if other != DATAGRAM || !ports.contains(&DNS) {
                        refused.push(SeccompRule::new(vec![is(0, domain)?, is_of_type(other)?])?);
                    }
                }
            }
        }
    }
    Ok(refused)
}

type Condition = Result<SeccompCondition, seccompiler::BackendError>;

fn is(argument: u8, value: u64) -> Condition {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn is_not(argument: u8, value: u64) -> Condition {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value)
}

fn is_of_type(kind: u64) -> Condition {
    SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(TYPE), kind)
}
