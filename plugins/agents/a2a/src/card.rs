//! Where and how an agent is spoken to, as its card says.

use baton_sdk::agent::{ErrorClass, Fault, one_line};
use serde_json::Value;

use crate::settings::Settings;

#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// What follows the service's own path. Scheme and host of the card's address are not used: those of the service
    /// are the operator's.
    pub path: String,
    pub tenant: Option<String>,
    pub streaming: bool,
}

/// A faulty card is for the operator to fix.
pub fn read(bytes: &[u8], settings: &Settings) -> Result<Endpoint, Fault> {
    let Ok(card @ Value::Object(_)) = serde_json::from_slice::<Value>(bytes) else {
        let shown = one_line(&String::from_utf8_lossy(bytes));
        return Err(unusable(&format!("is no JSON object: {shown}")));
    };
    let Some(interfaces) = card.get("supportedInterfaces").and_then(Value::as_array) else {
        return Err(unusable("names no `supportedInterfaces`: it is not one of A2A 1.0"));
    };
    let interface = choose(interfaces, settings.tenant)?;
    let declared = text(interface, "tenant").filter(|tenant| !tenant.is_empty());
    if let Some(extension) = required_extension(&card) {
        let extension = one_line(extension);
        return Err(unusable(&format!(
            "requires the extension `{extension}`, which this adapter does not know"
        )));
    }
    let streaming = card.get("capabilities").and_then(|capabilities| capabilities.get("streaming"));
    Ok(Endpoint {
        path: path(text(interface, "url").unwrap_or_default(), settings.base)?,
        tenant: declared.or(settings.tenant).map(str::to_owned),
        streaming: streaming.and_then(Value::as_bool).unwrap_or(false),
    })
}

/// The first that speaks JSON-RPC in version 1, and belongs to the tenant if one is configured.
fn choose<'a>(interfaces: &'a [Value], tenant: Option<&str>) -> Result<&'a Value, Fault> {
    let binding = |interface: &Value| text(interface, "protocolBinding").map(str::to_owned);
    let mut spoken = interfaces.iter().filter(|interface| binding(interface).as_deref() == Some("JSONRPC"));
    let ours: Vec<&Value> = spoken.clone().filter(|interface| version(interface).starts_with("1.")).collect();
    if ours.is_empty() {
        return Err(match spoken.next() {
            Some(other) => {
                let version = one_line(version(other));
                unusable(&format!("offers JSON-RPC in A2A {version}, and this adapter speaks 1.0"))
            }
            None => {
                let bindings: Vec<String> = interfaces.iter().filter_map(binding).collect();
                let bindings = one_line(&bindings.join(", "));
                unusable(&format!("offers no JSON-RPC, which this adapter speaks, but: {bindings}"))
            }
        });
    }
    let declared = |interface: &Value| text(interface, "tenant").unwrap_or_default().to_owned();
    match tenant {
        None => Ok(ours[0]),
        Some(tenant) => {
            let same = ours.iter().find(|interface| declared(interface) == tenant);
            let open = same.or_else(|| ours.iter().find(|interface| declared(interface).is_empty()));
            open.copied().ok_or_else(|| unusable(&format!("has no interface for the tenant `{tenant}`")))
        }
    }
}

fn version(interface: &Value) -> &str {
    match text(interface, "protocolVersion") {
        Some("1") => "1.0",
        Some(version) => version,
        None => "of no version",
    }
}

fn required_extension(card: &Value) -> Option<&str> {
    let extensions = card.get("capabilities")?.get("extensions")?.as_array()?;
    let required = |extension: &&Value| extension.get("required").and_then(Value::as_bool) == Some(true);
    Some(text(extensions.iter().find(required)?, "uri").unwrap_or("of no name"))
}

