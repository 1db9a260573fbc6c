//! Which addresses a request may go to. Checked after a name was resolved, so that no public name can point into a private
//! network (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// The open internet.
    Public,
    /// This machine or a private network: only for a service with `private = true`.
    Private,
    /// Never the address of a service: metadata of a cloud provider, multicast, unassigned.
    Never,
}

/// Classifies an address by the IANA special-purpose address registries (RFC 6890 and its updates).
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// Azure's platform address, as its virtual machines see it.
const AZURE_WIRE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// Alibaba's metadata.
const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
/// Oracle's metadata.
const ORACLE: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 192);
/// Amazon's metadata.
const AMAZON: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn classify_v4(address: Ipv4Addr) -> AddressClass {
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
        () if never => AddressClass::Never,
        () if address.is_loopback() || address.is_private() || shared || benchmark || assignments => {
            AddressClass::Private
        }
        () if address.is_documentation() => AddressClass::Never,
        () => AddressClass::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    let segments = address.segments();
    if let Some(inner) = embedded(address) {
        return classify_v4(inner);
    }
    let link_local = segments[0] & 0xffc0 == 0xfe80;
    let unique_local = segments[0] & 0xfe00 == 0xfc00;
    match () {
        () if address.is_loopback() => AddressClass::Private,
        () if address.is_unspecified() || address.is_multicast() || link_local || address == AMAZON => {
            AddressClass::Never
        }
        () if unique_local => AddressClass::Private,
        () if segments[0] & 0xe000 != 0x2000 => AddressClass::Never,
        () => AddressClass::Public,
    }
}

/// The IPv4 address inside of an IPv6 address: mapped, translated (NAT64) or tunnelled (6to4).
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
        let all = |expected, texts: &[&str]| {
            for text in texts {
                assert_eq!(classify(text.parse().unwrap()), expected, "{text}");
            }
        };
        all(
            AddressClass::Public,
            &["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"],
        );
        all(
            AddressClass::Private,
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
            AddressClass::Never,
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
