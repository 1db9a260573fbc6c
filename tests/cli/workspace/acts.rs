//! What an agent may do to its tree, drawn at random: each sequence of acts has a model that says what may land, or with
//! which words it is refused. `BATON_ROUNDS` and `BATON_SEED` make it longer, or the same again.

use std::collections::BTreeMap;
use std::path::Path;

use baton_core::seed::Seed;

use super::{TARGET, env, plan, task};
use crate::support::stored::Stored;
use crate::support::{Env, git, seed};

/// Tasks of one plan, and the acts of one task at most.
const TASKS: u64 = 10;
const ACTS: u64 = 5;

/// Draws that can be told again.
struct Draws(Seed, i64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.1 += 1;
        self.0.of(self.1).0 % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("it is below the length")]
    }
}

/// A file as `git ls-tree` tells it: its mode, and its content or what it links to.
type Files = BTreeMap<String, (&'static str, String)>;

/// The script of one agent, and what it must come to.
struct Script {
    own: String,
    lines: Vec<String>,
    /// What it wrote; none where it deleted.
    wrote: BTreeMap<String, Option<(&'static str, String)>>,
    /// The tree's own git directory can still be used.
    has_git: bool,
    /// It is refused with these words.
    refused: Option<&'static str>,
}

const G: &str = "git -c user.name=a -c user.email=a@a";

impl Script {
    fn draw(draws: &mut Draws, own: &str) -> Self {
        let mut script = Self {
            own: own.to_owned(),
            lines: Vec::new(),
            wrote: BTreeMap::new(),
            has_git: true,
            refused: None,
        };
        script.write(&format!("{own}/first.txt"), own.to_owned());
        for number in 0..draws.below(ACTS) {
            script.act(draws, number);
            if script.refused.is_some() {
                break;
            }
        }
        if script.refused.is_none() && script.wrote.values().all(Option::is_none) {
            script.refused = Some("has changed no file of its tree");
        }
        script
    }

    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn write(&mut self, path: &str, content: String) {
        let folder = Path::new(path).parent().expect("a path has a folder").display().to_string();
        self.say(format!("mkdir -p ./{folder}; rm -f {path}; printf %s '{content}' > {path}"));
        self.wrote.insert(path.to_owned(), Some(("100644", content)));
    }

    fn act(&mut self, draws: &mut Draws, number: u64) {
        let own = self.own.clone();
        let path = format!("{own}/{}.txt", draws.one(&["first", "a", "b", "deep/c"]));
        let content = format!("{own} {number} {}", draws.below(1000));
        match draws.below(27) {
            0 | 1 => self.write(&path, content),
            2 => self.write("shared.txt", content),
            3 => {
                self.say(format!("rm -f {path}"));
                self.wrote.insert(path, None);
            }
            4 => {
                self.write(&path, content.clone());
                self.say(format!("chmod +x {path}"));
                self.wrote.insert(path, Some(("100755", content)));
            }
            5 => {
                self.say(format!("mkdir -p {own}; ln -sfn ../../../../a.txt {own}/link"));
                self.wrote.insert(format!("{own}/link"), Some(("120000", "../../../../a.txt".into())));
            }
            6 => self.say(format!("git add -A; {G} commit -qm own")),
            7 => self.say(format!("git checkout -q -b work{number}; git add -A; {G} commit -qm own")),
            8 => self.say("git branch -m renamed; git tag -f main; git branch -D baton/accepted"),
            9 => {
                self.say("rm -rf .git");
                self.has_git = false;
            }
            10 => {
                self.say(format!("rm -rf .git; git init -q; git add -A; {G} commit -qm 'Start again'"));
                self.has_git = true;
            }
            11 => {
                self.say("touch .git/index.lock .git/HEAD.lock");
                self.has_git = false;
            }
            12 => self.say("printf 'a\\0b\\033[31m\\n'"),
            13 => self.say("mkdir -p ignored; echo x > ignored/x"),
            14 => {
                self.say(format!("mkdir -p {own}/web; git -C {own}/web init -q; echo x > {own}/web/app.js"));
                self.refused = Some("is a git repository of its own");
            }
            15 => {
                self.say(format!(
                    "mkdir -p {own}/web; cd {own}/web; git init -q; echo x > app.js; git add -A; {G} commit -qm x; cd ../.."
                ));
                self.refused = Some("is a git repository of its own");
            }
            16 => {
                self.say("d=$PWD; cd /; rm -rf \"$d\"; mkdir \"$d\"; cd \"$d\"; echo x > again.txt");
                self.refused = Some("moved, or removed and made again");
            }
            17 => {
                self.say("d=$PWD; cd ..; mv \"$d\" \"$d.away\"; ln -s \"$OPERATOR\" \"$d\"; cd \"$d\"");
                self.refused = Some("moved, or removed and made again");
            }
            18 => {
                self.say("git config core.fsmonitor 'touch ../../../../../hacked'");
                self.say("git config core.hooksPath ../../../../..; git config core.bare true");
                self.has_git = false;
            }
            24 => {
                self.say(format!("mkdir -p {own}; mkfifo {own}/.gitignore"));
                self.refused = Some("/.gitignore must be a file");
            }
            25 => {
                self.say(format!("mkdir -p {own}/docs/.git; echo x > {own}/docs/.git/readme"));
                self.refused = Some("is a git repository of its own");
            }
            _ if !self.has_git => self.write(&path, content),
            26 => {
                self.say(format!(
                    "git add -A; {G} commit -qm all; git sparse-checkout set --no-cone /{own}/"
                ));
                self.refused = Some("it set up a sparse checkout, in which");
            }
            19 => self.merged(&content),
            20 => self.resolved(&content),
            21 => {
                self.diverged("x", "y");
                self.say(format!("{G} rebase side >/dev/null 2>&1"));
                self.refused = Some("it left a rebase unfinished, with conflicts in shared.txt");
            }
            22 => {
                self.diverged("x", "y");
                self.say(format!("{G} merge -q side >/dev/null 2>&1"));
                self.refused = Some("it left a merge unfinished, with conflicts in shared.txt");
            }
            _ if number > 0 => self.write(&path, content),
            // Before it has committed anything.
            _ => {
                self.say(format!("git add -A; {G} stash -q"));
                self.wrote.clear();
                self.refused = Some("has changed no file of its tree: it left its work in a stash");
            }
        }
    }

    /// Two branches that changed the same file.
    fn diverged(&mut self, theirs: &str, ours: &str) {
        self.say(format!("git add -A; {G} commit -qm before; git branch -f main; git checkout -q --detach"));
        self.say(format!("git checkout -q -B side; printf %s '{theirs}' > shared.txt; {G} commit -qam side"));
        self.say(format!("git checkout -q main; printf %s '{ours}' > shared.txt; {G} commit -qam main"));
    }

    /// A merge that is not committed, and an edit within it.
    fn merged(&mut self, content: &str) {
        let (side, edit) = (format!("{}/side.txt", self.own), format!("{}/edit.txt", self.own));
        self.say(format!("git add -A; {G} commit -qm before; git branch -f main; git checkout -q -B side"));
        self.write(&side, content.to_owned());
        self.say(format!(
            "git add -A; {G} commit -qm side; git checkout -q main; {G} merge -q --no-ff --no-commit side"
        ));
        self.write(&edit, content.to_owned());
    }

    /// A conflict that was resolved and committed.
    fn resolved(&mut self, content: &str) {
        self.diverged("theirs", "ours");
        self.say(format!("{G} merge -q side >/dev/null"));
        self.write("shared.txt", content.to_owned());
        self.say(format!("git add -A; {G} commit -qm resolved"));
    }

    /// What it changed must be what its commit changed, no more and no less.
    fn check(&self, before: &Files, after: &Files, script: &str) {
        let mut expected = before.clone();
        for (path, wrote) in &self.wrote {
            match wrote {
                Some(file) => expected.insert(path.clone(), file.clone()),
                None => expected.remove(path),
            };
        }
        assert_eq!(*after, expected, "{script}");
    }
}

fn files(repo: &Path, commit: &str) -> Files {
    let listed = git(repo, &["ls-tree", "-r", commit]);
    let read = |line: &str| {
        let (what, path) = line.split_once('\t').expect("ls-tree writes a tab");
        let mode = ["100644", "100755", "120000"]
            .into_iter()
            .find(|mode| what.starts_with(mode))
            .expect("files have these modes");
        (
            path.to_owned(),
            (
                mode,
                git(repo, &["cat-file", "blob", what.rsplit(' ').next().expect("ls-tree names an object")]),
            ),
        )
    };
    listed.lines().map(read).collect()
}

/// Everything of the operator's that Baton must leave alone.
fn operators(repo: &Path) -> Vec<(String, String)> {
    let mut kept = vec![
        ("status".to_owned(), git(repo, &["status", "--porcelain"])),
        ("stash".to_owned(), git(repo, &["stash", "list"])),
    ];
    let refs = git(repo, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let theirs = refs.lines().filter(|line| !line.starts_with(&format!("refs/heads/{TARGET} ")));
    let theirs: Vec<&str> = theirs.filter(|line| !line.starts_with("refs/baton/")).collect();
    kept.push(("refs".to_owned(), theirs.join("\n")));
    for name in [".git/HEAD", ".git/config", ".git/index", "a.txt", "b.txt", "notes.txt", "staged.txt"] {
        let bytes = std::fs::read(repo.join(name)).unwrap_or_default();
        kept.push((name.to_owned(), bytes.escape_ascii().to_string()));
    }
    kept
}

/// A repository in the middle of the operator's work, with a hook that must never run.
fn operator(env: &Env) -> std::path::PathBuf {
    let repo = env.path("repo");
    env.write("repo/.gitignore", "ignored/\n.baton/\n");
    env.write("repo/shared.txt", "start");
    git(&repo, &["add", "--all"]);
    git(&repo, &["commit", "--quiet", "--message", "Second"]);
    git(&repo, &["tag", "v1"]);
    git(&repo, &["branch", "other"]);
    git(&repo, &["config", "user.name", "Someone"]);
    env.write("repo/staged.txt", "staged\n");
    git(&repo, &["add", "staged.txt"]);
    env.write("repo/a.txt", "edited, not staged\n");
    env.write("repo/notes.txt", "private\n");
    for hook in ["post-commit", "reference-transaction", "post-checkout", "post-merge", "pre-commit"] {
        let path = env.write(&format!("repo/.git/hooks/{hook}"), "#!/bin/sh\ntouch ../hooked ../../hooked\n");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, mode).expect("a hook can be made executable");
    }
    repo
}

fn round(seed: Seed) -> u64 {
    let env = env();
    let config = std::fs::read_to_string(env.path("baton.toml")).expect("the stage wrote it");
    let config =
        config.replace("checks = [\"whole\"]", "").replace("repository = \"repo\"", "repository = \".\"");
    // Also where nothing confines programs.
    let script = "argv = [\"sh\", \"-c\", \"{input.run}\"]\n";
    let config = config.replace(script, &format!("{script}confine = \"off\"\n"));
    let repo = operator(&env);
    // The store lies in the repository: git that looks upwards from a tree would find it.
    env.write("repo/baton.toml", &config);
    let mut draws = Draws(seed, 0);
    let scripts: Vec<Script> =
        (0..TASKS).map(|number| Script::draw(&mut draws, &format!("own{number}"))).collect();
    let text = |script: &Script| script.lines.join("\n");
    let tasks: Vec<serde_json::Value> = scripts
        .iter()
        .map(|script| {
            task(&script.own, &format!("OPERATOR='{}'\n{}\necho done", repo.display(), text(script)))
        })
        .collect();
    plan(&env, &tasks);
    std::fs::rename(env.path("plan.json"), env.path("repo/plan.json")).expect("the plan can be moved");
    let before = operators(&repo);
    let mut command = env.command(&["run", "plan.json"]);
    // Git's own variables of whoever starts Baton lead nowhere.
    command.current_dir(&repo).env("GIT_INDEX_FILE", repo.join("elsewhere")).env("GIT_DIR", "/nowhere");
    let said = crate::support::output(command);
    assert_eq!(said.code, Some(i32::from(scripts.iter().any(|one| one.refused.is_some()))), "{said:?}");
    assert_eq!(operators(&repo), before, "what is the operator's");
    assert!(!env.path("hooked").exists() && !env.path("hacked").exists(), "a hook or a monitor has run");

    let log = git(
        &repo,
        &[
            "log",
            "--reverse",
            "--format=%H %(trailers:key=Baton-Task,valueonly,separator=%x20)",
            "main..baton/accepted",
        ],
    );
    let mut landed: Vec<&str> = Vec::new();
    for line in log.lines() {
        let (commit, own) = line.split_once(' ').expect("a commit and its task");
        let script = scripts.iter().find(|script| script.own == own).expect("its task is one of the plan's");
        script.check(&files(&repo, &format!("{commit}^")), &files(&repo, commit), &text(script));
        landed.push(own);
    }
    landed.sort_unstable();
    let accepted: Vec<&str> =
        scripts.iter().filter(|one| one.refused.is_none()).map(|one| one.own.as_str()).collect();
    assert_eq!(landed, accepted, "all that was accepted has landed, once, and nothing else\n{said:?}");
    let attempts = Stored::open(&repo.join(".baton")).expect("there is a store").attempts();
    for script in scripts.iter().filter(|script| script.refused.is_some()) {
        let own = attempts.iter().find(|attempt| attempt.name == script.own).expect("it was tried");
        let report = own.report.clone().expect("a refused attempt has a report");
        let fault = report.fault.expect("a refused attempt has a fault").message;
        assert!(fault.contains(script.refused.expect("these are refused")), "{fault}\n{}", text(script));
    }
    scripts.iter().map(|script| script.lines.len() as u64).sum()
}

#[test]
fn whatever_agents_do_to_their_trees_what_was_judged_lands_and_what_is_the_operators_stays() {
    let seed = seed::drawn("whatever agents do");
    let rounds = seed::rounds(30);
    let acts: u64 = (0..rounds).map(|index| round(seed.of(index.into()))).sum();
    assert!(acts >= u64::from(rounds) * 20, "{acts} acts are too few to mean anything");
}
