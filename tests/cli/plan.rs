//! `baton plan`: errors with their place, waves, drawings, predictions.

use serde_json::json;

use crate::support::{Env, plan, root};

#[test]
fn all_errors_of_a_plan_are_reported_at_once_with_their_place() {
    let env = Env::new();
    env.write("p/a.json", r#"{"id":"a","priorty":1,"effects":"purr","depends_on":["bb"]}"#);
    env.write("p/b.json", r#"{"id":"b","estimate":"soon","retry":{"atempts":2}}"#);
    env.write("p/c.json", r#"{"id":"c","depends_on":["a2"],"paths":["../x"]}"#);
    env.write("p/d.yaml", "id: d\ndepends_on: [c]\npriority: high\n");
    env.write("p/e.json", "{ not json");
    let said = env.baton(&["plan", "check", "p"]).fails(2);
    insta::assert_snapshot!(said);
}

#[test]
fn a_missing_dependency_names_the_nearest_right_word() {
    let env = Env::new();
    env.write("p.json", &plan(json!([{ "id": "design" }, { "id": "build", "depends_on": ["desing"] }])));
    let said = env.baton(&["plan", "check", "p.json"]).fails(2);
    insta::assert_snapshot!(said, @r#"
    baton: p.json#/workstreams/1/depends_on/0: expected the id of a workstream, found "desing" (did you mean "design"?)
        the plan has 1 error
    "#);
}

#[test]
fn a_file_without_end_and_a_name_without_end_are_refused_with_the_limit() {
    let env = Env::new();
    let said = env.baton(&["plan", "check", "/dev/zero"]).fails(2);
    assert!(said.starts_with("baton: /dev/zero: can't be read: it is larger than 64 MiB\n"), "{said}");
    let said = env.baton(&["--config", "/dev/zero", "status"]).fails(2);
    assert_eq!(said, "baton: /dev/zero: can't be read: it is larger than 4 MiB\n");
    env.write("p.json", &json!({ "name": "n".repeat(5000), "workstreams": [{ "id": "a" }] }).to_string());
    let said = env.baton(&["plan", "check", "p.json"]).fails(2);
    assert!(said.starts_with("baton: p.json#/name: a name has at most 4096 bytes, not 5000\n"), "{said}");
}

#[test]
fn a_cycle_is_printed_as_the_cycle() {
    let env = Env::new();
    let cycle = json!([
        { "id": "a", "depends_on": ["c"] }, { "id": "b", "depends_on": ["a"] }, { "id": "c", "depends_on": ["b"] },
        { "id": "d", "depends_on": ["a"] },
    ]);
    env.write("p.json", &plan(cycle));
    let said = env.baton(&["plan", "check", "p.json"]).fails(2);
    assert!(said.contains("a cycle: a → b → c → a"), "{said}");
}

#[test]
fn the_same_plan_reads_from_json_yaml_and_toml() {
    let env = Env::new();
    env.write(
        "j/plan.json",
        r#"{"name":"n","workstreams":[{"id":"a"},{"id":"b","depends_on":["a"],"estimate":"1h"}]}"#,
    );
    env.write("y/plan.yaml", "name: n\nworkstreams:\n- id: a\n- id: b\n  depends_on: [a]\n  estimate: 1h\n");
    env.write("t/plan.toml", "name = \"n\"\n[[workstreams]]\nid = \"a\"\n[[workstreams]]\nid = \"b\"\ndepends_on = [\"a\"]\nestimate = \"1h\"\n");
    let digest = |file| env.baton(&["plan", "check", file, "--json"]).json()["digest"].clone();
    let json = digest("j/plan.json");
    assert!(json.is_string());
    assert_eq!(json, digest("y/plan.yaml"));
    assert_eq!(json, digest("t/plan.toml"));
}

#[test]
fn the_three_formats_are_equally_strict() {
    let env = Env::new();
    let said = |file: &str, text: &str| {
        env.write(file, text);
        env.baton(&["plan", "check", file]).fails(2)
    };
    insta::assert_snapshot!(said("p.json", "[{\"id\":\"a\",\n \"effects\":\"external\",\"effects\":\"workspace\"}]"), @r#"
    baton: p.json: is not valid JSON: the key "effects" is given twice at line 2 column 31
        the plan has 1 error
    "#);
    assert!(said("p.yaml", "id: a\neffects: external\neffects: workspace\n").contains("effects"));
    assert!(
        said("p.toml", "id = \"a\"\neffects = \"external\"\neffects = \"workspace\"\n").contains("effects")
    );
    insta::assert_snapshot!(said("n.json", "[{\"id\":\"a\",\"input\":{\"n\":123456789012345678901234567890}}]"), @r#"
    baton: n.json: holds a number with more digits than are kept, 123456789012345678901234567890, at line 1 column 25: write it as a text, "123456789012345678901234567890"
        the plan has 1 error
    "#);
    for (file, text) in [
        ("m.json", "\u{feff}[{\"id\":\"a\"}]"),
        ("m.yaml", "\u{feff}id: a\n"),
        ("m.toml", "\u{feff}id = \"a\"\n"),
    ] {
        env.write(file, text);
        env.baton(&["plan", "check", file]).ok();
    }
}

#[test]
fn waves_and_critical_path_of_the_39_workstreams() {
    let plan = root().join("examples/workstreams/plan");
    let said = Env::new().baton(&["plan", "graph", &plan.to_string_lossy()]).ok();
    insta::assert_snapshot!(said);
}

#[test]
fn more_agents_predict_a_speed_up_that_diminishes() {
    let plan = root().join("examples/workstreams/plan");
    let said = Env::new().baton(&["plan", "simulate", &plan.to_string_lossy()]).ok();
    insta::assert_snapshot!(said, @"
    1 agents: 132h (1.00×)
    3 agents: 47h (2.81×)
    6 agents: 39h (3.38×)
    ");
}

#[test]
fn drawings_for_mermaid_and_graphviz() {
    let env = Env::new();
    env.write("p.json", &plan(json!([{ "id": "a", "title": "Say \"hi\"", "estimate": "1h" }, { "id": "b", "depends_on": ["a"] }])));
    insta::assert_snapshot!(env.baton(&["plan", "graph", "p.json", "--format", "mermaid"]).ok(), @r##"
    graph TD
      n0["a: Say #quot;hi#quot; (1h)"]
      n1["b"]
      n0 --> n1
      linkStyle 0 stroke-width:4px
    "##);
    insta::assert_snapshot!(env.baton(&["plan", "graph", "p.json", "--format", "dot"]).ok(), @r#"
    digraph plan {
      rankdir=LR;
      node [shape=box];
      n0 [label="a: Say \"hi\" (1h)"];
      n1 [label="b"];
      n0 -> n1 [style=bold];
    }
    "#);
}

#[test]
fn the_published_schema_accepts_the_example_and_refuses_nonsense() {
    let env = Env::new();
    let schema = env.baton(&["plan", "schema"]).json();
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let file = std::fs::read_to_string(root().join("examples/workstreams/plan/ws-06.json"))
        .expect("the example is there");
    let example: serde_json::Value = serde_json::from_str(&file).expect("it is JSON");
    assert!(validator.is_valid(&example));
    assert!(!validator.is_valid(&json!({ "id": "a", "colour": "red" })));
}
