//! The engine: a scenario's stages driven against a server that is started, watched and disturbed.

mod extension;
mod fault;
mod http_only;
mod in_flight;
mod leftovers;
mod lost;
mod observer;
mod own_server;
mod plan;
mod pool;
mod preparation;
mod probe;
mod progress;
mod sampler;
mod scenario;
mod session_pool;
mod stage;
mod summarize;

pub(crate) use probe::{PROBED, ask as probe_limiter};
pub(crate) use progress::Live;
pub(crate) use scenario::{Context, Epoch, Judges, run};
pub(crate) use session_pool::{Host, NoProcess};
