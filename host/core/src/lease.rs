//! How long a host has a store before another may take it over.

use std::time::Duration;

/// A host that was cut off stops acting, and another may take over, after so long.
pub const TERM: Duration = Duration::from_secs(30);
