//! A client that means harm, or is broken, against a host that works: whatever it sends or leaves out, the run goes on
//! and others are answered.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use baton_app::config::Config;
use baton_app::config::ladder::Ladder;
use baton_app::{App, AppError};
use baton_core::clock::Stopwatch;
use baton_core::command::{Backtest, Command};
use baton_core::id::RunId;
use baton_core::op::{RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::StateName;
use baton_core::trial::TrialPhase;
use serde_json::{Value, json};

use crate::support::stored::Stored;
use crate::support::{Env, chain, plan};

const BUSY: &str =
    "[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\ncapacity = 4\nconfig = { latency-ms = 100 }\n";
/// The most bytes of a frame that a host reads.
const LONGEST: u32 = (16 << 20) + 1024;

/// Whether a task runs.
fn runs(stored: &Stored) -> bool {
    stored.tasks_in(StateName::Running) > 0
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("a short frame");
    [length.to_be_bytes().as_slice(), bytes].concat()
}

fn read(stream: &mut UnixStream) -> Option<Value> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn hello(protocol: u32) -> Vec<u8> {
    framed(json!({ "protocol": protocol, "baton": "test", "pid": 1 }).to_string().as_bytes())
}

/// A connection that has introduced itself.
fn greeted(env: &Env) -> Option<UnixStream> {
    let mut stream = UnixStream::connect(env.path(".baton/baton.sock")).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    stream.write_all(&hello(2)).ok()?;
    read(&mut stream)?;
    Some(stream)
}

fn asked(env: &Env, request: &[u8]) -> Value {
    let mut stream = greeted(env).expect("a host answers");
    stream.write_all(&framed(request)).expect("it reads");
    read(&mut stream).expect("it answers")
}

fn host(env: &Env) -> crate::support::Running {
    env.write("baton.toml", &BUSY.replace("100", "600000"));
    env.write("plan.json", &plan(json!([{ "id": "long", "skills": ["work"] }])));
    let host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    host
}

#[test]
fn what_is_no_command_is_refused_with_what_was_expected() {
    let env = Env::new();
    let _host = host(&env);
    let error = |request: &[u8]| {
        let answer = asked(&env, request);
        let failed = &answer["failed"];
        let text = failed["what"].as_str().or(failed["why"].as_str()).unwrap_or_default();
        format!(
            "{}: {}",
            failed["error"].as_str().unwrap_or_default(),
            text.lines().next().unwrap_or_default()
        )
    };
    let command = |command: Value| error(json!({ "command": command }).to_string().as_bytes());
    // What only the engine may do is no command, by whatever name.
    for op in ["finish", "charge", "note", "stop-host", "assign", "teach", "Finish"] {
        let said = command(json!({ op: {} }));
        assert!(
            said.starts_with(&format!("invalid: the host does not understand this: unknown variant `{op}`")),
            "{said}"
        );
    }
    let feedback = |score: f64| json!({ "feedback": { "task": 1, "score": score, "note": "", "by": "x" } });
    assert_eq!(command(feedback(1e300)), format!("invalid: a score is 0.0 to 1.0, not {}", 1e300));
    let long = "x".repeat(70_000);
    assert_eq!(
        command(json!({ "cancel": { "target": { "run": 1 }, "why": long } })),
        "invalid: a reason has at most 65536 bytes, not 70000"
    );
    assert_eq!(command(json!({ "pause": { "run": -9 } })), "not-found: run r-9");
    assert_eq!(command(json!({ "pause": { "task": i64::MAX } })), format!("not-found: task t{}", i64::MAX));
    let card = |capacity: u32| json!({ "put-agent": { "card": { "name": "eve", "adapter": "mock", "skills": [], "tracks": [], "capacity": capacity, "config": {} } } });
    assert_eq!(command(card(u32::MAX)), "invalid: agent eve needs a capacity of 1 to 100000, not 4294967295");
    let submit = |tasks: Value| {
        json!({ "submit": { "plan": { "name": "p", "workstreams": tasks }, "seed": 1,
            "router": { "name": "capability", "digest": "" }, "key": null } })
    };
    let circle = json!([{ "id": "a", "depends_on": ["b"] }, { "id": "b", "depends_on": ["a"] }]);
    let said = command(submit(circle));
    assert!(said.ends_with("#/workstreams/0/depends_on: a cycle: a → b → a"), "{said}");
    let said = command(submit(json!([{ "id": "../../etc" }])));
    assert!(said.contains("#/workstreams/0/id: "), "{said}");
    let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    assert!(error(deep.as_bytes()).starts_with("invalid: the host does not understand this: "));
    assert!(error(b"\xff\xfe\x00").starts_with("invalid: the host does not understand this: "));
}

#[test]
fn peers_of_another_version_are_told_so_in_words() {
    let env = Env::new();
    let _host = host(&env);
    let mut newer = UnixStream::connect(env.path(".baton/baton.sock")).expect("a host listens");
    newer.write_all(&hello(3)).expect("it reads");
    let answer = read(&mut newer).expect("it says who it is");
    assert_eq!(answer["protocol"], 2);
    assert_eq!(newer.read(&mut [0]).expect("it closes"), 0, "and nothing else is said");
    let mut older = UnixStream::connect(env.path(".baton/baton.sock")).expect("a host listens");
    older.write_all(b"{\"phase\":1}\n").expect("it reads");
    let mut said = String::new();
    older.read_to_string(&mut said).expect("it answers and closes");
    assert!(said.starts_with("{\"not-understood\":\"the host (process "), "{said}");
    assert!(said.contains("use the same binary for both"), "{said}");
}

/// Something that listens where a host does, and answers with this.
fn listening(env: &Env, answer: &'static [u8]) -> std::thread::JoinHandle<()> {
    std::fs::create_dir_all(env.path(".baton")).expect("a folder can be made");
    let socket = env.path(".baton/baton.sock");
    let _ = std::fs::remove_file(&socket);
    let listener = std::os::unix::net::UnixListener::bind(socket).expect("a socket can be made");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(answer);
    })
}

