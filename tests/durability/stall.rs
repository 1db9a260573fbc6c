//! A host that stands still for longer than its leases, and ends after which nobody knows what was done outside: no
//! external effect is had twice, and none that came about meanwhile is thrown away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use baton_app::config::Config;
use baton_core::agent::Card;
use baton_core::clock::{Clock, Time};
use baton_core::command::Command;
use baton_core::id::TaskId;
use baton_core::op::{RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::policy::Effects;
use baton_engine::command::Reply;
use baton_engine::{Host, Options};
use baton_plugin::compile::Compiler;
use baton_plugin::library::{Library, Sources};
use baton_store::testing::tamper::Alteration;
use baton_store::{Home, Lock, Store};
use rustix::process::Signal;
use serde_json::json;

use crate::support::model::{Model, Reply as Said};
use crate::support::{BATON, Env, cache, plan};

/// Rounds with a host that is really stopped, of 40 s each: `BATON_STALLS=10 cargo test --test durability -- stall`.
fn real_stalls() -> u32 {
    std::env::var("BATON_STALLS").ok().and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// An agent whose program notes each start, and ends well when the pipe `go` is closed.
const PAYS: &str = r#"
[agents.pay]
adapter = "command"
cost = 0
config = { profile = "pay" }
[profiles.pay]
env = ["PATH"]
argv = ["sh", "-c", "echo paid >> paid.txt; cat go"]
"#;

fn paying() -> Env {
    let env = Env::new();
    env.write("baton.toml", PAYS);
    rustix::fs::mkfifoat(rustix::fs::CWD, env.path("go"), rustix::fs::Mode::RWXU)
        .expect("a pipe can be made");
    env
}

/// Opens once the program reads, so it has begun.
fn go(env: &Env) -> std::fs::File {
    std::fs::OpenOptions::new().write(true).open(env.path("go")).expect("the program reads it")
}

fn paid(env: &Env) -> usize {
    std::fs::read_to_string(env.path("paid.txt")).map_or(0, |lines| lines.lines().count())
}

/// A host in this process, on a clock of ours.
async fn host(env: &Env, clock: Clock) -> (Host, RouterChoice, Vec<Card>) {
    let config = Config::read(&env.path("baton.toml")).expect("it is sound");
    let home = Home::at(env.path(".baton"));
    let sources = Sources {
        bundled: baton_app::bundled::plugins(),
        folder: home.plugins(),
        cache: cache(),
        compiler: Compiler::Child(BATON.into()),
        installed: Vec::new(),
        settings: BTreeMap::new(),
    };
    let library = Library::open(sources).expect("the bundled plugins are there");
    let digest = library.router("least-loaded").expect("it is bundled").digest().to_owned();
    let store = Store::open_at(&home, Lock::take(&home).expect("it is free"), clock).expect("it opens");
    let options = Options { offer: config.offer, supervisor: Some(BATON.into()), ..Options::default() };
    let host = Host::start(store, &home, Arc::new(library), options).await.expect("it starts");
    (host, RouterChoice { name: "least-loaded".into(), digest }, config.agents)
}

/// The clock passes by both leases while the program works; what it comes to counts, and it ran once.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stood_still_renews_first_and_nothing_falls() {
    for leap in [31, 61, 300] {
        let env = paying();
        let clock = Clock::manual(Time(1_000_000));
        let (host, router, agents) = host(&env, clock.clone()).await;
        let live = host.live();
        live.register(agents).await.expect("they are agents");
        let workstream = Workstream { effects: Effects::External, ..Workstream::named("pay") };
        let plan = Plan { name: "x".into(), workstreams: vec![workstream] };
        let submit = Command::Submit(Box::new(Submission { plan, seed: Seed(1), router, key: None }));
        let Reply::Run { run, .. } = live.command(submit).await.expect("it is sound") else {
            panic!("a submission opens a run")
        };
        let go = tokio::task::block_in_place(|| go(&env));
        clock.advance_to(clock.now() + Duration::from_secs(leap));
        // More than one turn of the loop, each of which looks at the leases.
        for _ in 0..20 {
            live.phase(run).await.expect("the host is there");
        }
        drop(go);
        live.wait(run).await.expect("the host is there");
        host.drain().await.expect("it ends well");
        let mut kinds = env.stored().kinds(Some(TaskId(1)));
        kinds.retain(|kind| *kind != "charged");
        assert_eq!(
            (kinds.join(" ").as_str(), paid(&env)),
            ("submitted assigned accepted", 1),
            "after {leap} s"
        );
    }
}

/// A host on another machine has the store by now: what runs here may not act, and what it comes to is not taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_store_was_taken_over_changes_nothing_more() {
    let env = paying();
    let (host, _, agents) = host(&env, Clock::manual(Time(1_000_000))).await;
    env.alter(&[Alteration::Host { boot: 2, pid: 1, machine: "other", lease_until: Time(1) }]);
    let put = host.live().register(vec![agents[0].clone()]).await;
    let refused = put.expect_err("the store is another host's").to_string();
    assert!(refused.contains("another host (boot 2) took the store over"), "{refused}");
    assert_eq!(env.stored().agents().len(), 0);
    host.live().ended().await;
}

