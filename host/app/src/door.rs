//! The one way in for whoever wants a change: to the host that runs, over its socket, or to the store itself when
//! none does. Both take the same operations.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_core::id::{RunId, TaskId};
use baton_core::op::{Applied, Op, Rejection};
use baton_engine::waits::Wait;
use baton_engine::why::Why;
use baton_engine::{Live, Phase};
use baton_store::writer::Answers;
use baton_store::{Home, Lock, OpenError, Store};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

/// What is said over the socket: one JSON object a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Request {
    Apply(Vec<Op>),
    /// End once what runs has ended.
    Drain,
    /// Where a run stands.
    Phase(RunId),
    /// What a run waits for.
    Waits(RunId),
    /// Why a task is not running.
    Why(TaskId),
}

/// What is answered: one JSON object a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Response {
    Applied(Answers),
    Draining,
    Phase(Option<Phase>),
    Waits(Vec<Wait>),
    Why(Result<Why, String>),
    NotUnderstood(String),
}

/// Who applies operations.
pub enum Door {
    /// Another process, which hosts the store.
    Host(UnixStream),
    /// This process.
    Own(Box<Store>),
}

impl Door {
    /// Finds the host, or takes the store.
    ///
    /// # Errors
    /// The store can't be opened, or a host holds it that does not answer.
    pub fn open(home: &Home) -> Result<Self, OpenError> {
        match Lock::take(home) {
            Ok(lock) => Ok(Self::Own(Box::new(Store::open(home, lock)?))),
            Err(OpenError::Locked { folder, pid }) => match Self::host(home) {
                Some(host) => Ok(host),
                None => Err(OpenError::Locked { folder, pid }),
            },
            Err(other) => Err(other),
        }
    }

    /// The host that runs, if one does. Unlike [`Door::open`] this takes no lock, so it is in nobody's way.
    #[must_use]
    pub fn host(home: &Home) -> Option<Self> {
        let stream = UnixStream::connect(home.socket()).ok()?;
        match rustix::net::sockopt::socket_peercred(stream.as_fd()) {
            Ok(peer) if peer.uid == rustix::process::getuid() => Some(Self::Host(stream)),
            Ok(peer) => {
                let (path, uid) = (home.socket(), peer.uid.as_raw());
                tracing::warn!(
                    "{} belongs to user {uid}, and nothing is said to it: who may write to its folder?",
                    path.display()
                );
                None
            }
            Err(_) => None,
        }
    }

    /// Applies one operation; it is durable when this returns.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn apply(&mut self, op: Op) -> Result<Applied, Rejection> {
        let answers = match self {
            Self::Own(store) => store.apply(vec![op]),
            Self::Host(stream) => match ask(stream, &Request::Apply(vec![op])) {
                Ok(Response::Applied(answers)) => answers,
                Ok(other) => return Err(Rejection::Store(other.unexpected().to_string())),
                Err(why) => return Err(Rejection::Store(why.to_string())),
            },
        };
        answers.into_iter().next().unwrap_or_else(|| Err(Rejection::Store("no answer".into())))
    }

    /// Asks the host to end once what runs has ended; false if there is none.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn drain(&mut self) -> std::io::Result<bool> {
        match self {
            Self::Own(_) => Ok(false),
            Self::Host(stream) => match ask(stream, &Request::Drain)? {
                Response::Draining => Ok(true),
                other => Err(other.unexpected()),
            },
        }
    }

    /// Where a run stands; none where no host conducts it.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn phase(&mut self, run: RunId) -> std::io::Result<Option<Phase>> {
        match self {
            Self::Own(_) => Ok(None),
            Self::Host(stream) => match ask(stream, &Request::Phase(run))? {
                Response::Phase(phase) => Ok(phase),
                other => Err(other.unexpected()),
            },
        }
    }

    /// What a run waits for; none where no host conducts it.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn waits(&mut self, run: RunId) -> std::io::Result<Option<Vec<Wait>>> {
        match self {
            Self::Own(_) => Ok(None),
            Self::Host(stream) => match ask(stream, &Request::Waits(run))? {
                Response::Waits(waits) => Ok(Some(waits)),
                other => Err(other.unexpected()),
            },
        }
    }

    /// Why a task is not running, by what the host decides by; none where there is no host.
    ///
    /// # Errors
    /// The host does not answer, or can't read the store.
    pub fn why(&mut self, task: TaskId) -> std::io::Result<Option<Why>> {
        match self {
            Self::Own(_) => Ok(None),
            Self::Host(stream) => match ask(stream, &Request::Why(task))? {
                Response::Why(why) => why.map(Some).map_err(std::io::Error::other),
                other => Err(other.unexpected()),
            },
        }
    }

    #[must_use]
    pub fn is_host(&self) -> bool {
        matches!(self, Self::Host(_))
    }
}

