//! Imports an interface that Baton does not have. Expected: not loaded; the message names `nobody:oracle/oracle@1.0.0`
//! and what a router may import.

use baton_sdk::router::{Answer, RouteError, Router, Snapshot};

struct UnknownImport;

wit_bindgen::generate!({ path: "wit", world: "seer" });

impl Router for UnknownImport {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let question = format!("who does {} tasks?", snapshot.requests.len());
        Err(RouteError::Other(nobody::oracle::oracle::foresee(&question)))
    }
}

baton_sdk::router!(UnknownImport);
