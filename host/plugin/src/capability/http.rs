//! `baton:host/http`: requests to the configured services.

mod address;
mod redact;
mod service;
mod slot;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::header::HeaderValue;
use wasmtime::component::Resource;

pub use service::{InvalidUrl, RequestError, Service};
pub use upstream::{AddressRefused, ServiceError, Upstream};

use self::redact::Redactor;
use self::slot::Slot;
use super::{Capabilities, NotAllowed, millis};
use crate::bindings::agent::baton::host::http::{Host, HostResponse, HttpError, Request};
use crate::bindings::shared::baton::types::core::Attr;
use crate::sandbox::Sandbox;

/// A response whose body is being read. Holds one of the service's slots until the body was read to its end, the response
/// is dropped, or the plugin has not read on for as long as the service's idle timeout.
pub struct Exchange {
    upstream: Arc<Upstream>,
    response: reqwest::Response,
    redactor: Redactor,
    /// Bytes that were received and not yet returned to the plugin.
    ready: Vec<u8>,
    received: usize,
    slot: Option<Slot>,
}

/// Requests that a cancelled attempt may still send, to cancel its work on the server.
const REQUESTS_AFTER_STOP: u32 = 4;
/// The most bytes that one call of `read` returns.
const CHUNK: usize = 64 << 10;

