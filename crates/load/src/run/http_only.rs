//! Stages that need HTTP, or a stream that not every server has.

use super::session_pool::Host;
use crate::result::{Definition, Stage};

/// Takes out of a definition what its server cannot show, and says why.
pub(super) async fn leave_out(definition: &mut Definition, host: &Host) -> Vec<String> {
    let is_http = host.facts.transport == "http";
    let listens = definition.stages.iter().any(|stage| stage.workload.listen);
    let has_stream = is_http && listens && host.has_stream().await;
    let obstacle = |stage: &Stage| match (stage.workload.probes(), stage.workload.listen) {
        (true, _) if !is_http => Some("every request is a session's but over HTTP"),
        (_, true) if !is_http => Some("there are streams (GET) to hold open over HTTP only"),
        (_, true) if !has_stream => Some("the server's sessions have no stream (GET) to hold open"),
        _ => None,
    };
    let note = |stage: &Stage| Some(format!("{}: left out: {}", stage.name, obstacle(stage)?));
    let left_out = definition.stages.iter().filter_map(note).collect();
    definition.stages.retain(|stage| obstacle(stage).is_none());
    left_out
}
