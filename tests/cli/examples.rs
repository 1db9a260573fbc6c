//! The examples come to what their READMEs say: the commands are run as they stand there, in a copy of what they need.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{BATON, Env, Output, cache, output, root};

fn needs(program: &str, named: &str) {
    let version = Command::new(program).arg("--version").output();
    assert!(
        version.is_ok_and(|version| version.status.success()),
        "there is no {program}: the examples need it, so install {named}"
    );
}

/// What an earlier run in the repository may have left there.
const LEFT: [&str; 3] = [".baton", "repo", "__pycache__"];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folders can be made");
    for entry in fs::read_dir(from).unwrap_or_else(|why| panic!("{}: {why}", from.display())) {
        let entry = entry.expect("folders can be read");
        let (name, own) = (entry.file_name(), entry.path());
        if LEFT.iter().any(|left| name == *left) {
            continue;
        }
        if own.is_dir() {
            copy(&own, &to.join(name));
        } else {
            fs::copy(&own, to.join(name)).unwrap_or_else(|why| panic!("{}: {why}", own.display()));
        }
    }
}

/// The blocks of a text that are set in by four spaces, without these.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        let begun = blocks.last_mut().expect("there is one from the beginning");
        match line.strip_prefix("    ") {
            Some(line) => begun.extend([line, "\n"]),
            None if begun.is_empty() => {}
            None => blocks.push(String::new()),
        }
    }
    blocks
}

/// With this binary as `baton`, as somebody types it in the root of the repository.
fn typed(env: &Env, line: &str) -> Output {
    let own = Path::new(BATON).parent().expect("it is in a folder").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&others)));
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .current_dir(env.path("."))
        .env_remove("BATON_CONFIG")
        .env_remove("BATON_STORE")
        .env("PATH", path.expect("a folder of a build has no colon in its name"))
        .env("BATON", BATON)
        .env("BATON_CACHE", cache());
    output(command)
}

/// Its README begins with two blocks: how it is run, then how that is verified and what this prints.
fn comes_to_what_its_readme_says(name: &str) {
    needs("python3", "Python 3");
    let env = Env::new();
    for folder in ["scripted-models", name] {
        copy(&root().join("examples").join(folder), &env.path("examples").join(folder));
    }
    let readme = env.path("examples").join(name).join("README.md");
    let readme = fs::read_to_string(readme).expect("every example has a README");
    let blocks = blocks(&readme);
    let (run, verified) = (&blocks[0], &blocks[1]);
    let (verify, said) = verified.split_once('\n').expect("a command and what it prints");
    let ran = typed(&env, run);
    assert_eq!(ran.code, Some(0), "{run}stdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
    assert_eq!(typed(&env, verify).ok(), said, "stdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
}

#[test]
fn the_code_pipeline_lands_what_was_refused_and_repaired() {
    needs("git", "git");
    comes_to_what_its_readme_says("code-pipeline");
}

#[test]
fn research_hands_four_answers_on_to_a_recommendation() {
    comes_to_what_its_readme_says("research");
}

#[test]
fn the_best_of_three_wins_the_contest() {
    comes_to_what_its_readme_says("contest");
}

/// The example's scripts come to the same on every awk that a system may have.
#[test]
fn the_workstreams_come_to_the_same_with_every_awk() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let manifest =
        readme.split("manifest ").nth(1).and_then(|rest| rest.lines().next()).expect("it prints one");
    for (program, args, package) in [
        ("mawk", "", "mawk"),
        ("gawk", "", "gawk"),
        ("busybox", "awk", "busybox"),
        ("original-awk", "", "original-awk"),
    ] {
        let there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        assert!(there.is_ok_and(|found| found.status.success()), "there is no {program}: install {package}");
        let env = Env::new();
        copy(&root().join("examples/workstreams"), &env.path("."));
        let config = fs::read_to_string(env.path("baton.toml")).expect("it is there");
        env.write("baton.toml", &config.replace("\"0.2\"", "\"0\""));
        let awk = env.write("bin/awk", &format!("#!/bin/sh\nexec {program} {args} \"$@\"\n"));
        fs::set_permissions(&awk, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
        let path = format!("{}:{}", env.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut run = env.command(&["run", "plan", "--quiet"]);
        run.env("PATH", path);
        output(run).ok();
        let mut verify = Command::new("sh");
        verify.arg("verify.sh").current_dir(env.path("."));
        assert!(output(verify).ok().trim_end().ends_with(manifest), "{program}");
    }
}
