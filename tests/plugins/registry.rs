//! Components from elsewhere: an address, and an OCI registry with the layout that `wkg` writes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::OciImageManifest;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};

use super::guests::guest;
use crate::support::Env;

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Answers every request with these bytes.
fn serve(status: &'static str, body: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            let mut stream: TcpStream = stream;
            let _ = stream.read(&mut [0; 4096]);
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    port
}

#[test]
fn a_component_is_installed_from_an_address_by_its_digest() {
    let env = Env::with_mocks();
    let wasm = guest("liar");
    let digest = baton_plugin::digest(&wasm);
    let address = format!("http://127.0.0.1:{}/team/helper.wasm", serve("200 OK", wasm));
    let other = format!("blake3:{}", "0".repeat(64));
    let said = env.baton(&["plugin", "add", &address, "--digest", &other]).fails(1);
    assert!(said.contains(&format!("{address} is {digest}, expected {other}")), "{said}");
    let said = env.baton(&["plugin", "add", &address, "--digest", &digest]).ok();
    assert_eq!(said, format!("agent helper is installed as {digest}\n"));
    let missing = format!("http://127.0.0.1:{}/helper.wasm", serve("404 Not Found", Vec::new()));
    let said = env.baton(&["plugin", "add", &missing]).fails(3);
    assert!(said.contains("can't be fetched: the server answered 404 Not Found"), "{said}");
    let nobody = format!("http://127.0.0.1:{}/helper.wasm", port());
    assert!(env.baton(&["plugin", "add", &nobody]).fails(3).contains("Connection refused"));
}

/// Debian's registry, on a folder of the test's.
struct Registry {
    server: Child,
    port: u16,
}

impl Registry {
    fn start(env: &Env) -> Self {
        let port = port();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            env.path("registry").display()
        );
        let config = env.write("registry.yml", &config);
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = server.unwrap_or_else(|why| {
            panic!("docker-registry can't be started ({why}): apt-get install docker-registry")
        });
        let registry = Self { server, port };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return registry;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("docker-registry does not listen on port {port}");
    }

    fn push(&self, name: &str, layers: Vec<ImageLayer>) {
        // Whoever was first is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let reference: Reference =
            format!("localhost:{}/{name}", self.port).parse().expect("it is a reference");
        let config = ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() };
        let client = Client::try_from(config).expect("a client can be made");
        let config = Config {
            data: "{}".into(),
            media_type: "application/vnd.wasm.config.v0+json".into(),
            annotations: None,
        };
        let manifest = OciImageManifest::build(&layers, &config, None);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
        let pushed = runtime.block_on(client.push(
            &reference,
            &layers,
            config,
            &RegistryAuth::Anonymous,
            Some(manifest),
        ));
        pushed.unwrap_or_else(|why| panic!("{name} can't be pushed: {why}"));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn layer(bytes: Vec<u8>) -> ImageLayer {
    ImageLayer::new(bytes, "application/wasm".into(), None)
}

#[test]
fn a_component_is_pulled_from_a_registry() {
    let env = Env::with_mocks();
    let registry = Registry::start(&env);
    let wasm = guest("liar");
    let digest = baton_plugin::digest(&wasm);
    registry.push("team/helper:1.0", vec![layer(wasm.clone())]);
    let reference = format!("oci://localhost:{}/team/helper:1.0", registry.port);
    assert_eq!(
        env.baton(&["plugin", "add", &reference]).ok(),
        format!("agent helper is installed as {digest}\n")
    );
    let stored = env.path(&format!(".baton/plugins/{}.wasm", digest.trim_start_matches("blake3:")));
    assert_eq!(fs::read(stored).expect("it is installed"), wasm);
    let said = env.baton(&["plugin", "add", &reference.replace("1.0", "2.0")]).fails(3);
    assert!(said.contains("team/helper:2.0 can't be fetched: "), "{said}");
    registry.push("team/two:1.0", vec![layer(b"\0asm-one".to_vec()), layer(b"\0asm-two".to_vec())]);
    let two = format!("oci://localhost:{}/team/two:1.0", registry.port);
    let said = env.baton(&["plugin", "add", &two]).fails(3);
    assert!(said.contains("expected one component in it, found 2 layers"), "{said}");
}