impl Response {
    fn unexpected(&self) -> std::io::Error {
        std::io::Error::other(match self {
            Self::NotUnderstood(why) => format!("the host does not understand this: {why}"),
            Self::Applied(_) | Self::Draining | Self::Phase(_) | Self::Waits(_) | Self::Why(_) => {
                "the host answered something else: is it of another version?".to_owned()
            }
        })
    }
}

fn ask(stream: &mut UnixStream, request: &Request) -> std::io::Result<Response> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut asked = serde_json::to_vec(request)?;
    if asked.len() > LINE {
        return Err(std::io::Error::other(too_long()));
    }
    asked.push(b'\n');
    stream.write_all(&asked)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// A host's open socket. It is closed when this is dropped.
pub struct Served {
    task: tokio::task::JoinHandle<()>,
    guests: Guests,
}

/// Runs that were handed over through the socket.
type Guests = Arc<Mutex<BTreeSet<RunId>>>;

impl Served {
    /// The runs that others handed over so far.
    pub fn guests(&self) -> impl Fn() -> BTreeSet<RunId> + use<> {
        let guests = Arc::clone(&self.guests);
        move || guests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens the host's socket, for its owner only, and serves it until what is returned is dropped.
///
/// # Errors
/// The socket can't be made.
pub fn serve(home: &Home, live: Live) -> std::io::Result<Served> {
    let path = home.socket();
    // We hold the store's lock, so whoever left this file behind is gone.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let guests = Guests::default();
    let of_clients = Arc::clone(&guests);
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            if stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw()) {
                tokio::spawn(attend(stream, live.clone(), Arc::clone(&of_clients)));
            }
        }
    });
    Ok(Served { task, guests })
}

/// The most bytes that are read of one request.
const LINE: usize = 16 << 20;

fn too_long() -> String {
    format!(
        "a request to a host has at most {} MiB: submit a larger plan while no host runs, or divide it",
        LINE >> 20
    )
}

/// The next line, whole or as much of it as is read; none when there are no more.
async fn next(read: &mut (impl AsyncBufRead + Unpin)) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let read = read.take(LINE as u64 + 1).read_until(b'\n', &mut line).await;
    read.is_ok_and(|count| count > 0).then_some(line)
}

async fn attend(stream: tokio::net::UnixStream, live: Live, guests: Guests) {
    let (read, mut write) = stream.into_split();
    let mut read = tokio::io::BufReader::new(read);
    while let Some(line) = next(&mut read).await {
        let cut = line.len() > LINE && line.last() != Some(&b'\n');
        let request =
            if cut { Err(too_long()) } else { serde_json::from_slice(&line).map_err(|why| why.to_string()) };
        let response = match request {
            Ok(Request::Apply(ops)) => {
                let answers = live.apply_all(ops).await;
                let opened = answers.iter().filter_map(|answer| Some(answer.as_ref().ok()?.reply.run()?.0));
                guests.lock().unwrap_or_else(PoisonError::into_inner).extend(opened);
                Response::Applied(answers)
            }
            Ok(Request::Drain) => {
                live.drain();
                Response::Draining
            }
            Ok(Request::Phase(run)) => Response::Phase(live.phase(run).await),
            Ok(Request::Waits(run)) => Response::Waits(live.waits(run).await.unwrap_or_default()),
            Ok(Request::Why(task)) => {
                Response::Why(live.why(task).await.unwrap_or_else(|| Err("the host has stopped".into())))
            }
            Err(why) => Response::NotUnderstood(why),
        };
        let Ok(mut reply) = serde_json::to_vec(&response) else { return };
        reply.push(b'\n');
        // What follows a line that was cut is the rest of it, and no request.
        if write.write_all(&reply).await.is_err() || cut {
            return;
        }
    }
}
