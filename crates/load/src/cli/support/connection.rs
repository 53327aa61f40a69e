//! How sessions with a server are opened: the options of every verb that takes a server.

use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use music21_mcp_bench::client::ClientOptions;
use rmcp::model::ProtocolVersion;

#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    /// The revision of the protocol to speak; a server that answers in another is refused. Without it the newest that
    /// the server agrees to.
    #[arg(long, value_name = "REVISION", value_parser = revision())]
    protocol: Option<ProtocolVersion>,
    /// Seconds that a server may take from its start to the end of the handshake.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    start_timeout: u64,
    /// Hold a stream open in each session over HTTP on which the server may ask the client for something, as most
    /// clients do. Without it only for servers that keep sessions and are no music21 servers.
    #[arg(long)]
    listen: bool,
}

fn revision() -> impl clap::builder::TypedValueParser<Value = ProtocolVersion> {
    let known = || ProtocolVersion::KNOWN_VERSIONS.iter();
    PossibleValuesParser::new(known().map(ProtocolVersion::as_str)).try_map(move |text| {
        known().find(|version| version.as_str() == text).cloned().ok_or("not one of those")
    })
}

impl ConnectionArgs {
    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions {
            protocol: self.protocol.clone(),
            start_timeout: Duration::from_secs(self.start_timeout),
            listen: self.listen,
            ..ClientOptions::default()
        }
    }
}
