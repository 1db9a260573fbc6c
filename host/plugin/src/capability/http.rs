//! `baton:host/http`: requests to the services of the operator's configuration.

mod address;
mod place;
mod redact;
mod service;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::header::HeaderValue;
use wasmtime::component::Resource;

pub use service::Service;
pub use upstream::Upstream;

use self::place::Place;
use self::redact::Redactor;
use super::Capabilities;
use crate::bindings::agent::baton::host::http::{Host, HostResponse, HttpError, Request};
use crate::bindings::shared::baton::types::core::Attr;
use crate::sandbox::Sandbox;

/// A response whose body is still under way. Holds its place at the service until its end was read, it is dropped, or
/// nobody has read on for as long as the service itself may be silent.
pub struct Exchange {
    upstream: Arc<Upstream>,
    response: reqwest::Response,
    redactor: Redactor,
    /// Bytes that were received and not yet handed over.
    ready: Vec<u8>,
    received: usize,
    place: Option<Place>,
}

/// Requests of an attempt that must stop, to tell the far side.
const FAREWELLS: u32 = 4;
/// The most that one call hands over.
const CHUNK: usize = 64 << 10;

impl Host for Sandbox {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Resource<Exchange>, HttpError>> {
        let powers = self.powers()?;
        match send(&powers, request).await {
            Ok(exchange) => Ok(Ok(self.table.push(exchange)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn check(&mut self, service: String) -> wasmtime::Result<Result<(), HttpError>> {
        let powers = self.powers()?;
        Ok(powers.services.find(&powers, "http.check", &service).map_err(HttpError::Denied).and_then(
            |upstream| {
                upstream.client().map_err(HttpError::Unreachable)?;
                own_headers(&upstream.service).map(|_| ())
            },
        ))
    }
}

impl HostResponse for Sandbox {
    async fn status(&mut self, response: Resource<Exchange>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&response)?.response.status().as_u16())
    }

    async fn headers(&mut self, response: Resource<Exchange>) -> wasmtime::Result<Vec<Attr>> {
        let exchange = self.table.get(&response)?;
        let headers = exchange.response.headers();
        let text = |value: &HeaderValue| exchange.redactor.text(&String::from_utf8_lossy(value.as_bytes()));
        Ok(headers.iter().map(|(name, value)| Attr { name: name.to_string(), value: text(value) }).collect())
    }

    async fn read(
        &mut self,
        response: Resource<Exchange>,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, HttpError>> {
        let powers = self.powers()?;
        let exchange = self.table.get_mut(&response)?;
        Ok(exchange.read(&powers).await)
    }

    async fn drop(&mut self, response: Resource<Exchange>) -> wasmtime::Result<()> {
        self.table.delete(response)?;
        Ok(())
    }
}

pub(super) async fn send(powers: &Capabilities, request: Request) -> Result<Exchange, HttpError> {
    let farewell = powers.admitted().await.is_some();
    if farewell && (powers.is_barred() || powers.farewells.fetch_add(1, Ordering::Relaxed) >= FAREWELLS) {
        return Err(HttpError::Stopped);
    }
    let upstream = powers.services.find(powers, "http.send", &request.service).map_err(HttpError::Denied)?;
    // Taken before the answer comes: they may be changed meanwhile.
    let secrets = upstream.service.headers.iter().flat_map(|(_, text)| text.secrets()).collect();
    let redactor = Redactor::new(secrets);
    let prepared = prepare(powers, &upstream, request)?;
    let exchange = async {
        let longest = upstream.service.timeout;
        let admitted = tokio::time::timeout(longest, powers.patiently(upstream.admit())).await;
        let place = admitted.map_err(|_| HttpError::TimedOut(millis(longest)))?.ok_or(HttpError::Stopped)?;
        powers.put_off.fetch_max(millis(upstream.service.longest_pause), Ordering::Relaxed);
        powers.requests.fetch_add(1, Ordering::Relaxed);
        powers.meter.reach();
        let response = dispatch(powers, prepared).await.map_err(|why| sorted(&upstream.service, &why))?;
        Ok((place, response))
    };
    let (place, response) = tokio::select! {
        exchanged = exchange => exchanged?,
        _ = powers.cancellation.fallen(), if !farewell => return Err(HttpError::Stopped),
    };
    if let Some(pause) = asked_to_wait(&response) {
        upstream.rest(pause);
    }
    let place = Some(Place::new(place, upstream.service.silence));
    Ok(Exchange { upstream, response, redactor, ready: Vec::new(), received: 0, place })
}

/// Sends it, and remembers whether anybody may have acted on it. Nobody has where there was no connection, and where it
/// was refused unread (429, RFC 6585 4). A gateway answers 503 also after its backend has acted.
async fn dispatch(
    powers: &Capabilities,
    request: reqwest::RequestBuilder,
) -> reqwest::Result<reqwest::Response> {
    // Told before it leaves: the attempt may be dropped while it waits for the answer.
    powers.acts();
    let answer = request.send().await;
    let turned_away = match &answer {
        Ok(response) => response.status().as_u16() == 429,
        Err(why) => why.is_connect(),
    };
    if turned_away {
        powers.acted_not();
    }
    answer
}

fn prepare(
    powers: &Capabilities,
    upstream: &Upstream,
    request: Request,
) -> Result<reqwest::RequestBuilder, HttpError> {
    let service = &upstream.service;
    let method = service
        .method(&request.method)
        .map_err(|why| powers.denied("http.send", why))
        .map_err(HttpError::Denied)?;
    let url = service
        .url(&request.path)
        .map_err(|why| powers.denied("http.send", why))
        .map_err(HttpError::Denied)?;
    let client = upstream.client().map_err(|why| unreachable_or_denied(powers, why))?;
    let mut builder = client.request(method, url);
    for attr in &request.headers {
        let (name, value) = service.header(attr).map_err(HttpError::BadRequest)?;
        builder = builder.header(name, value);
    }
    for (name, value) in own_headers(service)? {
        builder = builder.header(name, value);
    }
    Ok(builder.body(request.body))
}

fn unreachable_or_denied(powers: &Capabilities, why: String) -> HttpError {
    if why.contains(upstream::REFUSED) {
        HttpError::Denied(powers.denied("http.send", why))
    } else {
        HttpError::Unreachable(why)
    }
}

/// The service's own headers with their secrets, marked so that nothing prints them.
fn own_headers(service: &Service) -> Result<Vec<(reqwest::header::HeaderName, HeaderValue)>, HttpError> {
    service
        .headers
        .iter()
        .map(|(name, template)| {
            let denied = |why: String| HttpError::Denied(format!("service {}: {why}", service.name));
            let text = template.reveal().map_err(denied)?;
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                denied(format!("the value of its header {name} holds a character that none may have"))
            })?;
            value.set_sensitive(true);
            Ok((name.clone(), value))
        })
        .collect()
}

/// What the client's error means to a plugin. Its text holds neither headers nor secrets.
fn sorted(service: &Service, error: &reqwest::Error) -> HttpError {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        if text.starts_with(upstream::REFUSED) {
            return HttpError::Denied(format!("service {}: {text}", service.name));
        }
        cause = inner.source();
    }
    let said = if text.is_empty() { error.to_string() } else { text };
    match () {
        () if error.is_connect() => {
            HttpError::Unreachable(format!("service {}: {said}{}", service.name, proxy_hint(service)))
        }
        () if error.is_timeout() => HttpError::TimedOut(millis(service.silence)),
        () if error.is_builder() => HttpError::BadRequest(said),
        () => HttpError::Broken(format!("service {}: {said}", service.name)),
    }
}

