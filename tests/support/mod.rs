//! What tests share: a folder of their own with a plan and a configuration, and the real binary.

#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub mod model;
pub mod seed;
pub mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use baton_store::testing::tamper::Alteration;
use stored::Stored;
use tempfile::TempDir;

pub const BATON: &str = env!("CARGO_BIN_EXE_baton");

/// The repository.
pub fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .canonicalize()
        .expect("it is two folders below the repository")
}

/// Compiled plugins are shared by all tests of a build.
pub fn cache() -> PathBuf {
    root().join("target/tmp/plugin-cache")
}

/// A folder in which `baton` is run.
pub struct Env {
    folder: TempDir,
}

/// What a command printed and how it ended.
#[derive(Debug)]
#[must_use = "look at the output or assert the exit code"]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The output of a command that must have ended well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The error text of a command that must have ended with this code.
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stderr
    }

    pub fn json(self) -> serde_json::Value {
        let stdout = self.ok();
        serde_json::from_str(&stdout).unwrap_or_else(|why| panic!("{why} in {stdout}"))
    }
}

impl Env {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder can be made") }
    }

    /// With two mock agents of the skill `work`, that take no time.
    pub fn with_mocks() -> Self {
        let env = Self::new();
        env.write("baton.toml", MOCKS);
        env
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, content: &str) -> PathBuf {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("it is inside the folder")).expect("folders can be made");
        fs::write(&path, content).expect("files can be written");
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BATON);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("BATON_CONFIG")
            .env_remove("BATON_STORE")
            .env("BATON_CACHE", cache());
        command
    }

    pub fn baton(&self, args: &[&str]) -> Output {
        output(self.command(args))
    }

    /// Starts it and leaves it running.
    pub fn start(&self, args: &[&str]) -> Running {
        self.spawn(self.command(args))
    }

    pub fn spawn(&self, mut command: Command) -> Running {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Running(child.expect("baton can be started"))
    }

    /// What its store holds.
    pub fn stored(&self) -> Stored {
        Stored::open(&self.path(".baton")).expect("there is a store")
    }

    /// Alters its store behind Baton's back.
    pub fn alter(&self, alterations: &[Alteration<'_>]) {
        stored::alter(&self.path(".baton/baton.db"), alterations);
    }

    /// Waits, for a bounded time, until the store says so.
    pub fn until(&self, what: &str, is_so: impl Fn(&Stored) -> bool) {
        for _ in 0..600 {
            if Stored::open(&self.path(".baton")).is_some_and(|stored| is_so(&stored)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{what} did not come about");
    }
}

pub fn output(mut command: Command) -> Output {
    let output = command.stdin(Stdio::null()).output().expect("baton can be started");
    Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A running baton that is ended with the test, whatever becomes of it.
pub struct Running(Child);

impl Running {
    pub fn id(&self) -> i32 {
        i32::try_from(self.0.id()).expect("process ids are small")
    }

    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.id()).expect("it has an id");
        rustix::process::kill_process(pid, signal).expect("it can be signalled");
    }

    /// Reads its standard error up to a line with this text.
    pub fn until_said(&mut self, text: &str) {
        use std::io::BufRead as _;
        let stderr = self.0.stderr.as_mut().expect("piped");
        let mut lines = std::io::BufReader::with_capacity(1, stderr).lines();
        let said = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(text)));
        assert!(said.is_some(), "it ended without saying {text:?}");
    }

    pub fn wait(mut self) -> Output {
        use std::io::Read as _;
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let (mut out, mut err) = (self.0.stdout.take().expect("piped"), self.0.stderr.take().expect("piped"));
        let reader = std::thread::spawn(move || {
            let _ = err.read_to_string(&mut stderr);
            stderr
        });
        let _ = out.read_to_string(&mut stdout);
        let code = self.0.wait().expect("it ends").code();
        Output { code, stdout, stderr: reader.join().expect("the reader ends") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What git prints in a folder, where it must end well.
pub fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(folder)
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub const MOCKS: &str = r#"
[agents.ann]
adapter = "mock"
skills = ["work"]
capacity = 2

[agents.bob]
adapter = "mock"
skills = ["work", "other"]
capacity = 2
"#;

/// A plan of workstreams that are given as JSON.
pub fn plan(workstreams: serde_json::Value) -> String {
    serde_json::json!({ "name": "test", "workstreams": workstreams }).to_string()
}

/// A chain of tasks that want a skill: `t0` and on, each after the one before.
pub fn chain(count: usize, skill: &str) -> serde_json::Value {
    let before = |index: usize| index.checked_sub(1).map(|before| format!("t{before}"));
    let task = |index| serde_json::json!({ "id": format!("t{index}"), "skills": [skill], "depends_on": Vec::from_iter(before(index)) });
    (0..count).map(task).collect()
}