impl Host for Sandbox {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Resource<Exchange>, HttpError>> {
        let capabilities = self.capabilities()?;
        match send(&capabilities, request).await {
            Ok(exchange) => Ok(Ok(self.table.push(exchange)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn check(&mut self, service: String) -> wasmtime::Result<Result<(), HttpError>> {
        let capabilities = self.capabilities()?;
        Ok(capabilities
            .services
            .find(&capabilities, "http.check", &service)
            .map_err(HttpError::from)
            .and_then(|upstream| {
                upstream.client().map_err(|why| HttpError::Unreachable(why.to_string()))?;
                own_headers(&upstream.service).map(|_| ())
            }))
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
        let capabilities = self.capabilities()?;
        let exchange = self.table.get_mut(&response)?;
        Ok(exchange.read(&capabilities).await)
    }

    async fn drop(&mut self, response: Resource<Exchange>) -> wasmtime::Result<()> {
        self.table.delete(response)?;
        Ok(())
    }
}

impl From<NotAllowed> for HttpError {
    fn from(why: NotAllowed) -> Self {
        Self::Denied(why.to_string())
    }
}

pub(super) async fn send(capabilities: &Capabilities, request: Request) -> Result<Exchange, HttpError> {
    let after_stop = capabilities.await_lease().await.is_some();
    if after_stop
        && (capabilities.is_fenced()
            || capabilities.requests_after_stop.fetch_add(1, Ordering::Relaxed) >= REQUESTS_AFTER_STOP)
    {
        return Err(HttpError::Stopped);
    }
    let upstream = capabilities.services.find(capabilities, "http.send", &request.service)?;
    // Read now: secrets may be changed before the response is there, and it repeats the ones that were sent.
    let secrets = upstream.service.headers.iter().flat_map(|(_, text)| text.secrets()).collect();
    let redactor = Redactor::new(secrets);
    let prepared = prepare(capabilities, &upstream, request)?;
    let exchange = async {
        let longest = upstream.service.timeout;
        let admitted = tokio::time::timeout(longest, capabilities.keep_active(upstream.admit())).await;
        let permit = admitted.map_err(|_| HttpError::TimedOut(millis(longest)))?.ok_or(HttpError::Stopped)?;
        capabilities
            .max_retry_after_ms
            .fetch_max(millis(upstream.service.max_retry_after), Ordering::Relaxed);
        capabilities.requests.fetch_add(1, Ordering::Relaxed);
        capabilities.meter.reach();
        let response =
            dispatch(capabilities, prepared).await.map_err(|why| client_error(&upstream.service, &why))?;
        Ok::<_, HttpError>((permit, response))
    };
    let (permit, response) = tokio::select! {
        exchanged = exchange => exchanged?,
        _ = capabilities.cancellation.cancelled(), if !after_stop => return Err(HttpError::Stopped),
    };
    if let Some(pause) = asked_to_wait(&response) {
        upstream.pause(pause);
    }
    let slot = Some(Slot::new(permit, upstream.service.idle_timeout));
    Ok(Exchange { upstream, response, redactor, ready: Vec::new(), received: 0, slot })
}

/// Sends a request, and records whether a server may have acted on it. None has where the connection failed, or where the
/// request was refused unread (429, RFC 6585 section 4). A 503 proves nothing: a gateway sends it after its backend has
/// acted, too.
async fn dispatch(
    capabilities: &Capabilities,
    request: reqwest::RequestBuilder,
) -> reqwest::Result<reqwest::Response> {
    // Recorded before it is sent: the attempt may be dropped while it waits for the response.
    capabilities.record_side_effect();
    let answer = request.send().await;
    let refused_unread = match &answer {
        Ok(response) => response.status().as_u16() == 429,
        Err(why) => why.is_connect(),
    };
    if refused_unread {
        capabilities.retract_side_effect();
    }
    answer
}

fn prepare(
    capabilities: &Capabilities,
    upstream: &Upstream,
    request: Request,
) -> Result<reqwest::RequestBuilder, HttpError> {
    let service = &upstream.service;
    let method = service
        .method(&request.method)
        .map_err(|why| capabilities.denied("http.send", why.to_string()))
        .map_err(HttpError::Denied)?;
    let url = service
        .url(&request.path)
        .map_err(|why| capabilities.denied("http.send", why.to_string()))
        .map_err(HttpError::Denied)?;
    let client = upstream.client().map_err(|why| match why {
        ServiceError::Address(refused) => {
            HttpError::Denied(capabilities.denied("http.send", refused.to_string()))
        }
        other @ (ServiceError::Setup { .. } | ServiceError::Secret(_)) => {
            HttpError::Unreachable(other.to_string())
        }
    })?;
    let mut builder = client.request(method, url);
    for attr in &request.headers {
        let (name, value) = service.header(attr).map_err(|why| HttpError::BadRequest(why.to_string()))?;
        builder = builder.header(name, value);
    }
    for (name, value) in own_headers(service)? {
        builder = builder.header(name, value);
    }
    Ok(builder.body(request.body))
}

/// The headers of the configuration with their secrets in place, marked sensitive so that no log prints them.
fn own_headers(service: &Service) -> Result<Vec<(reqwest::header::HeaderName, HeaderValue)>, HttpError> {
    service
        .headers
        .iter()
        .map(|(name, template)| {
            let denied = |why: String| HttpError::Denied(format!("service {}: {why}", service.name));
            let text = template.reveal().map_err(|why| denied(why.to_string()))?;
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                denied(format!("the value of its header {name} has a character that is not allowed"))
            })?;
            value.set_sensitive(true);
            Ok((name.clone(), value))
        })
        .collect()
}

/// Maps an error of the HTTP client to the contract's. Its text has neither headers nor secrets.
fn client_error(service: &Service, error: &reqwest::Error) -> HttpError {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        if let Some(refused) = inner.downcast_ref::<AddressRefused>() {
            return HttpError::Denied(format!("service {}: {refused}", service.name));
        }
        cause = inner.source();
    }
    let said = if text.is_empty() { error.to_string() } else { text };
    match () {
        () if error.is_connect() => {
            HttpError::Unreachable(format!("service {}: {said}{}", service.name, proxy_hint(service)))
        }
        () if error.is_timeout() => HttpError::TimedOut(millis(service.idle_timeout)),
        () if error.is_builder() => HttpError::BadRequest(said),
        () => HttpError::Broken(format!("service {}: {said}", service.name)),
    }
}

/// A hint for operators who expect the usual environment variables to select a proxy: this host ignores them, because
/// a proxy resolves names itself, past the address rules.
fn proxy_hint(service: &Service) -> String {
    let name = if service.base.scheme() == "https" { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if service.proxy.is_some() || !(is_set(name) || is_set(&name.to_ascii_lowercase())) {
        return String::new();
    }
    format!("; {name} is set, and not used: to go through a proxy, set [services.{}] proxy", service.name)
}

/// The `Retry-After` of a response that reports overload, if it is a number of seconds.
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

    async fn read(&mut self, capabilities: &Capabilities) -> Result<Option<Vec<u8>>, HttpError> {
        if capabilities.cancel_reason().is_some() {
            return Err(HttpError::Stopped);
        }
        if self.slot.as_ref().is_some_and(|slot| !slot.is_held()) {
            return Err(HttpError::TimedOut(millis(self.upstream.service.idle_timeout)));
        }
        while self.ready.is_empty() {
            let chunk = tokio::select! {
                chunk = self.response.chunk() => chunk.map_err(|why| client_error(&self.upstream.service, &why))?,
                _ = capabilities.cancellation.cancelled() => return Err(HttpError::Stopped),
            };
            if let Some(slot) = &self.slot {
                slot.touch();
            }
            let Some(chunk) = chunk else {
                self.slot = None;
                self.ready = self.redactor.rest();
                if self.ready.is_empty() {
                    return Ok(None);
                }
                break;
            };
            self.received += chunk.len();
            let limit = self.upstream.service.max_body;
            if self.received > limit {
                return Err(HttpError::TooLarge(limit as u64));
            }
            self.ready = self.redactor.pass(&chunk);
        }
        let rest = self.ready.split_off(self.ready.len().min(CHUNK));
        Ok(Some(std::mem::replace(&mut self.ready, rest)))
    }
}
