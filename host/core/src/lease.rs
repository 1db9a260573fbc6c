//! The lease that a host holds on its store.

use std::time::Duration;

/// The lease's duration. A host that can't renew it in time stops acting, and another may take over.
pub const TERM: Duration = Duration::from_secs(30);
