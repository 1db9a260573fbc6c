//! A scripted server on loopback that speaks just enough HTTP/1.1 to stand in for a model: it answers what a test says
//! and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method and path, such as `POST /v1/chat/completions`.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why} in {:?}", self.body))
    }
}

/// What it answers: a status, headers and a body.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Nothing follows the body, and nothing says that it is over.
    pub open: bool,
}

impl Reply {
    pub fn json(body: &serde_json::Value) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/json".into())],
            body: body.to_string(),
            open: false,
        }
    }

    /// Server-sent events, each with its name where its data have a `type`; a string is sent as it is.
    pub fn events(events: &[serde_json::Value]) -> Self {
        let event = |event: &serde_json::Value| {
            let name = event.get("type").and_then(serde_json::Value::as_str);
            let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
            let data = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
            format!("{name}data: {data}\n\n")
        };
        Self {
            status: 200,
            headers: vec![("content-type", "text/event-stream".into())],
            body: events.iter().map(event).collect(),
            open: false,
        }
    }

    /// It does not end.
    pub fn left_open(mut self) -> Self {
        self.open = true;
        self
    }

    /// A chat completion that says this and used so many tokens.
    pub fn chat(text: &str, input: u64, output: u64) -> Self {
        Self::json(&serde_json::json!({
            "id": "c1", "object": "chat.completion", "model": "scripted-1",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } }],
            "usage": { "prompt_tokens": input, "completion_tokens": output, "total_tokens": input.saturating_add(output) },
        }))
    }

    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: "{}".into(), open: false }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// Serves until the test ends.
pub struct Model {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    busy: Arc<Busy>,
}

/// How many requests are being answered, and how many were at most.
#[derive(Default)]
struct Busy {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Model {
    /// `answer` is told how many requests came before.
    pub fn start(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
        let port = listener.local_addr().expect("it is bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        let busy = Arc::new(Busy::default());
        let counted = Arc::clone(&busy);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer, busy) = (Arc::clone(&log), Arc::clone(&answer), Arc::clone(&counted));
                std::thread::spawn(move || serve(stream, &log, &busy, answer.as_ref()));
            }
        });
        Self { port, asked, busy }
    }

    /// How many requests were being answered at once, at most.
    pub fn most_at_once(&self) -> usize {
        self.busy.most.load(Ordering::SeqCst)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no server thread panics").clone()
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    busy: &Busy,
    answer: &dyn Fn(usize, &Asked) -> Reply,
) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    while let Some(asked) = read(&mut reader) {
        let before = {
            let mut log = log.lock().expect("no server thread panics");
            log.push(asked.clone());
            log.len() - 1
        };
        let now = busy.now.fetch_add(1, Ordering::SeqCst) + 1;
        busy.most.fetch_max(now, Ordering::SeqCst);
        let Reply { status, headers, body, open } = answer(before, &asked);
        busy.now.fetch_sub(1, Ordering::SeqCst);
        let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
        head.push_str(&match open {
            true => String::from("connection: close\r\n"),
            false => format!("content-length: {}\r\n", body.len()),
        });
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if stream.write_all(format!("{head}\r\n{body}").as_bytes()).is_err() {
            return;
        }
        if open {
            // Until the other side goes away.
            let _ = reader.read(&mut [0]);
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let line = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
