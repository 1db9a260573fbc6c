//! `[people]`: what happens to questions that agents ask, and how people are notified of them.

use baton_core::people::{QuestionPolicy, Unanswered};
use baton_core::span::Span;
use baton_plugin::capability::Resources;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct PeopleTable {
    unanswered: Unanswered,
    after: Option<Span>,
    notify_profile: Option<String>,
    notify_service: Option<String>,
}

impl PeopleTable {
    /// # Errors
    /// Who is to be told is told by nothing that there is.
    pub(super) fn resolve(self, offer: &Resources) -> Result<QuestionPolicy, String> {
        let unknown_profile = self.notify_profile.as_ref().filter(|name| !offer.profiles.contains_key(*name));
        let unknown_service = self.notify_service.as_ref().filter(|name| !offer.services.contains_key(*name));
        if let Some(name) = unknown_profile.or(unknown_service) {
            return Err(format!("people: there is no {name} to notify by"));
        }
        Ok(QuestionPolicy {
            unanswered: self.unanswered,
            after: self.after.map(|span| span.0).unwrap_or_default(),
            notify_profile: self.notify_profile,
            notify_service: self.notify_service,
        })
    }
}
