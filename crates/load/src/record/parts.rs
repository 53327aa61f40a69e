//! What the makers of records differ in; what they agree in is written here once.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use music21_mcp_bench::client::ServerInfo;
use music21_mcp_bench::server::ServerSpec;
use music21_mcp_proc::{Conditions, Machine};

use super::{
    Entry, Kind, Load, Protocol, Record, SCHEMA_VERSION, Server, Workload, sha256_hex, this_tool, utc,
};
use crate::result::Tool;

/// All that a record says, without a reference server and with nothing that speaks against it.
pub(crate) struct Parts<'a> {
    pub kind: Kind,
    pub origin: Origin,
    /// The name that records of this target are found by.
    pub target: String,
    /// The digest of its command line or URL.
    pub launch_sha256: String,
    pub transport: &'a str,
    /// What the server says of itself, where it was asked.
    pub identity: Option<ServerInfo>,
    /// The workload's name, and SHA-256 of inputs, arguments, mix and seed.
    pub workload: (&'a str, String),
    pub load: Load,
    pub entries: BTreeMap<String, Entry>,
}

/// When, by which program and where something was measured.
pub(crate) struct Origin {
    pub created_utc: String,
    pub tool: Tool,
    pub machine: Machine,
    pub conditions: Conditions,
}

impl Origin {
    /// Now, by this program, on this machine.
    pub(crate) fn here(conditions: Conditions) -> Self {
        let created_utc = utc(SystemTime::now());
        Self { created_utc, tool: this_tool(), machine: Machine::here(), conditions }
    }
}

impl Load {
    /// One session that sends its next call when the last has ended.
    pub(crate) fn closed(deadline_ms: Option<u64>) -> Self {
        Self { model: "closed".to_owned(), rate_per_s: None, sessions: 1, deadline_ms }
    }
}

impl From<Parts<'_>> for Record {
    fn from(parts: Parts<'_>) -> Self {
        let Parts { kind, origin, target, launch_sha256, transport, identity, workload, load, entries } =
            parts;
        let Origin { created_utc, tool, machine, conditions } = origin;
        let (name, version, mcp_version) = match identity {
            Some(ServerInfo { name, version, protocol }) => (Some(name), Some(version), Some(protocol)),
            None => (None, None, None),
        };
        let (id, sha256) = workload;
        Self {
            schema_version: SCHEMA_VERSION,
            kind,
            created_utc,
            tool,
            server: Server { target, name, version, launch_sha256 },
            protocol: Protocol { transport: transport.to_owned(), mcp_version },
            workload: Workload { id: id.to_owned(), version: 1, sha256 },
            load,
            machine,
            conditions,
            reference: None,
            invalid: None,
            entries,
        }
    }
}

/// A record with nothing special about it, for tests and audits.
pub(crate) fn plain_record(kind: Kind, entries: BTreeMap<String, Entry>) -> Record {
    let tool = Tool {
        version: "0.1.0".to_owned(),
        git_rev: Some("0".repeat(40)),
        dirty: Some(false),
        profile: "release".to_owned(),
        rustc: None,
    };
    let machine = Machine {
        cpu_model: Some("cpu".to_owned()),
        cores: 2,
        memory_bytes: Some(8 << 30),
        kernel: Some("6.1.0".to_owned()),
        virtual_machine: true,
        governor: None,
        fingerprint: sha256_hex(b"machine"),
    };
    let conditions =
        Conditions { load_before: None, load_after: None, steal_percent: None, cpu_pressure_percent: None };
    Record::from(Parts {
        kind,
        origin: Origin { created_utc: utc(UNIX_EPOCH), tool, machine, conditions },
        target: "embedded".to_owned(),
        launch_sha256: ServerSpec::InProcess.digest(),
        transport: "stdio",
        identity: Some(ServerInfo {
            name: "server".to_owned(),
            version: "1".to_owned(),
            protocol: "2025-06-18".to_owned(),
        }),
        workload: ("chorale", sha256_hex(b"chorale")),
        load: Load::closed(Some(30_000)),
        entries,
    })
}
