//! `baton router shadow`: a router is asked beside every decision, and nothing follows from it.

use baton_app::operation::ROUTER_SHADOW;
use baton_app::routers::RouterName;

use super::super::{Global, Outcome};
use super::moved;

pub(super) fn run(global: &Global, router: &str) -> Outcome {
    moved(global, &ROUTER_SHADOW, &RouterName { router: router.to_owned() })
}
