//! The host's side. Nothing that a client sends or leaves out ends the host or keeps others waiting: every read and
//! write has a time limit, memory is taken as bytes come, and only so much of it, and the loop is asked few things at a
//! time.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_core::command::{Command, CommandError};
use baton_core::excerpt::{MESSAGE, excerpt};
use baton_core::id::RunId;
use baton_engine::Live;
use baton_engine::command::Reply;
use baton_store::Home;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::frame::{self, Head};
use super::registry::{Place, Registry};
use super::{Hello, PROTOCOL, Query, Request, Response};

/// Connections at once; beyond them the one that has been idle longest gives way.
const CONNECTIONS: usize = 256;
/// Timeout for a peer's hello.
const HELLO: Duration = Duration::from_secs(5);
/// Timeout for a frame that has begun.
const FRAME: Duration = Duration::from_secs(10);
/// Idle timeout: a peer that has not asked anything is disconnected, and may connect again.
const IDLE: Duration = Duration::from_secs(60);
/// Timeout for a peer to read an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Large requests that are read, parsed and carried out at once, and how long one waits for its turn.
const LARGE: usize = 1;
const TURN: Duration = Duration::from_secs(30);
/// Questions that the loop is asked at once, and commands that are under way: others wait their turn.
const QUERIES: usize = 2;
const COMMANDS: usize = 64;

/// A host's open socket. It is closed when this is dropped.
pub struct Server {
    task: tokio::task::JoinHandle<()>,
    home: Home,
    guests: Guests,
}

/// Runs that were handed over through the socket.
type Guests = Arc<Mutex<BTreeSet<RunId>>>;

/// What all connections share.
struct Shared {
    live: Live,
    guests: Guests,
    large: Arc<Semaphore>,
    queries: Semaphore,
    commands: Semaphore,
    /// Commands that may take minutes are carried out one at a time.
    heavy: Semaphore,
}

impl Server {
    /// Opens the host's socket, for its owner only, and serves it until what is returned is dropped.
    ///
    /// # Errors
    /// The socket can't be made.
    pub fn open(home: &Home, live: Live) -> std::io::Result<Self> {
        let path = home.socket();
        // The caller holds the store's lock, so whoever left this file behind is gone.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let guests = Guests::default();
        let shared = Arc::new(Shared {
            live,
            guests: Arc::clone(&guests),
            large: Arc::new(Semaphore::new(LARGE)),
            queries: Semaphore::new(QUERIES),
            commands: Semaphore::new(COMMANDS),
            heavy: Semaphore::new(1),
        });
        let task = tokio::spawn(accept(listener, shared));
        Ok(Self { task, home: home.clone(), guests })
    }

    /// The runs that others handed over so far.
    pub fn guests(&self) -> impl Fn() -> BTreeSet<RunId> + use<> {
        let guests = Arc::clone(&self.guests);
        move || guests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(self.home.socket());
    }
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let registry = Registry::default();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No file descriptor is left, most likely: somebody has to close one first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let is_own = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw());
        if let Some(place) = is_own.then(|| registry.enter(CONNECTIONS)).flatten() {
            tokio::spawn(Connection::of(stream, place, Arc::clone(&shared)).serve());
        }
    }
}

struct Connection {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    place: Place,
    shared: Arc<Shared>,
}

/// How waiting for a peer ended.
enum Came {
    Request(Result<Request, CommandError>, Option<OwnedSemaphorePermit>),
    /// A large one has waited for its turn for too long, and was not read.
    Busy,
    /// What follows its head is not read.
    TooLong,
    /// It is gone, was too slow, or sent what nobody understands.
    Nothing,
    /// Others need the place.
    Full,
}

impl Connection {
    fn of(stream: UnixStream, place: Place, shared: Arc<Shared>) -> Self {
        let (read, write) = stream.into_split();
        Self { read, write, place, shared }
    }

    async fn serve(mut self) {
        if self.greeted().await.is_none() {
            return;
        }
        loop {
            self.place.waits();
            let gives_way = self.place.gives_way();
            let came = tokio::select! {
                () = gives_way => Came::Full,
                came = self.next() => came,
            };
            let (response, is_last) = match came {
                Came::Nothing => return,
                Came::Full => (Response::Full, true),
                Came::TooLong => (Response::Failed(CommandError::too_long()), true),
                Came::Busy => (Response::Failed(busy_with_large()), true),
                Came::Request(Err(why), _) => (Response::Failed(why), false),
                // A large one keeps its turn until it is carried out: at most one holds up small ones.
                Came::Request(Ok(request), _turn) => {
                    self.place.is_busy();
                    (self.shared.answer(request).await, false)
                }
            };
            if self.said(&response).await.is_none() || is_last {
                return;
            }
        }
    }

