//! A service: one far side that the operator allows to be asked, and what may be asked of it.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use crate::bindings::shared::baton::types::core::Attr;
use crate::capability::secret::Template;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    /// Scheme, host, port and the path below which everything is allowed.
    pub base: Url,
    /// Whether it may be on this machine or on a network that is not routed.
    pub private: bool,
    /// In upper case.
    pub methods: Vec<String>,
    /// Sent with every request, with secrets in place.
    pub headers: Vec<(HeaderName, Template)>,
    /// A whole exchange may take so long.
    pub timeout: Duration,
    /// It may be silent for so long.
    pub silence: Duration,
    /// It may ask to be left alone for so long; what asks for more is asked again by then.
    pub longest_pause: Duration,
    /// Bytes of one response.
    pub max_body: usize,
    /// Exchanges at once, by all agents together.
    pub concurrency: u32,
    /// Requests in a minute, by all agents together.
    pub per_minute: Option<std::num::NonZeroU32>,
    /// The way out of this network: it is asked to connect, and so resolves and judges the service's address itself.
    pub proxy: Option<Url>,
}

/// What the host sets by itself, or what would change how a request is framed.
const RESERVED: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

impl Service {
    /// # Errors
    /// What a base address must be.
    pub fn base(text: &str) -> Result<Url, String> {
        let url: Url = text.parse().map_err(|why| format!("{text:?} is no address: {why}"))?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
            return Err(format!(
                "expected an address such as \"https://api.example.com/v1\", without user, query or fragment, not {text:?}"
            ));
        }
        Ok(url)
    }

    /// The whole address of a request below this service.
    ///
    /// # Errors
    /// Why the path would lead elsewhere.
    pub fn url(&self, path: &str) -> Result<Url, String> {
        let wrong = |why: &str| Err(format!("path {path:?} {why}"));
        if !path.is_empty() && !path.starts_with('/') && !path.starts_with('?') {
            return wrong("must be empty or begin with /");
        }
        if path.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '#')) {
            return wrong("holds a character that no path has");
        }
        let folders = path.split('?').next().unwrap_or_default();
        if climbs(folders) {
            return wrong("must not climb");
        }
        let base = self.base.as_str().trim_end_matches('/');
        let url: Url = format!("{base}{path}").parse().map_err(|why| format!("path {path:?}: {why}"))?;
        let below = url.path().starts_with(self.base.path().trim_end_matches('/'));
        if url.origin() != self.base.origin() || !below {
            return wrong("leads out of the service");
        }
        Ok(url)
    }

    /// # Errors
    /// The method is not among those that the operator allows.
    pub fn method(&self, name: &str) -> Result<reqwest::Method, String> {
        if !self.methods.iter().any(|allowed| allowed == name) {
            return Err(format!(
                "service {} allows {}, not {name:?}: [services.{}] methods",
                self.name,
                self.methods.join(", "),
                self.name
            ));
        }
        reqwest::Method::from_bytes(name.as_bytes()).map_err(|why| why.to_string())
    }

    /// A header that a plugin wants to send.
    ///
    /// # Errors
    /// It is not a header, or it is not the plugin's to set.
    pub fn header(&self, attr: &Attr) -> Result<(HeaderName, HeaderValue), String> {
        let name = HeaderName::from_bytes(attr.name.as_bytes())
            .map_err(|_| format!("{:?} is no name of a header", attr.name))?;
        if RESERVED.contains(&name.as_str()) || self.headers.iter().any(|(own, _)| *own == name) {
            return Err(format!("the header {name} is set by the host"));
        }
        let value = HeaderValue::from_str(&attr.value)
            .map_err(|_| format!("the value of the header {name} holds a character that none may have"))?;
        Ok((name, value))
    }
}

/// Whether a path leaves its folder, or hides what it is: judged as the most eager of servers reads it, which decodes until
/// nothing is left to decode, takes `\` for `/`, and cuts what follows a semicolon off before it climbs.
fn climbs(path: &str) -> bool {
    let mut decoded = path.as_bytes().to_vec();
    while let Some(once) = decode(&decoded) {
        decoded = once;
    }
    let separators = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    // An escape that no UTF-8 has stands for a character that it should have been written as.
    let is_odd = decoded.iter().any(|byte| byte.is_ascii_control() || matches!(byte, 0xc0 | 0xc1));
    let is_climb = |segment: &[u8]| matches!(segment.split(|byte| *byte == b';').next(), Some(b"." | b".."));
    is_odd
        || separators(&decoded) != separators(path.as_bytes())
        || decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_climb)
}

/// None if nothing is escaped.
fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = if bytes[at] == b'%' { digit(at + 1).zip(digit(at + 2)) } else { None };
        match escaped {
            Some((high, low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    (decoded.len() < bytes.len()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service {
            name: "s".into(),
            base: Service::base("https://api.example.com/v1").unwrap(),
            private: false,
            methods: vec!["POST".into()],
            headers: vec![(
                HeaderName::from_static("authorization"),
                Template::parse("x", |_| None).unwrap(),
            )],
            timeout: Duration::from_secs(1),
            silence: Duration::from_secs(1),
            longest_pause: Duration::from_secs(1),
            max_body: 1,
            concurrency: 1,
            per_minute: None,
            proxy: None,
        }
    }

    #[test]
    fn a_path_stays_below_the_service() {
        let service = service();
        assert_eq!(
            service.url("/chat?x=1").map(String::from),
            Ok("https://api.example.com/v1/chat?x=1".into())
        );
        assert_eq!(service.url("").map(String::from), Ok("https://api.example.com/v1".into()));
        for path in [
            "/../admin",
            "/%2e%2E/admin",
            "@evil.example",
            ".evil.example/x",
            "/a/./b",
            "/a\\..\\b",
            "/x#y",
            "/a b",
            "/%2fx",
            "/..;/x",
            "/%c0%ae%c0%ae/x",
            "/a%00b",
        ] {
            assert!(service.url(path).is_err(), "{path}");
        }
        for path in ["/files/a%20b.txt", "/100%", "/%zz", "/a%3Bb", "/..a/b..", "/%C3%A4"] {
            assert!(service.url(path).is_ok(), "{path}");
        }
    }

    /// However often, and whichever of its characters are escaped.
    #[test]
    fn no_encoding_hides_a_climb() {
        let service = service();
        for climb in ["/../admin", "/a/../b", "/./x", "/..;x=1/y", "/a\\b", "/a/..", "/.."] {
            for mask in 0u32..1 << climb.len().min(6) {
                let mut path: String = climb.chars().take(1).collect();
                for (index, c) in climb.chars().enumerate().skip(1) {
                    match mask >> index & 1 {
                        1 => path.push_str(&format!("%{:02x}", u32::from(c))),
                        _ => path.push(c),
                    }
                }
                for _ in 0..3 {
                    assert!(service.url(&path).is_err(), "{path}");
                    path = path.replace('%', "%25");
                }
            }
        }
    }

    #[test]
    fn the_hosts_own_headers_are_not_the_plugins() {
        let service = service();
        let set = |name: &str, value: &str| service.header(&Attr { name: name.into(), value: value.into() });
        assert!(set("X-Trace", "1").is_ok());
        assert_eq!(set("Authorization", "mine"), Err("the header authorization is set by the host".into()));
        assert_eq!(set("Host", "evil"), Err("the header host is set by the host".into()));
        assert!(set("x", "a\r\nb: c").is_err());
        assert!(service.method("POST").is_ok());
        assert_eq!(
            service.method("GET"),
            Err("service s allows POST, not \"GET\": [services.s] methods".into())
        );
    }
}
