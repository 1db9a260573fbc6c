//! The configuration, and whether what it names is there.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Condition, Diagnosis, diagnosis};
use crate::AppError;
use crate::bundled;
use crate::config::{Config, NAME};
use baton_core::nearest::did_you_mean;
use baton_core::op::PluginRow;
use baton_plugin::capability::{Profile, Service, Upstream};
use baton_plugin::library::Library;
use baton_store::{Home, read, reader};

/// A service on another continent answers within this.
const CONNECT: Duration = Duration::from_secs(5);

/// The one thing to say where the configuration can't be read.
#[must_use]
pub fn unreadable(why: &str) -> Diagnosis {
    diagnosis("configuration", "", Condition::fault(why, "fix the file at the place that is named"))
}

pub(super) fn found(config: &Config) -> Diagnosis {
    let file = config.folder.join(NAME);
    let condition = if config.agents.is_empty() && !file.exists() {
        let what = format!("there is no {NAME} in or above {}", config.folder.display());
        Condition::fault(
            what,
            "`baton init` writes one with two agents that pretend, `baton init --agent claude` one that works",
        )
    } else if config.agents.is_empty() {
        Condition::warning(
            "no agent is configured",
            "add an [agents.NAME] table: `baton init` in an empty folder shows one",
        )
    } else {
        let names: Vec<&str> = config.agents.iter().map(|card| card.name.as_str()).collect();
        Condition::good(format!("agents {}", names.join(", ")))
    };
    diagnosis("configuration", file.display().to_string(), condition)
}

/// What is installed, as far as the store can be read: faults of the store are reported with the database.
pub(super) fn installed(config: &Config) -> Vec<PluginRow> {
    let conn = reader(&Home::at(&config.store)).ok();
    conn.and_then(|conn| read::plugins(&conn).ok()).unwrap_or_default()
}

pub(super) fn no_library(why: &AppError) -> Diagnosis {
    diagnosis("plugins", "", Condition::fault(why.to_string(), "name a folder that you own with BATON_CACHE"))
}

/// The router, and every plugin that a table is about.
pub(super) fn plugins(config: &Config, library: &Library, installed: &[PluginRow]) -> Vec<Diagnosis> {
    let router = match library.router(&config.router) {
        Ok(_) => Condition::good("it loads"),
        Err(why) => Condition::fault(
            why.to_string(),
            "`baton plugin list` shows what there is; name it under [router] use",
        ),
    };
    let mut checks = vec![diagnosis("router", &config.router, router)];
    let is_known = |name: &str| {
        bundled::plugins().all().any(|plugin| plugin.name == name)
            || installed.iter().any(|row| row.name == name)
    };
    for name in config.plugins.keys().filter(|name| !is_known(name)) {
        let hint = did_you_mean(name, bundled::plugins().all().map(|plugin| plugin.name));
        let what = format!("no plugin of this name is installed or bundled{hint}");
        checks.push(diagnosis(
            "[plugins]",
            name,
            Condition::warning(what, "fix the name: the table has no effect"),
        ));
    }
    checks
}

/// The first path that a profile may write and that does not exist.
fn missing(profile: &Profile) -> Option<&Path> {
    let confine = profile.confine.as_ref()?;
    confine.write.iter().find(|path| !path.exists()).map(PathBuf::as_path)
}

/// Programs of profiles, used or not.
pub(super) fn programs(config: &Config) -> Vec<Diagnosis> {
    let one = |(name, profile): (&String, &Arc<Profile>)| {
        let condition = match profile.find() {
            Ok(file) => match missing(profile) {
                None => Condition::good(file.display().to_string()),
                Some(path) => Condition::warning(
                    format!("{} is not there, so nothing can be written to it", path.display()),
                    format!("make it, or take it out of [profiles.{name}.confine] write"),
                ),
            },
            Err(what) => Condition::fault(
                what.to_string(),
                format!("install the program, or fix argv, cwd or the PATH in env of [profiles.{name}]"),
            ),
        };
        diagnosis("profile", name, condition)
    };
    config.offer.profiles.iter().map(one).collect()
}

/// Secrets, and whether somebody listens. Nothing is sent.
pub(super) fn services(config: &Config) -> Vec<Diagnosis> {
    let one = |(name, upstream): (&String, &Arc<Upstream>)| {
        let service = &upstream.service;
        let condition = match upstream
            .secrets()
            .map_err(|why| why.to_string())
            .and_then(|()| listens(service))
        {
            Ok(at) => Condition::good(format!("{at} listens, its secrets are there")),
            Err(what) => Condition::fault(
                what,
                format!(
                    "set the variable or file of [secrets], or fix url of [services.{name}]; a proxy is not used"
                ),
            ),
        };
        diagnosis("service", name, condition)
    };
    config.offer.services.iter().map(one).collect()
}

fn listens(service: &Service) -> Result<SocketAddr, String> {
    let unknown = |why: std::io::Error| format!("{} is not known: {why}", service.base);
    let addresses = service.base.socket_addrs(|| None).map_err(unknown)?;
    let mut refused = format!("{} has no address", service.base);
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(_) => return Ok(address),
            Err(why) => refused = format!("nobody listens at {address}: {why}"),
        }
    }
    Err(refused)
}
