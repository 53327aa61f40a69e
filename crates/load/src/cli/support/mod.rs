//! Parts of verbs: what several of them share, and what one is too long to hold.

pub(crate) mod connection;
pub(crate) mod files;
pub(crate) mod masked;
pub(crate) mod metrics;
pub(crate) mod process;
pub(crate) mod profile;
pub(crate) mod profiles;
pub(crate) mod relay;
pub(crate) mod rounds;
pub(crate) mod scenario_options;
pub(crate) mod select;
pub(crate) mod template;