/// The path of an absolute address, without what the service's own path already is.
fn path(url: &str, base: &str) -> Result<String, Fault> {
    let refused = |why: &str| unusable(&format!("gives the address `{}`, {why}", one_line(url)));
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
        return Err(refused("which is not one of HTTP"));
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    let Some(path) = path.strip_prefix(base).filter(|path| path.is_empty() || path.starts_with(['/', '?']))
    else {
        return Err(refused(&format!("which is not below the service's own path `{base}`")));
    };
    let steps = path.split('?').next().unwrap_or_default();
    if steps.split('/').any(|step| step == "." || step == "..") {
        return Err(refused("which has a step `.` or `..`"));
    }
    Ok(if path.starts_with('?') { format!("/{path}") } else { path.to_owned() })
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn unusable(why: &str) -> Fault {
    Fault::new(ErrorClass::Environment, format!("the agent's card {why}"))
}

#[cfg(test)]
mod tests {
    use baton_sdk::agent::Attr;
    use serde_json::json;

    use super::*;

    fn endpoint(card: &Value, config: &[(&str, &str)]) -> Result<Endpoint, String> {
        let required = [("service", "s")];
        let config: Vec<Attr> = required.iter().chain(config).map(|(k, v)| Attr::new(*k, *v)).collect();
        let settings = Settings::read(&config).unwrap();
        read(card.to_string().as_bytes(), &settings).map_err(|fault| {
            assert_eq!(fault.class, ErrorClass::Environment);
            fault.message
        })
    }

    fn card(interfaces: &[(&str, &str, &str, &str)]) -> Value {
        let interfaces: Vec<Value> = interfaces
            .iter()
            .map(|(binding, version, url, tenant)| {
                json!({"protocolBinding": binding, "protocolVersion": version, "url": url, "tenant": tenant})
            })
            .collect();
        json!({"name": "A", "supportedInterfaces": interfaces, "capabilities": {"streaming": true}})
    }

    fn chosen(url: &str, base: &str) -> Result<String, String> {
        let card = card(&[("JSONRPC", "1.0", url, "")]);
        endpoint(&card, &[("base", base)]).map(|endpoint| endpoint.path)
    }

    #[test]
    fn the_first_interface_that_is_spoken_is_chosen() {
        let card = card(&[
            ("GRPC", "1.0", "https://a.example/grpc", ""),
            ("JSONRPC", "0.3", "https://a.example/old", ""),
            ("JSONRPC", "1.0", "https://a.example/a2a/v1", ""),
            ("JSONRPC", "1.1", "https://a.example/x", "t"),
        ]);
        let expected = Endpoint { path: String::from("/a2a/v1"), tenant: None, streaming: true };
        assert_eq!(endpoint(&card, &[]), Ok(expected));
        let of_tenant = endpoint(&card, &[("tenant", "t")]).unwrap();
        assert_eq!((of_tenant.path.as_str(), of_tenant.tenant.as_deref()), ("/x", Some("t")));
        let open = endpoint(&card, &[("tenant", "u")]).unwrap();
        assert_eq!((open.path.as_str(), open.tenant.as_deref()), ("/a2a/v1", Some("u")));
    }

    #[test]
    fn a_declared_tenant_is_used() {
        let card = card(&[("JSONRPC", "1.0", "https://a.example/", "t")]);
        assert_eq!(endpoint(&card, &[]).unwrap().tenant.as_deref(), Some("t"));
        let none = "the agent's card has no interface for the tenant `u`";
        assert_eq!(endpoint(&card, &[("tenant", "u")]).unwrap_err(), none);
    }

    #[test]
    fn what_is_not_spoken_is_named() {
        let old = card(&[("JSONRPC", "0.3.0", "https://a.example/", "")]);
        let expected = "the agent's card offers JSON-RPC in A2A 0.3.0, and this adapter speaks 1.0";
        assert_eq!(endpoint(&old, &[]).unwrap_err(), expected);
        let grpc = card(&[
            ("GRPC", "1.0", "https://a.example/", ""),
            ("HTTP+JSON", "1.0", "https://a.example/", ""),
        ]);
        let expected = "the agent's card offers no JSON-RPC, which this adapter speaks, but: GRPC, HTTP+JSON";
        assert_eq!(endpoint(&grpc, &[]).unwrap_err(), expected);
        let older = json!({"name": "A", "url": "https://a.example/", "protocolVersion": "0.3.0"});
        assert!(endpoint(&older, &[]).unwrap_err().contains("not one of A2A 1.0"));
        assert!(endpoint(&json!("x"), &[]).unwrap_err().contains("is no JSON object: \"x\""));
    }

    #[test]
    fn a_required_extension_is_not_ignored() {
        let mut card = card(&[("JSONRPC", "1.0", "https://a.example/", "")]);
        card["capabilities"]["extensions"] = json!([{"uri": "https://e.example/a"}]);
        assert!(endpoint(&card, &[]).is_ok());
        card["capabilities"]["extensions"] = json!([{"uri": "https://e.example/b", "required": true}]);
        assert!(endpoint(&card, &[]).unwrap_err().contains("`https://e.example/b`"));
    }

    #[test]
    fn only_the_path_of_an_address_is_used() {
        assert_eq!(chosen("https://other.example:8443/a2a/v1?x=1#f", ""), Ok(String::from("/a2a/v1?x=1")));
        assert_eq!(chosen("http://a.example", ""), Ok(String::new()));
        assert_eq!(chosen("http://a.example?x=1", ""), Ok(String::from("/?x=1")));
        assert_eq!(chosen("https://a.example/agents/b/rpc", "/agents/b/"), Ok(String::from("/rpc")));
        assert_eq!(chosen("https://a.example/agents/b", "/agents/b"), Ok(String::new()));
        for (url, base) in [
            ("https://a.example/agents/bc", "/agents/b"),
            ("https://a.example/rpc", "/agents/b"),
            ("https://a.example/../admin", ""),
            ("ftp://a.example/", ""),
            ("/rpc", ""),
            ("", ""),
        ] {
            assert!(chosen(url, base).unwrap_err().contains(&format!("`{url}`")), "{url}");
        }
    }
}
