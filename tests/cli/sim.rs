//! Routers in simulated worlds.

use crate::support::Env;

#[test]
fn the_same_world_is_played_the_same_twice_and_settings_change_it() {
    let env = Env::new();
    let play = |setting: &str| {
        let args = [
            "sim",
            "play",
            "--router",
            "least-loaded",
            "--worlds",
            "1",
            "--set",
            "tasks=120",
            "--set",
            setting,
            "--json",
        ];
        env.baton(&args).json()
    };
    let (one, again, other) = (play("seed=7"), play("seed=7"), play("seed=8"));
    assert_eq!(one, again);
    assert_ne!(one, other);
    let players: Vec<&str> =
        one.as_array().expect("a list").iter().filter_map(|line| line["player"].as_str()).collect();
    assert_eq!(players[..3], ["least-loaded", "capability, required", "(random)"]);
    assert_eq!(one[0]["scores"][0]["unplayed"], 0, "{one}");
    let wrong = env.baton(&["sim", "play", "--set", "taks=1"]).fails(2);
    assert!(wrong.contains("unknown field `taks`"), "{wrong}");
    let wrong = env.baton(&["sim", "play", "--set", "service.sigma=9"]).fails(2);
    assert_eq!(wrong, "baton: the world's settings: service.sigma is 9, expected 0 to 3\n");
    env.write("world.toml", "tasks = 10\nrho = \"much\"\n");
    let wrong = env.baton(&["sim", "play", "world.toml"]).fails(2);
    assert!(wrong.starts_with("baton: world.toml: TOML parse error at line 2, column 7"), "{wrong}");
}

#[test]
fn every_decision_and_lesson_of_every_bundled_router_comes_out_the_same_again() {
    let env = Env::new();
    let found = env.baton(&["sim", "gates", "G7", "--quick", "--json"]).json();
    assert_eq!(found[0]["passed"], true, "{found}");
    assert_eq!(found[0]["figures"].as_array().map(Vec::len), Some(6), "{found}");
}
