//! The operator's repository, which is read and in which only refs of the target and of `refs/baton/` are written, and
//! the store's own, which borrows its objects and holds what attempts left until it lands.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::git::{Git, GitError};

/// A repository by its git directory.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    pub(super) git: Git,
    /// Where its objects are, and what all its trees share.
    pub(super) common: PathBuf,
    /// Its working files; a bare repository has none.
    pub(super) top: Option<PathBuf>,
    /// Its hash: `sha1` or `sha256`.
    format: String,
    /// What of its configuration shapes files, as configuration for another.
    pub(super) shape: String,
}

/// Configuration that says what files look like in a tree: the same in the operator's trees and in Baton's.
const SHAPES_FILES: [&str; 9] = [
    "core.autocrlf",
    "core.eol",
    "core.safecrlf",
    "core.ignorecase",
    "core.filemode",
    "core.symlinks",
    "core.precomposeunicode",
    "core.excludesfile",
    "core.attributesfile",
];

impl Repository {
    /// The repository that a folder is, not one in which it lies.
    ///
    /// # Errors
    /// The folder is no repository, or git is not there.
    pub(super) async fn find(folder: &Path) -> Result<Self, GitError> {
        let named = folder
            .canonicalize()
            .map_err(|why| GitError::NoRepository(format!("{} can't be read: {why}", folder.display())))?;
        let look = Git::looking_from(&named);
        let ask = ["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir"];
        let found = look.run(&ask).await.map_err(|why| {
            why.map_failed(|said| {
                GitError::NoRepository(if said.contains("not a git repository") {
                    format!(
                        "{} is in no git repository: run `git init` there, or name another folder",
                        named.display()
                    )
                } else {
                    format!("{}: {said}", named.display())
                })
            })
        })?;
        let mut lines = found.lines().map(PathBuf::from);
        let (dir, common) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let top = match look.run(&["rev-parse", "--show-toplevel"]).await {
            Ok(top) => Some(PathBuf::from(top)),
            Err(_) => None,
        };
        let own = top.as_ref().unwrap_or(&dir);
        if own.canonicalize().ok().as_ref() != Some(&named) {
            let (named, own) = (named.display(), own.display());
            return Err(GitError::NoRepository(format!(
                "{named} is a folder inside the repository {own}: name that"
            )));
        }
        let git = Git::of(&dir);
        let format = git.run(&["rev-parse", "--show-object-format"]).await?;
        let shape = shape(&git, &common, top.as_deref()).await?;
        Ok(Self { git, common, top, format, shape })
    }

    /// The store's own repository, made where it is missing, in the operator's object format.
    ///
    /// # Errors
    /// Git's own.
    pub(super) async fn own(at: &Path, theirs: &Self) -> Result<Self, GitError> {
        if !at.join(SHAPE).exists() {
            init(at, theirs, true).await?;
        }
        for name in ["exclude", "attributes"] {
            let theirs = std::fs::read(theirs.common.join("info").join(name)).unwrap_or_default();
            write(&at.join("info").join(name), &theirs)?;
        }
        write(&at.join("objects/info/alternates"), alternates(&[&theirs.common]).as_bytes())?;
        write(&at.join(SHAPE), theirs.shape.as_bytes())?;
        let own = Self { git: Git::of(at), common: at.to_owned(), top: None, ..theirs.clone() };
        copy_shallow(theirs, at)?;
        Ok(own)
    }
}

/// Of a repository's own configuration, what shapes files: also the filters that attributes name.
async fn shape(git: &Git, common: &Path, top: Option<&Path>) -> Result<String, GitError> {
    let listed = git.run(&["config", "--local", "--includes", "--list", "-z"]).await?;
    let wanted = |key: &str| {
        SHAPES_FILES.contains(&key)
            || (key.starts_with("filter.") || key.starts_with("merge.") && key.matches('.').count() > 1)
    };
    let mut text = String::new();
    for entry in listed.split('\0').filter(|entry| !entry.is_empty()) {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
        if let Some(why) = top.and_then(|top| runs_what_agents_write(top, key, value)) {
            return Err(GitError::NoRepository(why));
        }
        if wanted(key) {
            text.push_str(&setting(key, value));
        }
    }
    // Large files that git-lfs keeps apart are kept where the operator's are.
    text.push_str(&setting("lfs.storage", &common.join("lfs").display().to_string()));
    Ok(text)
}

/// Filters run on the host, in a tree: one that names a file of the tree would run what an agent wrote there.
fn runs_what_agents_write(top: &Path, key: &str, command: &str) -> Option<String> {
    if !key.starts_with("filter.") {
        return None;
    }
    let words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let own = words.enumerate().find_map(|(at, word)| {
        // The first is looked up in PATH.
        let may_be_file = !word.is_empty() && (at > 0 || word.contains('/'));
        let is_relative = !word.starts_with(['/', '-', '$', '~']);
        (may_be_file && is_relative && top.join(word).is_file()).then_some(word)
    })?;
    Some(format!(
        "{key} of the repository's configuration runs {own}, which agents may change in their trees: name it by an absolute path outside the repository"
    ))
}

/// A clone without its whole history has a list of where that ends.
pub(super) fn copy_shallow(from: &Repository, to: &Path) -> Result<(), GitError> {
    match std::fs::read(from.common.join("shallow")) {
        Ok(ends) => write(&to.join("shallow"), &ends),
        Err(_) => Ok(()),
    }
}

/// Included by the configuration of repositories that Baton makes.
pub(super) const SHAPE: &str = "baton.config";

/// Makes an empty repository with the object format of another.
pub(super) async fn init(at: &Path, like: &Repository, bare: bool) -> Result<(), GitError> {
    std::fs::create_dir_all(at).map_err(|why| GitError::Folder { path: at.to_owned(), why })?;
    let format = format!("--object-format={}", like.format);
    let mut args = vec!["init", "--quiet", "--template=", "--initial-branch=main", &format];
    args.extend(bare.then_some("--bare"));
    args.push(".");
    Git::looking_from(at).run(&args).await?;
    let dir = if bare { at.to_owned() } else { at.join(".git") };
    Git::of(&dir).run(&["config", "include.path", SHAPE]).await?;
    Ok(())
}

/// The file that lets a repository borrow the objects of others.
pub(super) fn alternates(from: &[&Path]) -> String {
    from.iter().map(|common| format!("{}\n", common.join("objects").display())).collect()
}

/// Writes a file that another process may be reading: all of it or nothing.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), GitError> {
    if std::fs::read(path).is_ok_and(|held| held == content) {
        return Ok(());
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(&beside, content))
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|why| GitError::Folder { path: path.to_owned(), why })
}

/// One setting as a section of its own. A key is `section.name` or `section.subsection.name`.
fn setting(key: &str, value: &str) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let Some((section, rest)) = key.split_once('.') else { return String::new() };
    let mut text = String::new();
    let (head, name) = match rest.rsplit_once('.') {
        Some((sub, name)) => {
            (format!("[{section} \"{}\"]", sub.replace('\\', "\\\\").replace('"', "\\\"")), name)
        }
        None => (format!("[{section}]"), rest),
    };
    let _ = writeln!(text, "{head}\n\t{name} = \"{}\"", quoted(value));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_so_that_git_reads_them_back() {
        assert_eq!(setting("core.eol", "lf"), "[core]\n\teol = \"lf\"\n");
        assert_eq!(
            setting("filter.my.own.clean", "sed \"s/\\\\/x/\""),
            "[filter \"my.own\"]\n\tclean = \"sed \\\"s/\\\\\\\\/x/\\\"\"\n"
        );
    }
}
