//! Which addresses a request may go to. Judged after the name was resolved, so that no name can point inwards.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What lies at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The open internet.
    Public,
    /// This machine or a network that is not routed: only for a service with `private = true`.
    Private,
    /// Nothing that a service may be: the metadata of a cloud, a group, nobody.
    Never,
}

/// By the IANA registries of special-purpose addresses (RFC 6890 and what followed).
#[must_use]
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// Where Azure's virtual machines find their host.
const AZURE_WIRE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// Alibaba's metadata.
const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
/// Oracle's metadata.
const ORACLE: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 192);
/// Amazon's metadata.
const AMAZON: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    let never = address.is_link_local()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_broadcast()
        || address == AZURE_WIRE
        || address == ALIBABA
        || address == ORACLE
        || a == 0
        || a >= 240;
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (b == 18 || b == 19);
    let assignments = (a, b, c) == (192, 0, 0);
    match () {
        () if never => Reach::Never,
        () if address.is_loopback() || address.is_private() || shared || benchmark || assignments => {
            Reach::Private
        }
        () if address.is_documentation() => Reach::Never,
        () => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    if let Some(inner) = embedded(address) {
        return reach_v4(inner);
    }
    let link_local = segments[0] & 0xffc0 == 0xfe80;
    let unique_local = segments[0] & 0xfe00 == 0xfc00;
    match () {
        () if address.is_loopback() => Reach::Private,
        () if address.is_unspecified() || address.is_multicast() || link_local || address == AMAZON => {
            Reach::Never
        }
        () if unique_local => Reach::Private,
        () if segments[0] & 0xe000 != 0x2000 => Reach::Never,
        () => Reach::Public,
    }
}

/// The IPv4 address inside: mapped, translated (NAT64) or tunnelled (6to4).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_the_registries_say() {
        let all = |reach_expected, texts: &[&str]| {
            for text in texts {
                assert_eq!(reach(text.parse().unwrap()), reach_expected, "{text}");
            }
        };
        all(Reach::Public, &["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]);
        all(
            Reach::Private,
            &[
                "127.0.0.1",
                "10.1.2.3",
                "172.31.0.1",
                "192.168.0.1",
                "100.64.0.1",
                "::1",
                "fd12::1",
                "::ffff:10.0.0.1",
                "2002:7f00:1::",
            ],
        );
        all(
            Reach::Never,
            &[
                "169.254.169.254",
                "::ffff:169.254.169.254",
                "64:ff9b::a9fe:a9fe",
                "0.0.0.0",
                "::",
                "255.255.255.255",
                "224.0.0.1",
                "fe80::1",
                "fd00:ec2::254",
                "100.100.100.200",
                "168.63.129.16",
                "192.0.2.1",
                "ff02::1",
            ],
        );
    }
}
