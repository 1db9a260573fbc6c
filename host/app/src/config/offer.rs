//! What the configuration offers to adapters: profiles of programs, services, and the secrets that they need.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use baton_core::size::Size;
use baton_core::span::Span;
use baton_plugin::capability::process::{GracePeriods, StartFolder};
use baton_plugin::capability::secret::{Secret, SecretTemplate};
use baton_plugin::capability::{Profile, Resources, Service, Upstream};
use http::HeaderName;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::confine::ConfineTable;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ProfileTable {
    argv: Vec<String>,
    #[serde(default)]
    cwd: Option<PathBuf>,
    /// Names that are passed on, or `NAME=value`.
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    timeout: Option<Span>,
    #[serde(default)]
    max_stdout: Option<Size>,
    #[serde(default)]
    confine: ConfineTable,
    #[serde(default)]
    max_line: Option<Size>,
    /// After SIGINT, before SIGTERM.
    #[serde(default)]
    interrupt: Option<Span>,
    /// After SIGTERM, before it is killed.
    #[serde(default)]
    terminate: Option<Span>,
    #[serde(default)]
    concurrency: Option<NonZeroU32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServiceTable {
    url: String,
    #[serde(default)]
    private: bool,
    #[serde(default = "get_and_post")]
    methods: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    timeout: Option<Span>,
    #[serde(default)]
    silence: Option<Span>,
    #[serde(default)]
    longest_pause: Option<Span>,
    #[serde(default)]
    max_body: Option<Size>,
    #[serde(default)]
    concurrency: Option<NonZeroU32>,
    #[serde(default)]
    per_minute: Option<NonZeroU32>,
    /// Through which it is reached.
    proxy: Option<String>,
}

fn get_and_post() -> Vec<String> {
    vec!["GET".into(), "POST".into()]
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct SecretTable {
    env: Option<String>,
    file: Option<PathBuf>,
}

const MAX_STDOUT: usize = 1 << 20;
/// As much as one call of a plugin may be handed at once by default leaves room for twice.
const MAX_LINE: usize = 8 << 20;
const MAX_BODY: usize = 8 << 20;
const TIMEOUT: Duration = Duration::from_secs(600);
const SILENCE: Duration = Duration::from_secs(120);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
const CONCURRENCY: u32 = 16;

/// All of it together.
///
/// # Errors
/// The text at which something is wrong, and what is wrong.
pub(super) fn resolve(
    profiles: BTreeMap<String, ProfileTable>,
    services: BTreeMap<String, ServiceTable>,
    secrets: BTreeMap<String, SecretTable>,
    folder: &Path,
) -> Result<Resources, (String, String)> {
    let mut offer = Resources::default();
    for (name, profile) in profiles {
        if profile.argv.is_empty() {
            let what = format!("profile {name}: argv must name a program");
            return Err((format!("[profiles.{name}]"), what));
        }
        offer.profiles.insert(name.clone(), Arc::new(profile.resolve(name, folder)));
    }
    let mut known = BTreeMap::new();
    for (name, secret) in secrets {
        let secret = secret.resolve(folder).map_err(|why| (name.clone(), format!("secret {name}: {why}")))?;
        known.insert(name, secret);
    }
    for (name, service) in services {
        let service = service
            .resolve(&name, &known)
            .map_err(|why| (format!("[services.{name}]"), format!("service {name}: {why}")))?;
        offer.services.insert(name, Arc::new(Upstream::new(service)));
    }
    Ok(offer)
}

impl ProfileTable {
    fn resolve(self, name: String, folder: &Path) -> Profile {
        let value = |entry: &String| match entry.split_once('=') {
            Some((name, value)) => Some((name.to_owned(), value.to_owned())),
            None => Some((entry.clone(), std::env::var(entry).ok()?)),
        };
        let usual = GracePeriods::default();
        let env: Vec<(String, String)> = self.env.iter().filter_map(value).collect();
        let told = env.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home));
        let homes: Vec<_> = told.into_iter().chain(std::env::var_os("HOME").map(PathBuf::from)).collect();
        Profile {
            name,
            argv: self.argv,
            cwd: StartFolder { base: folder.to_owned(), path: self.cwd.unwrap_or_default() },
            env,
            confine: self.confine.resolve(folder, &homes),
            timeout: self.timeout.map(|span| span.0),
            max_stdout: self.max_stdout.map_or(MAX_STDOUT, |size| size.0),
            max_line: self.max_line.map_or(MAX_LINE, |size| size.0),
            grace_periods: GracePeriods {
                interrupt: self.interrupt.unwrap_or(usual.interrupt),
                terminate: self.terminate.unwrap_or(usual.terminate),
            },
            slots: self.concurrency.map(|number| Arc::new(Semaphore::new(number.get() as usize))),
        }
    }
}

impl ServiceTable {
    fn resolve(self, name: &str, secrets: &BTreeMap<String, Secret>) -> Result<Service, String> {
        let base = Service::base(&self.url).map_err(|why| why.to_string())?;
        let mut headers = Vec::with_capacity(self.headers.len());
        for (header, text) in &self.headers {
            let header = HeaderName::from_bytes(header.as_bytes())
                .map_err(|_| format!("{header:?} is no name of a header"))?;
            let template = SecretTemplate::parse(text, |secret| secrets.get(secret).cloned());
            headers.push((header, template.map_err(|why| why.to_string())?));
        }
        if base.scheme() == "http" && !self.private && headers.iter().any(|(_, text)| text.has_secrets()) {
            return Err(
                "a secret may not travel unencrypted: use https, or private = true for a service on \
                        this machine or its own network"
                    .into(),
            );
        }
        if self.methods.is_empty() {
            return Err("methods must name at least one".into());
        }
        Ok(Service {
            name: name.to_owned(),
            base,
            private: self.private,
            methods: self.methods.into_iter().map(|method| method.to_ascii_uppercase()).collect(),
            headers,
            timeout: self.timeout.map_or(TIMEOUT, |span| span.0),
            idle_timeout: self.silence.map_or(SILENCE, |span| span.0),
            max_retry_after: self.longest_pause.map_or(LONGEST_PAUSE, |span| span.0),
            max_body: self.max_body.map_or(MAX_BODY, |size| size.0),
            concurrency: self.concurrency.map_or(CONCURRENCY, NonZeroU32::get),
            per_minute: self.per_minute,
            proxy: self
                .proxy
                .as_deref()
                .map(Service::base)
                .transpose()
                .map_err(|why| format!("proxy: {why}"))?,
        })
    }
}

impl SecretTable {
    fn resolve(self, folder: &Path) -> Result<Secret, String> {
        match (self.env, self.file) {
            (Some(name), None) => Ok(Secret::Env(name)),
            (None, Some(file)) => Ok(Secret::File(folder.join(file))),
            (None, None) | (Some(_), Some(_)) => {
                Err("expected either env = \"NAME\" or file = \"PATH\"".into())
            }
        }
    }
}
