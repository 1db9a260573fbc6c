//! Sources of components: a file, a project's folder, an https URL, an OCI registry.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use thiserror::Error;

/// A downloaded component.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The name to install it under, unless the operator gives another.
    pub name: String,
    /// The component.
    pub bytes: Vec<u8>,
}

/// Why a component could not be fetched, by what to do about it.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The argument is malformed. Fix it.
    #[error("{0}: {1}")]
    Malformed(String, String),
    /// The server or the network failed. Try again, or look at the server.
    #[error("{0} can't be fetched: {1}")]
    Unreachable(String, String),
    /// The content does not match the expected digest. Do not install it.
    #[error("{at} is {found}, expected {expected}: it is not what you meant to install")]
    OtherContent {
        /// The source.
        at: String,
        /// The digest of what was fetched.
        found: String,
        /// The digest that the operator gave.
        expected: String,
    },
}

/// The most bytes of a component that are downloaded.
const LARGEST: usize = super::limits::COMPONENT_CEILING as usize;
/// Timeout of a whole download.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Media types of layers: the one that `wkg` writes, and that of older tools.
const LAYERS: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];
/// The environment variable with `USER:PASSWORD` for the registry; anonymous without it.
const AUTH: &str = "BATON_REGISTRY_AUTH";

/// Where a component comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A component's file, or the folder of a plugin's project.
    Path(PathBuf),
    /// A server.
    Remote(Remote),
}

/// A server that has a component.
#[derive(Clone, Debug)]
pub enum Remote {
    /// An https URL, or an http URL of this machine.
    Web(reqwest::Url),
    /// An OCI registry.
    Registry(Reference),
}

impl Source {
    /// Parses the argument of `baton plugin add`.
    ///
    /// # Errors
    /// [`SourceError::Malformed`], with what was expected.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let wrong = |why: String| SourceError::Malformed(text.to_owned(), why);
        if let Some(reference) = text.strip_prefix("oci://") {
            let reference =
                Reference::from_str(reference).map_err(|why| wrong(format!("is no reference: {why}")))?;
            return Ok(Self::Remote(Remote::Registry(reference)));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            let url: reqwest::Url = text.parse().map_err(|why| wrong(format!("is no address: {why}")))?;
            if url.scheme() == "http" && !is_here(url.host_str().unwrap_or_default()) {
                return Err(wrong("is fetched over https only; http is for this machine".into()));
            }
            return Ok(Self::Remote(Remote::Web(url)));
        }
        if text.contains("://") {
            return Err(wrong(
                "expected a file, a project's folder, https://… or oci://REGISTRY/NAME:TAG".into(),
            ));
        }
        Ok(Self::Path(PathBuf::from(text)))
    }
}

/// Whether a host name is this machine's.
fn is_here(host: &str) -> bool {
    matches!(host.split(':').next(), Some("localhost" | "127.0.0.1")) || host.starts_with("[::1]")
}

/// Downloads a component, with a timeout of 5 minutes. `text` is the source as it was typed, for errors. Blocks.
///
/// # Errors
/// [`SourceError::Unreachable`], also if it has more than 64 MiB.
pub fn download(text: &str, remote: Remote) -> Result<Fetched, SourceError> {
    // An error means that another library of this process has installed a provider, which will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| SourceError::Unreachable(text.to_owned(), why.to_string()))?;
    match remote {
        Remote::Web(url) => runtime.block_on(of_web(text, url)),
        Remote::Registry(reference) => runtime.block_on(of_registry(text, &reference)),
    }
}

/// Checks the digest of a component. `text` is its source, for errors.
///
/// # Errors
/// [`SourceError::OtherContent`] if it does not match.
pub fn verify(text: &str, bytes: &[u8], expected: &str) -> Result<(), SourceError> {
    let found = super::digest(bytes);
    if found == expected {
        return Ok(());
    }
    Err(SourceError::OtherContent { at: text.to_owned(), found, expected: expected.to_owned() })
}

async fn of_web(text: &str, url: reqwest::Url) -> Result<Fetched, SourceError> {
    let failed = |why: &dyn std::fmt::Display| SourceError::Unreachable(text.to_owned(), why.to_string());
    let agent = concat!("baton/", env!("CARGO_PKG_VERSION"));
    let mut builder = reqwest::Client::builder().timeout(TIMEOUT).user_agent(agent);
    if url.scheme() == "http" {
        // Plain http needs no certificates, and a machine may have none.
        builder = builder.tls_certs_only([]);
    } else {
        builder = builder.https_only(true);
    }
    let client = builder.build().map_err(|why| failed(&why))?;
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let name = name.trim_end_matches(".wasm").to_owned();
    let mut response = client.get(url).send().await.map_err(|why| failed(&cause(&why)))?;
    if !response.status().is_success() {
        return Err(failed(&format!("the server answered {}", response.status())));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| failed(&cause(&why)))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err(failed(&format!("it has more than {} MiB", LARGEST >> 20)));
        }
    }
    Ok(Fetched { name, bytes })
}

/// The innermost cause: the outer ones only say that a request failed.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}

async fn of_registry(text: &str, reference: &Reference) -> Result<Fetched, SourceError> {
    let failed = |why: &dyn std::fmt::Display| SourceError::Unreachable(text.to_owned(), why.to_string());
    let protocol = if is_here(reference.registry()) { ClientProtocol::Http } else { ClientProtocol::Https };
    let config = ClientConfig { protocol, ..ClientConfig::default() };
    let client = Client::try_from(config).map_err(|why| failed(&why))?;
    let auth = match std::env::var(AUTH).ok().as_deref().and_then(|auth| auth.split_once(':')) {
        Some((user, password)) => RegistryAuth::Basic(user.to_owned(), password.to_owned()),
        None => RegistryAuth::Anonymous,
    };
    let pulled = tokio::time::timeout(TIMEOUT, client.pull(reference, &auth, LAYERS.to_vec())).await;
    let image =
        pulled.map_err(|_| failed(&"it took more than 5 minutes"))?.map_err(|why| failed(&cause(&why)))?;
    let [layer] = image.layers.as_slice() else {
        return Err(failed(&format!("expected one component in it, found {} layers", image.layers.len())));
    };
    if layer.data.len() > LARGEST {
        return Err(failed(&format!("it has more than {} MiB", LARGEST >> 20)));
    }
    let name = reference.repository().rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Fetched { name, bytes: layer.data.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match Source::parse(text) {
            Err(why @ SourceError::Malformed(..)) => why.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sources_are_distinguished() {
        assert!(matches!(Source::parse("mine/mine.wasm"), Ok(Source::Path(_))));
        assert!(matches!(Source::parse("https://example.org/mine.wasm"), Ok(Source::Remote(Remote::Web(_)))));
        assert!(matches!(
            Source::parse("http://127.0.0.1:8080/mine.wasm"),
            Ok(Source::Remote(Remote::Web(_)))
        ));
        assert!(matches!(
            Source::parse("oci://ghcr.io/team/mine:1.0"),
            Ok(Source::Remote(Remote::Registry(_)))
        ));
    }

    #[test]
    fn what_is_none_is_refused_in_words() {
        insta::assert_snapshot!(refused("http://example.org/mine.wasm"), @"http://example.org/mine.wasm: is fetched over https only; http is for this machine");
        insta::assert_snapshot!(refused("ftp://example.org/mine.wasm"), @"ftp://example.org/mine.wasm: expected a file, a project's folder, https://… or oci://REGISTRY/NAME:TAG");
        assert!(refused("oci://no/:bad:").starts_with("oci://no/:bad:: is no reference"));
    }
}