#[test]
fn a_host_of_another_version_is_named() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json", "--detach"]).ok();
    let newer = "\0\0\0\x2c{\"protocol\":3,\"baton\":\"9.9.9\",\"pid\":4242}    ";
    let peer = listening(&env, newer.as_bytes());
    let said = env.baton(&["pause", "r1"]).fails(3);
    assert!(
        said.contains("the host (process 4242) is baton 9.9.9 and speaks version 3 of the control protocol"),
        "{said}"
    );
    peer.join().expect("it ended");
    let peer = listening(&env, b"{\"not-understood\":\"expected value at line 1\"}\n");
    let said = env.baton(&["pause", "r1"]).fails(3);
    assert!(said.contains("the host is an older baton"), "{said}");
    peer.join().expect("it ended");
}

#[test]
fn a_frame_that_is_too_long_is_refused_before_it_is_read() {
    let env = Env::new();
    let _host = host(&env);
    for length in [LONGEST + 1, 0x7aff_ffff, u32::MAX] {
        let mut stream = greeted(&env).expect("a host answers");
        stream.write_all(&length.to_be_bytes()).expect("it reads");
        let answer = read(&mut stream).expect("it answers");
        let what = answer["failed"]["what"].as_str().unwrap_or_default();
        assert!(what.starts_with("a request to a host has at most 16 MiB"), "{answer}");
        assert_eq!(stream.read(&mut [0]).expect("it closes"), 0);
    }
}

/// One bad deed. What it opens it may hold.
fn harm(env: &Env, draw: Seed, held: &mut Vec<UnixStream>) {
    let connect = || UnixStream::connect(env.path(".baton/baton.sock")).ok();
    let noise = |length: usize| -> Vec<u8> {
        (0..length).map(|at| draw.of(i64::try_from(at).unwrap_or(0)).0.to_le_bytes()[0]).collect()
    };
    let Some(mut stream) = (match draw.0 % 8 {
        0..=3 => connect(),
        _ => greeted(env),
    }) else {
        return;
    };
    let _ = stream.set_write_timeout(Some(Duration::from_millis(200)));
    let query = framed(br#"{"query":{"waits":1}}"#);
    let _ = match draw.0 % 8 {
        0 => stream.write_all(&noise(300)),
        // A greeting that never ends.
        1 => stream.write_all(&[0, 0, 0, 200, b'{']),
        // Nothing at all.
        2 => Ok(()),
        3 => stream.write_all(&noise(70_000)),
        // A large frame that never ends.
        4 => stream.write_all(&[LONGEST.to_be_bytes().to_vec(), vec![b' '; 1 << 20]].concat()),
        5 => stream.write_all(&framed(&noise(2_000))),
        // Answers that nobody reads.
        6 => (0..2_000).try_for_each(|_| stream.write_all(&query)),
        _ => stream.write_all(&framed(&[b'['; 60_000])),
    };
    held.push(stream);
    if held.len() > 150 {
        held.clear();
    }
}

/// What a process holds of memory, in KiB.
fn memory(process: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    held.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}

#[test]
fn a_run_goes_on_and_others_are_answered_whatever_a_client_does() {
    let env = Env::new();
    env.write("baton.toml", BUSY);
    env.write("plan.json", &plan(chain(60, "work")));
    let host = env.start(&["run", "plan.json"]);
    env.until("the first task", runs);
    let (over, deeds, seed) =
        (AtomicBool::new(false), AtomicU64::new(0), crate::support::seed::drawn("a hostile client"));
    let (slowest, peak) = std::thread::scope(|scope| {
        for thread in 0..4 {
            let (env, over, deeds) = (&env, &over, &deeds);
            scope.spawn(move || {
                let mut held = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let deed = deeds.fetch_add(1, Ordering::Relaxed);
                    harm(env, seed.of(thread).of(deed.cast_signed()), &mut held);
                }
            });
        }
        let (mut slowest, mut peak) = (Duration::ZERO, 0);
        for _ in 0..8 {
            let asked = Stopwatch::start();
            // The last task: its pause is of no consequence before it is lifted.
            let said = env.baton(&["pause", "t59"]);
            let lifted = env.baton(&["resume", "t59"]);
            slowest = slowest.max(asked.elapsed());
            peak = peak.max(memory(host.id()));
            if said.code != Some(0) || lifted.code != Some(0) {
                over.store(true, Ordering::Relaxed);
                panic!("{said:?} {lifted:?}");
            }
        }
        over.store(true, Ordering::Relaxed);
        (slowest, peak)
    });
    let output = host.wait();
    let deeds = deeds.into_inner();
    assert_eq!(output.code, Some(0), "after {deeds} deeds: {} {}", output.stdout, output.stderr);
    assert!(output.stdout.contains("60 of 60 accepted"), "{}", output.stdout);
    assert!(slowest < Duration::from_secs(20), "{slowest:?} for a pause and a resume after {deeds} deeds");
    assert!(peak > 0 && peak < 600_000, "{peak} KiB after {deeds} deeds");
}

