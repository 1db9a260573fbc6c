//! Nothing that an attempt started outlives it: not a session of its own, not what ignores every signal that can be
//! ignored, not what nobody is the parent of any more. All of it holds a pipe open whose end is seen here.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::json;

use crate::support::{BATON, Env, plan};

/// Starts a process of each kind, says so in the file `up`, and does what its argument says.
const FAMILY: &str = r#"
import ctypes, os, platform, signal, sys, threading, time

os.open("alive", os.O_WRONLY)

def child(*steps):
    if os.fork() == 0:
        for step in steps:
            step()
        time.sleep(600)
        os._exit(0)

def deaf():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)

def orphan():
    if os.fork() != 0:
        os._exit(0)

def breeds():
    while True:
        time.sleep(0.01)
        orphan()

def odd_name():
    ctypes.CDLL(None).prctl(15, b"\xff\xfe) Z 1", 0, 0, 0)

def headless():
    threading.Thread(target=time.sleep, args=(600,)).start()
    # The first thread alone ends: the process looks like one that is dead.
    ctypes.CDLL(None).syscall(60 if platform.machine() == "x86_64" else 93, 0)

child()
child(odd_name)
child(os.setsid, odd_name, deaf)
child(os.setsid, headless)
child(deaf)
child(os.setsid)
child(os.setpgrp, deaf)
child(os.setsid, orphan, deaf)
child(deaf, os.setsid, orphan, breeds)
open("up", "w").close()
end = sys.argv[1]
if end == "flood":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        while True:
            os.write(1, b"x" * 65536)
    except OSError:
        pass
if end != "leave":
    time.sleep(600)
"#;

/// How the attempt comes to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    ByItself,
    TimedOut,
    TooMuchOutput,
    Cancelled,
    HostKilled,
    InterruptedTwice,
}

const ENDS: [End; 6] = [
    End::ByItself,
    End::TimedOut,
    End::TooMuchOutput,
    End::Cancelled,
    End::HostKilled,
    End::InterruptedTwice,
];

fn family(end: End) -> Env {
    let env = Env::new();
    env.write("family.py", FAMILY);
    let (what, timeout) = match end {
        End::ByItself => ("leave", "60s"),
        End::TimedOut => ("stay", "2s"),
        End::TooMuchOutput => ("flood", "60s"),
        End::Cancelled | End::HostKilled | End::InterruptedTwice => ("stay", "60s"),
    };
    env.write(
        "baton.toml",
        &format!(
            "[agents.a]\nadapter = \"command\"\ncost = 0\nconfig = {{ profile = \"p\" }}\n[profiles.p]\n\
             argv = [\"python3\", \"family.py\", \"{what}\"]\nenv = [\"PATH\"]\ntimeout = \"{timeout}\"\n\
             max-stdout = \"1KiB\"\ninterrupt = \"100ms\"\nterminate = \"100ms\"\n"
        ),
    );
    env.write("plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 1 } }])));
    rustix::fs::mkfifoat(rustix::fs::CWD, env.path("alive"), rustix::fs::Mode::RWXU).expect("a pipe is made");
    env
}

/// Opens when the program does, within a bounded time.
fn begun(env: &Env) -> std::fs::File {
    let (tell, told) = std::sync::mpsc::channel();
    let path = env.path("alive");
    std::thread::spawn(move || tell.send(std::fs::File::open(path)));
    told.recv_timeout(Duration::from_secs(60)).expect("the program begins").expect("it opens")
}

/// Whether all who hold the pipe are gone within a bounded time.
fn all_gone(mut pipe: std::fs::File) -> bool {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = pipe.read_to_end(&mut Vec::new());
        let _ = tell.send(());
    });
    told.recv_timeout(Duration::from_secs(20)).is_ok()
}

#[test]
fn nothing_outlives_its_attempt_however_that_ends() {
    for end in ENDS {
        let env = family(end);
        let mut host = env.start(&["run", "plan.json"]);
        let pipe = begun(&env);
        match end {
            End::ByItself | End::TimedOut | End::TooMuchOutput => {}
            End::Cancelled => {
                env.until("the attempt", |stored| stored.events("assigned").len() == 1);
                let _ = env.baton(&["cancel", "a"]).ok();
            }
            End::HostKilled => host.kill(),
            End::InterruptedTwice => {
                host.interrupt();
                host.until_said("once more to stop now");
                host.interrupt();
            }
        }
        assert!(all_gone(pipe), "{end:?}: something is still there");
        let prefix = format!("baton-{}-", host.id());
        if end == End::HostKilled {
            continue;
        }
        let _ = host.wait();
        let temporary = std::fs::read_dir(std::env::temp_dir()).expect("it is there").flatten();
        let left = temporary.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).count();
        assert_eq!(left, 0, "{end:?}: its temporary folder is still there");
    }
}

#[test]
fn a_program_over_its_limit_is_dead_when_that_is_said() {
    let env = family(End::TooMuchOutput);
    let host = env.start(&["run", "plan.json"]);
    let pipe = begun(&env);
    let said = host.wait();
    assert!(
        said.stdout.contains("killed: it wrote more than")
            || said.stderr.contains("killed: it wrote more than"),
        "{said:?}"
    );
    assert!(all_gone(pipe));
}

#[test]
fn what_is_to_end_is_interrupted_then_terminated_then_killed() {
    let env = Env::new();
    let notes = "import os, signal, time\n\
                 def note(number, frame):\n    open('signals', 'a').write(signal.Signals(number).name + '\\n')\n\
                 for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, note)\n\
                 os.open('alive', os.O_WRONLY)\nwhile True: time.sleep(1)\n";
    env.write("notes.py", notes);
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"command\"\ncost = 0\nconfig = { profile = \"p\" }\n[profiles.p]\n\
         argv = [\"python3\", \"notes.py\"]\nenv = [\"PATH\"]\ninterrupt = \"300ms\"\nterminate = \"300ms\"\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a" }])));
    rustix::fs::mkfifoat(rustix::fs::CWD, env.path("alive"), rustix::fs::Mode::RWXU).expect("a pipe is made");
    let host = env.start(&["run", "plan.json"]);
    let pipe = begun(&env);
    env.until("the attempt", |stored| stored.events("assigned").len() == 1);
    let _ = env.baton(&["cancel", "a"]).ok();
    assert!(all_gone(pipe));
    let _ = host.wait();
    assert_eq!(std::fs::read_to_string(env.path("signals")).expect("it was signalled"), "SIGINT\nSIGTERM\n");
}

/// Its input stays open, so that only the death of its parent can end it.
#[test]
fn a_compiler_ends_with_the_host_that_wants_it() {
    let env = Env::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, env.path("in"), rustix::fs::Mode::RWXU).expect("a pipe is made");
    let script = format!("echo $$; '{BATON}' __compile router $$ < in & wait");
    let mut parent = Command::new("sh")
        .args(["-c", &script])
        .current_dir(env.path("."))
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("there is a shell");
    let input = std::fs::OpenOptions::new().write(true).open(env.path("in")).expect("the compiler reads it");
    let output = std::os::fd::OwnedFd::from(parent.stdout.take().expect("piped"));
    rustix::process::kill_process(Pid::from_child(&parent), Signal::KILL).expect("it is there");
    let _ = parent.wait();
    assert!(all_gone(output.into()), "the compiler is still there");
    drop(input);
}