/// Variables that other programs go by, and this one does not.
fn proxy_hint(service: &Service) -> String {
    let name = if service.base.scheme() == "https" { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if service.proxy.is_some() || !(is_set(name) || is_set(&name.to_ascii_lowercase())) {
        return String::new();
    }
    format!("; {name} is set, and not used: to go through a proxy, set [services.{}] proxy", service.name)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What a service that is asked too often says, in seconds.
fn asked_to_wait(response: &reqwest::Response) -> Option<Duration> {
    let busy = matches!(response.status().as_u16(), 429 | 503);
    let after = response.headers().get("retry-after").filter(|_| busy)?;
    after.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

impl Exchange {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(super) fn is_success(&self) -> bool {
        self.response.status().is_success()
    }

    async fn read(&mut self, powers: &Capabilities) -> Result<Option<Vec<u8>>, HttpError> {
        if powers.stopped().is_some() {
            return Err(HttpError::Stopped);
        }
        if self.place.as_ref().is_some_and(|place| !place.is_held()) {
            return Err(HttpError::TimedOut(millis(self.upstream.service.silence)));
        }
        while self.ready.is_empty() {
            let chunk = tokio::select! {
                chunk = self.response.chunk() => chunk.map_err(|why| sorted(&self.upstream.service, &why))?,
                _ = powers.cancellation.fallen() => return Err(HttpError::Stopped),
            };
            if let Some(place) = &self.place {
                place.is_used();
            }
            let Some(chunk) = chunk else {
                self.place = None;
                self.ready = self.redactor.rest();
                if self.ready.is_empty() {
                    return Ok(None);
                }
                break;
            };
            self.received += chunk.len();
            let most = self.upstream.service.max_body;
            if self.received > most {
                return Err(HttpError::TooLarge(most as u64));
            }
            self.ready = self.redactor.pass(&chunk);
        }
        let rest = self.ready.split_off(self.ready.len().min(CHUNK));
        Ok(Some(std::mem::replace(&mut self.ready, rest)))
    }
}
