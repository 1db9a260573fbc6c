//! Looking at what is there.

use baton_app::config::Config;
use baton_core::kind::Kind;
use baton_plugin::library as plugins;
use baton_plugin::limits::{LimitKind, Limits, NONE};
use baton_store::{Home, Reader, read, reader};
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, library, screen, unreadable};

#[derive(Serialize)]
struct Line {
    name: String,
    kind: Kind,
    origin: &'static str,
    digest: String,
    grants: Vec<String>,
}

fn lines(conn: Option<&Reader>) -> Result<Vec<Line>, Failure> {
    let mut lines: Vec<Line> = plugins::components(baton_app::bundled::plugins())
        .into_iter()
        .map(|(name, component)| Line {
            name: name.to_owned(),
            kind: component.kind,
            origin: "bundled",
            digest: component.digest.clone(),
            grants: component.wants().into_iter().map(|gated| gated.any().to_string()).collect(),
        })
        .collect();
    if let Some(conn) = conn {
        for row in read::plugins(conn).map_err(unreadable)? {
            lines.push(Line {
                name: row.name,
                kind: row.kind,
                origin: "installed",
                digest: row.digest,
                grants: row.grants,
            });
        }
    }
    lines.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    Ok(lines)
}

fn store(global: &Global) -> Result<(Config, Option<Reader>), Failure> {
    let (config, home): (Config, Home) = global.here()?;
    let conn = if home.exists() { Some(reader(&home)?) } else { None };
    Ok((config, conn))
}

pub(super) fn all(global: &Global) -> Outcome {
    let (_, conn) = store(global)?;
    let lines = lines(conn.as_ref())?;
    if global.json {
        screen::json(&lines);
        return Ok(Done::Well);
    }
    let row = |line: &Line| {
        let short = line.digest.get(..19).unwrap_or(&line.digest).to_owned();
        vec![line.name.clone(), line.kind.to_string(), line.origin.to_owned(), short, line.grants.join(",")]
    };
    screen::table(
        &["plugin", "kind", "origin", "digest", "grants"],
        &lines.iter().map(row).collect::<Vec<_>>(),
    );
    Ok(Done::Well)
}

pub(super) fn one(global: &Global, name: &str) -> Outcome {
    let (config, conn) = store(global)?;
    let library = library(&config, conn.as_ref())?;
    let known = lines(conn.as_ref())?;
    let kinds: Vec<Kind> = known.iter().filter(|line| line.name == name).map(|line| line.kind).collect();
    if kinds.is_empty() {
        return Err(Failure::Usage(format!("there is no plugin {name:?}: `baton plugin list`")));
    }
    for kind in kinds {
        let (component, grants) = library.inspect(name, kind)?;
        if global.json {
            screen::json(&serde_json::json!({
                "name": name, "kind": component.kind, "digest": component.digest, "size": component.size,
                "contract": component.contract, "imports": component.imports, "exports": component.exports,
                "grants": grants,
            }));
            continue;
        }
        screen::line(&format!(
            "{name}: {} for {}@{}",
            component.kind,
            component.kind.export(),
            component.contract
        ));
        screen::line(&format!("  digest   {}", component.digest));
        screen::line(&format!("  size     {} bytes", component.size));
        screen::line(&format!("  imports  {}", component.imports.join(", ")));
        if !component.wants().is_empty() {
            screen::line(&format!(
                "  grants   {}",
                grants.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ));
        }
    }
    Ok(Done::Well)
}

/// All but the time from call to answer, which is the attempt's.
fn shown() -> impl Iterator<Item = LimitKind> {
    LimitKind::ALL.into_iter().filter(|limit| *limit != LimitKind::Wall)
}

pub(super) fn limits(global: &Global, name: Option<&str>) -> Outcome {
    let (config, conn) = store(global)?;
    let mut known = lines(conn.as_ref())?;
    if let Some(name) = name {
        known.retain(|line| line.name == name);
        if known.is_empty() {
            return Err(Failure::Usage(format!("there is no plugin {name:?}: `baton plugin list`")));
        }
    }
    let of = |line: &Line| config.plugin(&line.name).limits.over(Limits::of(line.kind));
    if global.json {
        let shown = known.iter().map(|line| {
            let limits = of(line);
            let values = shown().map(|limit| (limit, limits.shown(limit))).filter(|(_, value)| value != NONE);
            let pairs = values.map(|(limit, value)| (limit.key().to_owned(), serde_json::Value::from(value)));
            serde_json::json!({ "name": line.name, "kind": line.kind, "limits": serde_json::Map::from_iter(pairs) })
        });
        screen::json(&shown.collect::<Vec<_>>());
        return Ok(Done::Well);
    }
    // What none of them can ask for has no column.
    let columns: Vec<LimitKind> =
        shown().filter(|limit| known.iter().any(|line| of(line).shown(*limit) != NONE)).collect();
    let row = |line: &Line| {
        let values = columns.iter().map(|limit| of(line).shown(*limit));
        [line.name.clone(), line.kind.to_string()].into_iter().chain(values).collect()
    };
    let rows: Vec<Vec<String>> = known.iter().map(row).collect();
    let head: Vec<&str> =
        ["plugin", "kind"].into_iter().chain(columns.iter().map(|limit| limit.key())).collect();
    screen::table(&head, &rows);
    Ok(Done::Well)
}
