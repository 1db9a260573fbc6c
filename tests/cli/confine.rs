//! Native programs, and what they are let out to. What this kernel can't hold is said aloud and not tested.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::stored::Stored;
use crate::support::{Env, git, output, plan, root};

/// What holds here, and whether all of it does.
fn holds(env: &Env) -> (Value, bool) {
    let holds = env.baton(&["__confinement"]).json();
    let all = holds["landlock"].as_u64().unwrap_or(0) >= 6 && holds["view"] == true && holds["calls"] == true;
    if !all {
        #[expect(clippy::print_stderr, reason = "a test that can't run says so")]
        let () = eprintln!(
            "SKIPPED: this kernel does not hold all confinement around native programs, but {holds}"
        );
    }
    (holds, all)
}

/// Everything that a program could get at, outside the folder that it works in.
struct World {
    env: Env,
    outside: PathBuf,
    tcp: TcpListener,
    udp: UdpSocket,
    _unix: UnixListener,
    _abstract: UnixListener,
    name: String,
}

const WORDS: &str = "untouched\n";

fn world() -> World {
    let env = Env::new();
    env.write("outside/kept", WORDS);
    std::fs::create_dir_all(env.path("outside/empty")).expect("folders can be made");
    env.write("home/.ssh/id", "secret");
    env.write("home/.aws/credentials", "secret");
    env.write("home/.bashrc", WORDS);
    env.write("repo/a.txt", "a\n");
    git(&env.path("repo"), &["init", "-q"]);
    git(&env.path("repo"), &["add", "."]);
    git(&env.path("repo"), &["commit", "-q", "-m", "first"]);
    std::fs::create_dir_all(env.path("config/work")).expect("folders can be made");
    let name = format!("baton-test-{}", env.path("").display());
    World {
        outside: env.path("outside"),
        tcp: TcpListener::bind("127.0.0.1:0").expect("a port is free"),
        udp: UdpSocket::bind("127.0.0.1:0").expect("a port is free"),
        _unix: UnixListener::bind(env.path("outside/unix")).expect("a socket can be made"),
        _abstract: UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).expect("it is short"))
            .expect("a socket can be made"),
        name,
        env,
    }
}

impl World {
    /// Runs the program with all its ways out under a profile with these further lines, and answers with what worked.
    fn ways_out(&self, cwd: &str, lines: &str) -> (usize, Vec<String>) {
        let (env, path) = (&self.env, |path: PathBuf| path.display().to_string());
        let argv = json!([
            "sh",
            "-c",
            "exec python3 \"$0\" \"$1\" \"$2\" \"$3\" \"$4\" \"$5\" \"$6\" \"$(cat host)\" \"$7\" \"$8\" \"$9\"",
            path(root().join("tests/programs/ways_out.py")),
            path(self.outside.clone()),
            path(self.outside.join("kept")),
            self.tcp.local_addr().expect("it is bound").port().to_string(),
            self.udp.local_addr().expect("it is bound").port().to_string(),
            path(self.outside.join("unix")),
            self.name,
            path(env.path("config/.baton")),
            path(env.path("repo")),
            path(env.path("home")),
        ]);
        let home = env.path("home").display().to_string();
        env.write(
            "config/baton.toml",
            &format!(
                "[agents.a]\nadapter = \"command\"\ncost = 0\nconfig = {{ profile = \"p\" }}\n[profiles.p]\n\
                 argv = {argv}\nenv = [\"PATH\", \"HOME={home}\"]\ncwd = \"{cwd}\"\n{lines}"
            ),
        );
        env.write("config/plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 1 } }])));
        let _ = std::fs::remove_dir_all(env.path("config/.baton"));
        let mut command = env.command(&["run", "plan.json", "-q"]);
        command.current_dir(env.path("config"));
        let host = env.path("config").join(cwd).join("host");
        rustix::fs::mkfifoat(rustix::fs::CWD, &host, rustix::fs::Mode::RWXU).expect("a pipe can be made");
        let running = env.spawn(command);
        std::fs::write(&host, running.id().to_string()).expect("the program reads it");
        let ended = running.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        std::fs::remove_file(host).expect("it is there");
        let stored = Stored::open(&self.env.path("config/.baton")).expect("there is a store");
        let report = Stored::report(&stored.attempts()[0]);
        let text = report["outcome"]["output"]["text"].as_str().expect("it is text");
        let tried = text.lines().find_map(|line| line.strip_prefix("tried ")?.parse().ok()).unwrap_or(0);
        (tried, text.lines().filter_map(|line| Some(line.strip_prefix("out ")?.to_owned())).collect())
    }

    fn is_untouched(&self) {
        let mut text = String::new();
        let kept = std::fs::File::open(self.outside.join("kept"))
            .and_then(|mut file| file.read_to_string(&mut text));
        assert!(kept.is_ok() && text == WORDS, "{kept:?} {text}");
        let mut names: Vec<_> = std::fs::read_dir(&self.outside)
            .expect("it is there")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["empty", "kept", "unix"]);
        assert!(!std::path::Path::new("/tmp/baton-evil").exists());
    }
}

#[test]
fn a_program_gets_out_in_none_of_many_ways() {
    let world = world();
    if !holds(&world.env).1 {
        return;
    }
    // In a folder of its own, and in the one in which the store is.
    for cwd in ["work", "."] {
        let (tried, out) = world.ways_out(cwd, "[profiles.p.confine]\nnet = \"none\"\n");
        // Beside a folder that is the configuration's lies nothing of ours.
        assert_eq!((tried, out), (74, Vec::<String>::new()), "in {cwd}");
        world.is_untouched();
    }
}

