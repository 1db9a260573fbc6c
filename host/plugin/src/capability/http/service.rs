//! A service: a server that the operator allows plugins to call, and the limits on calls.

use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use thiserror::Error;

use crate::bindings::shared::baton::types::core::Attr;
use crate::capability::secret::SecretTemplate;

/// A table `[services.NAME]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in the configuration.
    pub name: String,
    /// Scheme, host, port, and the path below which every path is allowed.
    pub base: Url,
    /// Whether its address may be on this machine or a private network.
    pub private: bool,
    /// Allowed methods, in upper case.
    pub methods: Vec<String>,
    /// Headers that the host adds to every request.
    pub headers: Vec<(HeaderName, SecretTemplate)>,
    /// Timeout of a whole exchange, and of waiting for a slot.
    pub timeout: Duration,
    /// Idle timeout: the longest pause between two chunks of a response.
    pub idle_timeout: Duration,
    /// The longest pause that it can ask for with `Retry-After`. A longer one is cut to this.
    pub max_retry_after: Duration,
    /// The most bytes in the body of a response.
    pub max_body: usize,
    /// The most concurrent exchanges, over all agents.
    pub concurrency: u32,
    /// The most requests per minute, over all agents; none = no limit.
    pub per_minute: Option<std::num::NonZeroU32>,
    /// Proxy that requests go through. It resolves the service's name, so the address rules of this host do not apply.
    pub proxy: Option<Url>,
}

type ParseError = <Url as FromStr>::Err;

/// Why a text is no base address of a service or a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidUrl {
    /// It is not a URL.
    #[error("{text:?} is not a URL: {source}")]
    Malformed {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// It is a URL that can't be a base address.
    #[error(
        "expected an address such as \"https://api.example.com/v1\", without user, query or fragment, not {0:?}"
    )]
    NoBase(String),
}

/// Why a plugin can't send a request. `Path`, `Url`, `Method` and `NoMethod` are refusals that the operator should see; the
/// others are mistakes of the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The path leads out of the service, or is malformed.
    #[error("path {path:?} {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The path does not form a URL.
    #[error("path {path:?}: {source}")]
    Url {
        /// The path.
        path: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The operator does not allow the method.
    #[error("service {service} allows {allowed}, not {method:?}: [services.{service}] methods")]
    Method {
        /// The service.
        service: String,
        /// The allowed methods, separated by commas.
        allowed: String,
        /// The method.
        method: String,
    },
    /// The operator allows a method that HTTP does not.
    #[error("{0:?} is no method of HTTP")]
    NoMethod(String),
    /// The name of a header is malformed.
    #[error("{0:?} is no name of a header")]
    HeaderName(String),
    /// Only the host may set this header.
    #[error("the header {0} is set by the host")]
    Reserved(HeaderName),
    /// The value of this header is malformed.
    #[error("the value of the header {0} has a character that is not allowed")]
    HeaderValue(HeaderName),
}

/// Headers that plugins can't set: the host's own, and those that change the framing or the method of a request.
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
    /// Parses the base address of a service or a proxy.
    ///
    /// # Errors
    /// It is no http or https address, or has a user, a query or a fragment.
    pub fn base(text: &str) -> Result<Url, InvalidUrl> {
        let url: Url =
            text.parse().map_err(|source| InvalidUrl::Malformed { text: text.to_owned(), source })?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
            return Err(InvalidUrl::NoBase(text.to_owned()));
        }
        Ok(url)
    }

    /// The URL of a request to a path of this service, with its query.
    ///
    /// # Errors
    /// The path leads out of the service's base path, or is malformed.
    pub fn url(&self, path: &str) -> Result<Url, RequestError> {
        let wrong = |why| Err(RequestError::Path { path: path.to_owned(), why });
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
        let url: Url = format!("{base}{path}")
            .parse()
            .map_err(|source| RequestError::Url { path: path.to_owned(), source })?;
        let below = url.path().starts_with(self.base.path().trim_end_matches('/'));
        if url.origin() != self.base.origin() || !below {
            return wrong("leads out of the service");
        }
        Ok(url)
    }

    /// The method of this name.
    ///
    /// # Errors
    /// The operator does not allow it for this service.
    pub fn method(&self, name: &str) -> Result<reqwest::Method, RequestError> {
        if !self.methods.iter().any(|allowed| allowed == name) {
            return Err(RequestError::Method {
                service: self.name.clone(),
                allowed: self.methods.join(", "),
                method: name.to_owned(),
            });
        }
        reqwest::Method::from_bytes(name.as_bytes()).map_err(|_| RequestError::NoMethod(name.to_owned()))
    }

    /// A header from a plugin.
    ///
    /// # Errors
    /// It is malformed, or only the host may set it.
    pub fn header(&self, attr: &Attr) -> Result<(HeaderName, HeaderValue), RequestError> {
        let name = HeaderName::from_bytes(attr.name.as_bytes())
            .map_err(|_| RequestError::HeaderName(attr.name.clone()))?;
        if RESERVED.contains(&name.as_str()) || self.headers.iter().any(|(own, _)| *own == name) {
            return Err(RequestError::Reserved(name));
        }
        let value =
            HeaderValue::from_str(&attr.value).map_err(|_| RequestError::HeaderValue(name.clone()))?;
        Ok((name, value))
    }
}

/// Whether a path has a `.` or `..` segment, possibly disguised. Read as the most lenient server would: percent-decoded
/// repeatedly, with `\` taken for `/`, and with parameters after a semicolon cut off.
fn climbs(path: &str) -> bool {
    let mut decoded = path.as_bytes().to_vec();
    while let Some(once) = decode(&decoded) {
        decoded = once;
    }
    let separators = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    // 0xc0 and 0xc1 never occur in UTF-8; decoders that accept them read an overlong form of an ASCII character.
    let is_odd = decoded.iter().any(|byte| byte.is_ascii_control() || matches!(byte, 0xc0 | 0xc1));
    let is_climb = |segment: &[u8]| matches!(segment.split(|byte| *byte == b';').next(), Some(b"." | b".."));
    is_odd
        || separators(&decoded) != separators(path.as_bytes())
        || decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_climb)
}

/// Percent-decodes once. None if nothing is escaped.
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
                SecretTemplate::parse("x", |_| None).unwrap(),
            )],
            timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
            max_retry_after: Duration::from_secs(1),
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
        assert_eq!(
            set("Authorization", "mine"),
            Err(RequestError::Reserved(HeaderName::from_static("authorization")))
        );
        assert_eq!(set("Host", "evil").unwrap_err().to_string(), "the header host is set by the host");
        assert!(set("x", "a\r\nb: c").is_err());
        assert!(service.method("POST").is_ok());
        assert_eq!(
            service.method("GET").unwrap_err().to_string(),
            "service s allows POST, not \"GET\": [services.s] methods"
        );
    }
}