/// Commands that name a plugin which is not there, well-formed as they are.
fn unknown_plugins() -> Vec<Command> {
    let router = || RouterChoice { name: "capability".into(), digest: format!("blake3:{}", "0".repeat(64)) };
    let card =
        json!({ "name": "eve", "adapter": "ghost", "skills": [], "tracks": [], "capacity": 1, "config": {} });
    let card = serde_json::from_value(card).expect("it is a card");
    let plan = Plan { name: "p".into(), workstreams: vec![Workstream::named("a")] };
    vec![
        Command::PutAgent { card },
        Command::Submit(Box::new(Submission { plan, seed: Seed(1), router: router(), key: None })),
        Command::UseRouter { run: RunId(1), router: router() },
        Command::StartTrial {
            router: router(),
            terms: Box::new(Ladder::default().terms(TrialPhase::Shadow)),
        },
        Command::Promote { router: Some(router()), why: "because".into() },
        Command::Backtest(Backtest {
            router: router(),
            run: None,
            since_ms: None,
            margin: 1.0,
            level: 0.95,
            recorded: false,
        }),
    ]
}

#[test]
fn a_plugin_that_is_not_there_is_not_found_by_a_host_nor_without_one() {
    let env = Env::new();
    let mut running = host(&env);
    let before = env.stored().last_seq();
    let said_by_host: Vec<String> = unknown_plugins()
        .into_iter()
        .map(|command| {
            let answer = asked(&env, json!({ "command": command }).to_string().as_bytes());
            assert_eq!(answer["failed"]["error"], "not-found", "{answer}");
            format!("there is no {}", answer["failed"]["what"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(env.stored().last_seq(), before, "nothing was recorded");
    running.kill();
    let app = App::new(Config::find(None, &env.path("")).expect("the configuration is sound"));
    let without: Vec<String> = unknown_plugins()
        .into_iter()
        .map(|command| match app.command(command) {
            Err(why @ AppError::NotFound { .. }) => why.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said_by_host, without);
    assert_eq!(env.stored().last_seq(), before, "nothing was recorded");
    let remedy = "`baton plugin list` shows the plugins that are there, `baton plugin add` installs one";
    for said in &without {
        assert!(said.ends_with(remedy), "{said}");
    }
    assert!(
        without[0].starts_with("there is no adapter \"ghost\": no agent of this name is installed"),
        "{without:?}"
    );
    assert!(
        without[1].starts_with("there is no router \"capability\": no component has the digest"),
        "{without:?}"
    );
}

#[test]
fn what_is_refused_is_quoted_in_part() {
    let env = Env::new();
    let _host = host(&env);
    let long = "x".repeat(60_000);
    let plan = |name: &str, tasks: Value| {
        json!({ "command": { "submit": { "plan": { "name": name, "workstreams": tasks }, "seed": 1,
            "router": { "name": "capability", "digest": "" }, "key": null } } })
    };
    for request in [
        json!({ "command": { long.as_str(): {} } }),
        json!({ long.as_str(): {} }),
        plan("p", json!([{ "id": long }])),
        plan("p", json!([{ "id": "a", "depends_on": [long] }])),
    ] {
        let answer = asked(&env, request.to_string().as_bytes());
        let what = answer["failed"]["what"].as_str().unwrap_or_default();
        assert!(what.contains("… (cut, of ") && what.len() < 5_000, "{} bytes: {}", what.len(), &what[..200]);
    }
    let answer = asked(&env, plan(&long, json!([{ "id": "a" }])).to_string().as_bytes());
    assert_eq!(answer["failed"]["what"], "the plan#/name: a name has at most 4096 bytes, not 60000");
}