#[test]
fn a_program_connects_to_the_ports_that_are_named_and_to_no_other() {
    let world = world();
    if !holds(&world.env).1 {
        return;
    }
    let port = world.tcp.local_addr().expect("it is bound").port();
    let (_, out) = world.ways_out("work", &format!("[profiles.p.confine]\nnet = [{port}]\n"));
    assert_eq!(out, ["connect_tcp"]);
    let (_, out) = world.ways_out("work", "[profiles.p.confine]\nnet = [1]\n");
    assert_eq!(out, Vec::<String>::new());
    let (_, out) = world.ways_out("work", "");
    let by_default = ["connect_tcp", "send_udp", "ask_dns"];
    assert!(by_default.iter().all(|way| out.contains(&(*way).to_owned())), "{out:?}");
    let local = ["connect_unix", "connect_abstract", "socket_of_host", "write_outside"];
    assert!(!local.iter().any(|way| out.contains(&(*way).to_owned())), "{out:?}");
}

#[test]
fn what_a_profile_names_is_open_and_off_opens_everything() {
    let world = world();
    if !holds(&world.env).1 {
        return;
    }
    let home = world.env.path("home").display().to_string();
    let (_, out) = world.ways_out(
        "work",
        &format!("[profiles.p.confine]\nnet = \"none\"\nread = [\"~/.ssh\"]\nwrite = [\"{home}/.bashrc\"]\n"),
    );
    assert_eq!(out, ["ssh_keys", "write_shell_profile"]);
}

#[test]
fn off_opens_everything_and_is_shown() {
    let env = Env::new();
    let argv = json!(["sh", "-c", format!("echo out > '{}'", env.path("elsewhere").display())]);
    env.write(
        "work/baton.toml",
        &format!(
            "[agents.a]\nadapter = \"command\"\ncost = 0\nconfig = {{ profile = \"p\" }}\n\
             [profiles.p]\nargv = {argv}\nenv = [\"PATH\"]\nconfine = \"off\"\n"
        ),
    );
    env.write("work/plan.json", &plan(json!([{ "id": "a" }])));
    let inside = |args: &[&str]| {
        let mut command = env.command(args);
        command.current_dir(env.path("work"));
        output(command)
    };
    let said = inside(&["run", "plan.json"]);
    assert!(said.stderr.contains("not confined at all (confine = \"off\"): p"), "{said:?}");
    assert_eq!(std::fs::read_to_string(env.path("elsewhere")).expect("it got out"), "out\n");
    assert!(inside(&["agents", "show", "a"]).ok().contains("programs of p are not confined"));
    assert!(inside(&["doctor"]).stdout.contains("its programs may do whatever you may (confine = \"off\")"));
}

#[test]
fn a_refusal_names_what_would_allow_it() {
    let env = Env::new();
    if !holds(&env).1 {
        return;
    }
    env.write("elsewhere/x", "");
    let target = env.path("elsewhere/y").display().to_string();
    let argv = json!(["sh", "-c", format!("echo out > '{target}'")]);
    env.write(
        "work/baton.toml",
        &format!(
            "[agents.a]\nadapter = \"command\"\ncost = 0\nconfig = {{ profile = \"p\" }}\n\
             [profiles.p]\nargv = {argv}\nenv = [\"PATH\"]\n[profiles.p.confine]\nnet = [443]\n"
        ),
    );
    env.write("work/plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 1 } }])));
    let mut command = env.command(&["run", "plan.json"]);
    command.current_dir(env.path("work"));
    let said = output(command);
    assert_eq!(said.code, Some(1), "{said:?}");
    let hint = "it is confined and may write its own folder, read the system and its tools, and connect to port 443: \
                [profiles.p.confine] write, read, net and unix-sockets allow more";
    assert!(said.stdout.contains(hint) || said.stderr.contains(hint), "{said:?}");
}

#[test]
fn an_ill_formed_opening_is_refused_where_it_stands() {
    let env = Env::new();
    for (line, expected) in [
        ("confine = \"of\"", "\"off\" or a table with read, write, net and unix-sockets"),
        ("confine = { net = \"some\" }", "\"any\", \"none\" or a list of ports such as [443]"),
        ("confine = { net = [70000] }", "expected u16"),
        ("confine = { reed = [] }", "unknown field `reed`"),
    ] {
        env.write("baton.toml", &format!("[profiles.p]\nargv = [\"true\"]\n{line}\n"));
        let said = env.baton(&["agents", "list"]).fails(2);
        assert!(said.contains("baton.toml:3:") && said.contains(expected), "{line}: {said}");
    }
}

#[test]
fn doctor_says_what_holds_here() {
    let env = Env::new();
    env.write("baton.toml", "[profiles.p]\nargv = [\"true\"]\nenv = [\"PATH\"]\n");
    let said = env.baton(&["doctor"]).stdout;
    let line = said.lines().find(|line| line.contains("confinement of native programs")).unwrap_or_default();
    let expected = if holds(&env).1 {
        "ok    confinement of native programs: files, ports, signals and sockets (Landlock "
    } else {
        "warn  confinement of native programs: native programs are not kept from "
    };
    assert!(line.starts_with(expected), "{said}");
}
