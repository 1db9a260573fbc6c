//! The configuration: who is asked, and the number of answers that are kept.

use baton_sdk::config::Unusable;
use baton_sdk::router::{Agent, Config};

/// Answers kept unless the operator says otherwise, and at most.
const CACHE: usize = 256;
const CACHE_MOST: usize = 512;

pub struct Settings {
    /// The name and the skills of the agent that is asked; at least one of the two is set.
    pub agent: Option<String>,
    pub skills: Vec<String>,
    pub cache: usize,
}

impl Settings {
    pub fn read(config: Config<'_>) -> Result<Self, Unusable> {
        config.only(&["agent", "skills", "cache"])?;
        let agent = config.get("agent").map(str::trim).filter(|agent| !agent.is_empty());
        let skills = config.get("skills").unwrap_or_default().split(',').map(str::trim);
        let skills: Vec<String> = skills.filter(|skill| !skill.is_empty()).map(str::to_owned).collect();
        if agent.is_none() && skills.is_empty() {
            return Err(Unusable::new("agent", "is required, or `skills`: who is to be asked"));
        }
        let expected = format!("0 to {CACHE_MOST}");
        let cache = config.parse("cache", &expected)?.unwrap_or(CACHE);
        if cache > CACHE_MOST {
            return Err(Unusable::new("cache", format!("is `{cache}`, expected {expected}")));
        }
        Ok(Self { agent: agent.map(str::to_owned), skills, cache })
    }

    /// Whether this agent is one to be asked. A question belongs to no track.
    pub fn fits(&self, agent: &Agent) -> bool {
        self.agent.as_ref().is_none_or(|wanted| *wanted == agent.id)
            && self.skills.iter().all(|skill| agent.skills.contains(skill))
    }

    /// Who is asked, for a reason.
    pub fn whom(&self) -> String {
        match &self.agent {
            Some(agent) => agent.clone(),
            None => format!("an agent with {}", self.skills.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::agent;
    use baton_sdk::router::Attr;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Unusable> {
        let attrs: Vec<Attr> = pairs.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
        Settings::read(Config(&attrs))
    }

    fn refused(pairs: &[(&str, &str)]) -> Unusable {
        read(pairs).err().unwrap()
    }

    #[test]
    fn somebody_must_be_named() {
        let nobody = Unusable::new("agent", "is required, or `skills`: who is to be asked");
        assert_eq!(refused(&[]), nobody);
        assert_eq!(refused(&[("agent", " "), ("skills", " ,")]), nobody);
        assert_eq!(refused(&[("agnt", "a")]).key, "agnt");
    }

    #[test]
    fn by_name_by_skills_or_both() {
        let named = read(&[("agent", "lead")]).unwrap();
        assert_eq!((named.whom(), named.cache), (String::from("lead"), 256));
        assert!(named.fits(&agent("lead", &[])) && !named.fits(&agent("a", &[])));
        let skilled = read(&[("skills", "plan, route")]).unwrap();
        assert_eq!(skilled.whom(), "an agent with plan, route");
        assert!(skilled.fits(&agent("a", &["plan", "route"])) && !skilled.fits(&agent("a", &["plan"])));
        let both = read(&[("agent", "lead"), ("skills", "plan")]).unwrap();
        assert!(both.fits(&agent("lead", &["plan"])) && !both.fits(&agent("lead", &[])));
    }

    #[test]
    fn the_cache_has_0_to_512_entries() {
        let cache = |value| read(&[("agent", "a"), ("cache", value)]).map(|settings| settings.cache);
        assert_eq!((cache("0"), cache("512")), (Ok(0), Ok(512)));
        assert_eq!(cache("513"), Err(Unusable::new("cache", "is `513`, expected 0 to 512")));
        assert_eq!(cache("-1"), Err(Unusable::new("cache", "is `-1`, expected 0 to 512")));
    }
}
