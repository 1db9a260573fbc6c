//! Which members of a request a service knows: as configured, and less whatever it complains about.

use crate::settings::Settings;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dialect {
    /// `stream_options`, without which a stream may end without its usage.
    pub stream_usage: bool,
    /// `max_tokens` instead of `max_completion_tokens`.
    pub legacy_max_tokens: bool,
    /// How often this service has complained.
    pub learned: u8,
}

impl Dialect {
    pub fn of(settings: &Settings) -> Self {
        Self {
            stream_usage: settings.stream_usage,
            legacy_max_tokens: settings.legacy_max_tokens,
            learned: 0,
        }
    }

    /// What to try after this complaint; none if it is about something else, or that was tried.
    pub fn simpler(self, complaint: &str) -> Option<Self> {
        let learned = self.learned + 1;
        if self.stream_usage && complaint.contains("stream_options") {
            Some(Self { stream_usage: false, learned, ..self })
        } else if !self.legacy_max_tokens && complaint.contains("max_completion_tokens") {
            Some(Self { legacy_max_tokens: true, learned, ..self })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn what_a_service_complains_about_is_left_out_once() {
        let first = Dialect { stream_usage: true, legacy_max_tokens: false, learned: 0 };
        let second = first.simpler("Extra inputs are not permitted: body.stream_options").unwrap();
        assert_eq!(second, Dialect { stream_usage: false, legacy_max_tokens: false, learned: 1 });
        assert_eq!(second.simpler("stream_options"), None);
        let third = second.simpler("Unrecognized request argument: max_completion_tokens").unwrap();
        assert_eq!(third, Dialect { stream_usage: false, legacy_max_tokens: true, learned: 2 });
        assert_eq!(first.simpler("the prompt is too long"), None);
    }
}
