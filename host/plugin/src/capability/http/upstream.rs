//! The state of a service that all attempts share: connections, slots, rate limit, and the pause that it asked for.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use baton_core::clock::Stopwatch;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::{AddressClass, classify};
use super::service::Service;
use crate::capability::secret::SecretError;

type RateLimit = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Instant>>;

/// A service at run time.
#[derive(Debug)]
pub struct Upstream {
    /// Its configuration.
    pub service: Service,
    client: OnceLock<Result<reqwest::Client, Arc<reqwest::Error>>>,
    slots: Arc<Semaphore>,
    rate: Option<RateLimit>,
    /// The pause that it asked for last.
    pause: Mutex<Option<Pause>>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    asked: Stopwatch,
    length: Duration,
}

impl Pause {
    fn left(self) -> Duration {
        self.length.saturating_sub(self.asked.elapsed())
    }
}

impl Upstream {
    /// Opens no connection: that happens on the first request.
    #[must_use]
    pub fn new(service: Service) -> Self {
        let slots = Arc::new(Semaphore::new(service.concurrency as usize));
        let rate = service
            .per_minute
            .map(|number| RateLimiter::direct_with_clock(Quota::per_minute(number), MonotonicClock));
        Self { service, client: OnceLock::new(), slots, rate, pause: Mutex::default() }
    }

    /// Waits for a free slot, the rate limit, and the end of a pause that the service asked for. None is never returned: the
    /// semaphore is not closed.
    pub(super) async fn admit(&self) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        while let Some(wait) = self.wait() {
            tokio::time::sleep(wait).await;
        }
        Some(permit)
    }

    fn wait(&self) -> Option<Duration> {
        let pause = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pause) = pause.map(Pause::left).filter(|pause| !pause.is_zero()) {
            return Some(pause);
        }
        let rate = self.rate.as_ref()?;
        rate.check().err().map(|early| early.wait_time_from(MonotonicClock.now()))
    }

    /// Holds back all requests because the service asked for a pause, cut to the longest that it may ask for.
    pub(super) fn pause(&self, length: Duration) {
        let pause = Pause { asked: Stopwatch::start(), length: length.min(self.service.max_retry_after) };
        let mut current = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let longer = current.is_none_or(|before| before.left() < pause.length);
        if longer {
            *current = Some(pause);
        }
    }

    /// Checks that a request could be sent: the address is allowed and the secrets of the headers can be read. Sends nothing.
    ///
    /// # Errors
    /// What is missing or not allowed.
    pub fn secrets(&self) -> Result<(), ServiceError> {
        self.client()?;
        for (_, template) in &self.service.headers {
            template.reveal()?;
        }
        Ok(())
    }

    /// The HTTP client of the service, created on first use.
    pub(super) fn client(&self) -> Result<reqwest::Client, ServiceError> {
        self.literal()?;
        let client = self.client.get_or_init(|| connect(&self.service).map_err(Arc::new));
        client.clone().map_err(|source| ServiceError::Setup { service: self.service.name.clone(), source })
    }

    /// Checks an address that is written out as a number: the resolver, which checks all others, never sees it.
    fn literal(&self) -> Result<(), AddressRefused> {
        let host = self.service.base.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => judge(address, self.service.private),
            Err(_) => Ok(()),
        }
    }
}

fn connect(service: &Service) -> reqwest::Result<reqwest::Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that another library of this process has installed a provider, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(service.idle_timeout)
        .timeout(service.timeout)
        .user_agent(concat!("baton/", env!("CARGO_PKG_VERSION")));
    let builder = match &service.proxy {
        None => builder.dns_resolver(Arc::new(Guarded { private: service.private })),
        Some(proxy) => {
            let proxy = reqwest::Proxy::all(proxy.clone());
            builder.proxy(proxy?)
        }
    };
    // Plain http needs no certificates, and a machine may have none.
    let is_plain = service.base.scheme() == "http"
        && service.proxy.as_ref().is_none_or(|proxy| proxy.scheme() == "http");
    let builder = if is_plain { builder.tls_certs_only([]) } else { builder };
    builder.build()
}

/// Resolves names as the system does and keeps the allowed addresses.
struct Guarded {
    private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|address| judge(address.ip(), private).err());
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| judge(address.ip(), private).is_ok()).collect();
            match (allowed.is_empty(), refused) {
                (true, Some(refused)) => Err(refused.into()),
                (true, None) => Err("the name has no address".into()),
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Why a service can't be called. No request was sent.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The address is not allowed. Change the configuration.
    #[error(transparent)]
    Address(#[from] AddressRefused),
    /// A secret of its headers is missing. Set it.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The machine lacks something, such as certificates to trust.
    #[error("service {service}: {source}")]
    Setup {
        /// The service.
        service: String,
        /// What the HTTP client reported.
        source: Arc<reqwest::Error>,
    },
}

/// An address that requests may not go to. Also found as a source inside of the client's errors, where the resolver
/// returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressRefused {
    /// It needs `private = true`.
    #[error(
        "address refused: {0} is on this machine or a private network; if the service belongs there, set private = true"
    )]
    Private(IpAddr),
    /// No configuration allows it.
    #[error("address refused: {0} is no address of a service")]
    Never(IpAddr),
}

fn judge(address: IpAddr, private: bool) -> Result<(), AddressRefused> {
    match classify(address) {
        AddressClass::Public => Ok(()),
        AddressClass::Private if private => Ok(()),
        AddressClass::Private => Err(AddressRefused::Private(address)),
        AddressClass::Never => Err(AddressRefused::Never(address)),
    }
}