/// Ends that may follow an effect: the rest of the program, its profile, its agent.
const ENDS: [(&str, &str, &str); 10] = [
    ("exit 1", "", ""),
    ("exit 75", "", ""),
    ("exit 65", "", ""),
    ("exit 77", "", ""),
    ("kill -9 $$", "", ""),
    ("kill -15 $$", "", ""),
    ("head -c 100000 /dev/zero; sleep 60", "max-stdout = \"1KiB\"", ""),
    ("sleep 60", "timeout = \"200ms\"", ""),
    ("echo '{}'", "", "output = { type = \"object\", required = [\"receipt\"] }"),
    ("echo no JSON", "", "output = { type = \"object\", required = [\"receipt\"] }"),
];

#[test]
fn what_may_have_acted_is_asked_about_however_it_ended() {
    for (end, profile, agent) in ENDS {
        let env = Env::new();
        let argv = json!(["sh", "-c", format!("echo paid >> paid.txt; {end}")]);
        let config = format!(
            "[agents.pay]\nadapter = \"command\"\ncost = 0\nconfig = {{ profile = \"pay\" }}\n{agent}\n\
             [profiles.pay]\nenv = [\"PATH\"]\nargv = {argv}\n{profile}\n"
        );
        env.write("baton.toml", &config);
        let retry = json!({ "attempts": 5, "base": "1ms", "crashes": 5 });
        env.write("plan.json", &plan(json!([{ "id": "pay", "effects": "external", "retry": retry }])));
        env.baton(&["run", "plan.json", "-q"]).fails(1);
        assert_eq!(paid(&env), 1, "{end}");
        let shown = env.baton(&["dead", "list"]).ok();
        assert!(shown.contains("it may have acted already: look, then redrive or drop it"), "{end}: {shown}");
    }
}

/// What surely did nothing goes on as ever.
#[test]
fn a_service_that_turned_a_request_away_is_asked_again() {
    let model = Model::start(|before, _| match before {
        0 => Said::status(429),
        _ => Said::chat("done", 1, 1),
    });
    let env = Env::new();
    let config = format!(
        "[agents.m]\nadapter = \"openai\"\nconfig = {{ service = \"m\", model = \"x\" }}\n\
         [services.m]\nurl = \"http://127.0.0.1:{}/v1\"\nprivate = true\n",
        model.port
    );
    env.write("baton.toml", &config);
    let retry = json!({ "base": "1ms", "cap": "1ms" });
    env.write("plan.json", &plan(json!([{ "id": "a", "effects": "external", "retry": retry }])));
    env.baton(&["run", "plan.json", "-q"]).ok();
    assert_eq!(model.asked().len(), 2);
}

/// The real thing: the host is stopped for longer than its lease.
#[test]
fn a_stopped_host_that_goes_on_does_nothing_twice() {
    for round in 0..real_stalls() {
        let env = paying();
        let retry = json!({ "attempts": 3, "base": "1ms" });
        env.write("plan.json", &plan(json!([{ "id": "pay", "effects": "external", "retry": retry }])));
        let host = env.start(&["run", "plan.json", "-q"]);
        let go = go(&env);
        host.signal(Signal::STOP);
        std::thread::sleep(Duration::from_secs(36));
        drop(go);
        host.signal(Signal::CONT);
        let _ = host.wait().ok();
        assert_eq!(paid(&env), 1, "round {round}");
    }
}
