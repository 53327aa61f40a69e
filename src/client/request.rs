//! Requests other than the call of a tool.

/// What is asked of a server beside its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// `ping`.
    Ping,
    /// `tools/list`, its first page.
    ListTools,
    /// `resources/list`, its first page.
    ListResources,
    /// `prompts/list`, its first page.
    ListPrompts,
    /// `resources/read`, of the `uri` among the parameters.
    Read,
    /// A GET over HTTP outside of every session, as health checks make it.
    ProbeGet,
    /// A POST over HTTP outside of every session that begins none.
    ProbePost,
}

impl Request {
    /// As the protocol calls it; what is no request of the protocol is called `probe_get` or `probe_post`.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::ListTools => "tools/list",
            Self::ListResources => "resources/list",
            Self::ListPrompts => "prompts/list",
            Self::Read => "resources/read",
            Self::ProbeGet => "probe_get",
            Self::ProbePost => "probe_post",
        }
    }
}
