//! How sessions with a server are opened: the options of every verb that takes a server.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use music21_mcp_bench::client::{ClientOptions, headers, without_value};
use rmcp::model::ProtocolVersion;

use crate::duration;

/// What a user names as a server. Nothing is none: of a variable that is not set, the embedded server is not meant.
pub(crate) fn named_server(text: &str) -> Result<String, &'static str> {
    let is_named = !text.trim().is_empty();
    is_named.then(|| text.to_owned()).ok_or("it is empty; name a command line, a URL, or `embedded`")
}

#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    /// Send a header with every request over HTTP, such as `Authorization: Bearer env:TOKEN`: `env:NAME` stands for a
    /// variable of the environment, `file:PATH` for what is in a file. It may be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A PEM file with the authorities by which a server behind `https://` is known; those of the system without it. Needs
    /// a program that was built with `--features tls`.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The revision of the protocol to speak; a server that answers in another is refused. Without it the newest that
    /// the server agrees to.
    #[arg(long, value_name = "REVISION", value_parser = revision())]
    protocol: Option<ProtocolVersion>,
    /// How long a server may take from its start to the end of the handshake: seconds, or a time such as 2m.
    #[arg(long, value_name = "TIME", default_value = "60s", allow_negative_numbers = true, value_parser = duration::option)]
    start_timeout: Duration,
    /// Hold a stream open in each session over HTTP on which the server may ask the client for something, as most
    /// clients do. Without it only for servers that keep sessions and are no music21 servers.
    #[arg(long)]
    listen: bool,
    /// Give each call a trace (W3C trace context): `traceparent` in its `_meta`, and over HTTP in a header. The slowest and
    /// the failed calls are reported with their trace ids.
    #[arg(long)]
    trace_context: bool,
}

fn revision() -> impl clap::builder::TypedValueParser<Value = ProtocolVersion> {
    let known = || ProtocolVersion::KNOWN_VERSIONS.iter();
    PossibleValuesParser::new(known().map(ProtocolVersion::as_str)).try_map(move |text| {
        known().find(|version| version.as_str() == text).cloned().ok_or("not one of those")
    })
}

impl ConnectionArgs {
    /// Those that say where their values are found, and the names of the others, whose values may be secrets.
    pub(in crate::cli) fn headers_for_a_file(&self) -> (Vec<String>, Vec<String>) {
        let headers = self.headers.iter().cloned();
        let (kept, mut others): (Vec<String>, Vec<String>) =
            headers.partition(|header| without_value(header) == *header);
        others.iter_mut().for_each(|header| header.truncate(header.find(':').unwrap_or(0)));
        (kept, others)
    }

    /// The settings; what scenario files say of headers comes first, so that the command line wins.
    ///
    /// # Errors
    ///
    /// Where a header is none, or names what is not there.
    pub(crate) fn options(&self, of_files: &[String]) -> Result<ClientOptions, String> {
        let written = of_files.iter().chain(&self.headers).map(String::as_str);
        Ok(ClientOptions {
            headers: headers(written).map_err(|error| error.to_string())?,
            authorities: self.ca.clone(),
            protocol: self.protocol.clone(),
            start_timeout: self.start_timeout,
            listen: self.listen,
            trace_context: self.trace_context,
            ..ClientOptions::default()
        })
    }
}