    /// Both sides say who they are; none if they part.
    async fn greeted(&mut self) -> Option<()> {
        let gives_way = self.place.gives_way();
        let hello = async {
            match timeout(HELLO, frame::head(&mut self.read)).await.ok()?.ok()? {
                Head::Frame(length) if length <= frame::SMALL => {
                    let body = timeout(FRAME, frame::body(&mut self.read, length)).await.ok()?.ok()?;
                    serde_json::from_slice::<Hello>(&body).ok().map(Some)
                }
                Head::Frame(_) | Head::TooLong(_) => None,
                Head::Old => {
                    let _ = timeout(HELLO, frame::rest_of_line(&mut self.read)).await;
                    Some(None)
                }
            }
        };
        let peer = tokio::select! {
            () = gives_way => None,
            hello = hello => hello,
        };
        match peer? {
            Some(peer) => {
                self.said(&Hello::own()).await?;
                (peer.protocol == PROTOCOL).then_some(())
            }
            // Its protocol is a JSON object in a line.
            None => {
                let Hello { baton, pid, .. } = Hello::own();
                let why = format!(
                    "the host (process {pid}) is baton {baton}, and this one is older: use the same binary for both"
                );
                let line = format!("{}\n", serde_json::json!({ "not-understood": why }));
                let _ = timeout(ANSWER, self.write.write_all(line.as_bytes())).await;
                None
            }
        }
    }

    async fn next(&mut self) -> Came {
        let length = match timeout(IDLE, frame::head(&mut self.read)).await {
            Ok(Ok(Head::Frame(length))) => length,
            Ok(Ok(Head::TooLong(_))) => return Came::TooLong,
            Ok(Ok(Head::Old) | Err(_)) | Err(_) => return Came::Nothing,
        };
        let leave = if length > frame::SMALL {
            match timeout(TURN, Arc::clone(&self.shared.large).acquire_owned()).await {
                Ok(Ok(leave)) => Some(leave),
                Ok(Err(_)) => return Came::Nothing,
                Err(_) => return Came::Busy,
            }
        } else {
            None
        };
        let Ok(Ok(body)) = timeout(FRAME, frame::body(&mut self.read, length)).await else {
            return Came::Nothing;
        };
        let request = if leave.is_some() {
            tokio::task::spawn_blocking(move || understood(&body)).await
        } else {
            Ok(understood(&body))
        };
        request.map_or(Came::Nothing, |request| Came::Request(request, leave))
    }

    /// Sends an answer; none if the peer does not take it, or others need the place more.
    async fn said(&mut self, message: &impl serde::Serialize) -> Option<()> {
        let frame = frame::of(message, "").ok()?;
        self.place.waits();
        let gives_way = self.place.gives_way();
        tokio::select! {
            biased;
            written = timeout(ANSWER, self.write.write_all(&frame)) => written.ok()?.ok(),
            () = gives_way => None,
        }
    }
}

fn understood(body: &[u8]) -> Result<Request, CommandError> {
    let request: Request = serde_json::from_slice(body).map_err(|why| CommandError::Invalid {
        what: excerpt(format!("the host does not understand this: {why}"), MESSAGE),
    })?;
    match request {
        Request::Command(command) => Ok(Request::Command(Box::new(command.from_outside()?))),
        query @ Request::Query(_) => Ok(query),
    }
}

impl Shared {
    async fn answer(&self, request: Request) -> Response {
        match request {
            Request::Command(command) => match self.carried_out(*command).await {
                Ok(reply) => Response::Done(Box::new(reply)),
                Err(why) => Response::Failed(why),
            },
            Request::Query(query) => self.queried(query).await.unwrap_or_else(|| Response::Failed(stopped())),
        }
    }

    async fn carried_out(&self, command: Command) -> Result<Reply, CommandError> {
        let _turn = self.commands.acquire().await.map_err(|_| stopped())?;
        let _alone = if command.is_long() { Some(self.alone()?) } else { None };
        let reply = self.live.command(command).await?;
        if let Reply::Run { run, .. } = reply {
            self.guests.lock().unwrap_or_else(PoisonError::into_inner).insert(run);
        }
        Ok(reply)
    }

    /// Leave to look through the record.
    fn alone(&self) -> Result<SemaphorePermit<'_>, CommandError> {
        let why = "the host is searching the record for another client: try again".to_owned();
        self.heavy.try_acquire().map_err(|_| CommandError::Busy { why })
    }

    /// None if the host has stopped.
    async fn queried(&self, query: Query) -> Option<Response> {
        let _turn = self.queries.acquire().await.ok()?;
        Some(match query {
            Query::Phase(run) => Response::Phase(self.live.phase(run).await?),
            Query::Waits(run) => Response::Waits(self.live.waits(run).await?),
            Query::Why(task) => Response::Why(Box::new(self.live.known(task).await?)),
        })
    }
}

fn busy_with_large() -> CommandError {
    CommandError::Busy { why: "the host is at work on another large request: try again".into() }
}

fn stopped() -> CommandError {
    CommandError::Unavailable { why: "the host has stopped".into() }
}
