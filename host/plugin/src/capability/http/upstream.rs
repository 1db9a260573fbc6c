//! One service as all attempts share it: its connections, its places, its pace.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use baton_core::clock::Stopwatch;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::{Reach, reach};
use super::service::Service;

type Pace = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Instant>>;

#[derive(Debug)]
pub struct Upstream {
    pub service: Service,
    client: OnceLock<Result<reqwest::Client, String>>,
    places: Arc<Semaphore>,
    pace: Option<Pace>,
    /// It asked to be left alone.
    quiet: Mutex<Option<Pause>>,
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
    #[must_use]
    pub fn new(service: Service) -> Self {
        let places = Arc::new(Semaphore::new(service.concurrency as usize));
        let pace = service
            .per_minute
            .map(|number| RateLimiter::direct_with_clock(Quota::per_minute(number), MonotonicClock));
        Self { service, client: OnceLock::new(), places, pace, quiet: Mutex::default() }
    }

    /// Waits for a place, for the pace, and for the end of a pause that the service asked for.
    pub(super) async fn admit(&self) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.places).acquire_owned().await.ok()?;
        while let Some(wait) = self.wait() {
            tokio::time::sleep(wait).await;
        }
        Some(permit)
    }

    fn wait(&self) -> Option<Duration> {
        let quiet = *self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pause) = quiet.map(Pause::left).filter(|pause| !pause.is_zero()) {
            return Some(pause);
        }
        let pace = self.pace.as_ref()?;
        pace.check().err().map(|early| early.wait_time_from(MonotonicClock.now()))
    }

    /// The service asked one caller to wait: all others wait with it.
    pub(super) fn rest(&self, pause: Duration) {
        let pause = Pause { asked: Stopwatch::start(), length: pause.min(self.service.longest_pause) };
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let longer = quiet.is_none_or(|before| before.left() < pause.length);
        if longer {
            *quiet = Some(pause);
        }
    }

    /// Whether the secrets of its headers are there, and its address is one to go to.
    ///
    /// # Errors
    /// What is missing.
    pub fn secrets(&self) -> Result<(), String> {
        self.client()?;
        for (_, template) in &self.service.headers {
            template.reveal()?;
        }
        Ok(())
    }

    /// # Errors
    /// This machine has no certificates to trust, or the address is not one to go to.
    pub(super) fn client(&self) -> Result<reqwest::Client, String> {
        self.literal()?;
        self.client.get_or_init(|| connect(&self.service)).clone()
    }

    /// An address that is written out is never resolved, so it is judged here.
    fn literal(&self) -> Result<(), String> {
        let host = self.service.base.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => judge(address, self.service.private),
            Err(_) => Ok(()),
        }
    }
}

fn connect(service: &Service) -> Result<reqwest::Client, String> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another library in this process may have chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(service.silence)
        .timeout(service.timeout)
        .user_agent(concat!("baton/", env!("CARGO_PKG_VERSION")));
    let builder = match &service.proxy {
        None => builder.dns_resolver(Arc::new(Guarded { private: service.private })),
        Some(proxy) => {
            let proxy = reqwest::Proxy::all(proxy.clone());
            builder.proxy(proxy.map_err(|why| format!("service {}: proxy: {why}", service.name))?)
        }
    };
    // A plain service needs no certificates, and a machine may have none.
    let is_plain = service.base.scheme() == "http"
        && service.proxy.as_ref().is_none_or(|proxy| proxy.scheme() == "http");
    let builder = if is_plain { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|why| format!("service {}: {why}", service.name))
}

/// Resolves as the system does and keeps what may be gone to.
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
                (true, Some(why)) => Err(why.into()),
                (true, None) => Err("the name has no address".into()),
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// How a refusal begins, wherever in a chain of errors it turns up.
pub(super) const REFUSED: &str = "address refused: ";

fn judge(address: IpAddr, private: bool) -> Result<(), String> {
    match reach(address) {
        Reach::Public => Ok(()),
        Reach::Private if private => Ok(()),
        Reach::Private => Err(format!(
            "{REFUSED}{address} is on this machine or a private network; if the service belongs there, set private = true"
        )),
        Reach::Never => Err(format!("{REFUSED}{address} is no address of a service")),
    }
}
