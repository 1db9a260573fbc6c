//! Checks that something was changed, and only files in the declared scope.
//!
//! Configuration: `require-change` (true), whether an attempt that changed nothing is refused; `paths`, globs that may be
//! changed beside those that the task declares; `deny`, globs that must not be changed whatever is declared. Both are a
//! JSON list, or globs between commas. `*` and `?` stay inside one path segment, `**` stands for any number of segments.
//!
//! What changed comes from the host (`workspace.changed`), which compared the attempt's worktree, not from the agent. An
//! attempt without a worktree of its own is refused. Where the task declares no paths and none are configured, nothing
//! is out of scope but what is denied.

mod facts;
mod glob;

use baton_sdk::config::Unusable;
use baton_sdk::validator::{Check, Config, Request, ValidationError, Validator, Verdict};

use facts::{Change, Facts};

struct DiffScope;

const KEYS: [&str; 3] = ["require-change", "paths", "deny"];

/// How many paths an explanation names.
const NAMED: usize = 100;

struct Bounds {
    require_change: bool,
    paths: Vec<String>,
    deny: Vec<String>,
}

impl Validator for DiffScope {
    fn validate(request: Request) -> Result<Verdict, ValidationError> {
        validate(&request)
    }
}

fn validate(request: &Request) -> Result<Verdict, ValidationError> {
    let config = Config(&request.config);
    config.only(&KEYS)?;
    let bounds = Bounds {
        require_change: config.parse("require-change", "true or false")?.unwrap_or(true),
        paths: globs(config, "paths")?,
        deny: globs(config, "deny")?,
    };
    Ok(Verdict::Checks(match Facts::read(&request.outcome.attrs) {
        Ok(facts) => vec![changed(&facts, &bounds), scope(&facts, &bounds)],
        Err(why) => vec![Check::refused("changed", why)],
    }))
}

fn globs(config: Config<'_>, key: &str) -> Result<Vec<String>, Unusable> {
    let text = config.get(key).unwrap_or("").trim();
    let globs: Vec<String> = match text.starts_with('[') {
        true => serde_json::from_str(text)
            .map_err(|_| Unusable::new(key, format!("is `{text}`, expected a JSON list of globs")))?,
        false => text.split(',').map(|glob| glob.trim().to_owned()).filter(|glob| !glob.is_empty()).collect(),
    };
    match globs.iter().find_map(|glob| Some((glob, glob::mistake(glob)?))) {
        None => Ok(globs),
        Some((glob, why)) => Err(Unusable::new(key, format!("holds `{glob}`: {why}"))),
    }
}

fn changed(facts: &Facts, bounds: &Bounds) -> Check {
    match (facts.changed.len(), bounds.require_change) {
        (0, true) => Check {
            label: String::from("nothing changed"),
            ..Check::refused("changed", "the attempt's worktree is as it was: no file was changed")
        },
        (0, false) => Check::passed("changed", "no file was changed, and none had to be"),
        (count, _) => Check::passed("changed", format!("{count} file(s) changed")),
    }
}

fn scope(facts: &Facts, bounds: &Bounds) -> Check {
    let allowed: Vec<&String> = facts.declared.iter().chain(&bounds.paths).collect();
    let why = |change: &Change| -> Option<String> {
        let of = |path: &String| {
            if let Some(glob) = bounds.deny.iter().find(|glob| glob::matches(glob, path)) {
                return Some(format!("{} {path}: {glob} is denied", change.status));
            }
            let inside = allowed.is_empty() || allowed.iter().any(|glob| glob::matches(glob, path));
            (!inside).then(|| format!("{} {path}: is not declared", change.status))
        };
        change.paths.iter().find_map(of)
    };
    let outside: Vec<String> = facts.changed.iter().filter_map(why).collect();
    match (outside.len(), allowed.is_empty()) {
        (0, true) => Check::passed("scope", "the task declares no paths, and nothing denied was changed"),
        (0, false) => Check::passed("scope", "every change is where it was declared"),
        (count, _) => Check {
            score: (facts.changed.len() - count) as f64 / facts.changed.len() as f64,
            label: format!("{count} of {} outside", facts.changed.len()),
            ..Check::refused("scope", explanation(&outside, &allowed))
        },
    }
}

fn explanation(outside: &[String], allowed: &[&String]) -> String {
    let mut lines: Vec<String> = outside.iter().take(NAMED).cloned().collect();
    if outside.len() > NAMED {
        lines.push(format!("and {} more", outside.len() - NAMED));
    }
    if !allowed.is_empty() {
        let allowed: Vec<&str> = allowed.iter().map(|glob| glob.as_str()).collect();
        lines.push(format!("declared: {}", allowed.join(", ")));
    }
    lines.join("\n")
}

baton_sdk::validator!(DiffScope);

#[cfg(test)]
mod tests;
