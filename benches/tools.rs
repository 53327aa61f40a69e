//! Every tool on three real scores of the bundled corpus, one caller, over whatever way
//! `MUSIC21_MCP_SERVER` names. A bench's throughput is notes a second of the score it works on;
//! `list` and `delete` count calls.

mod support;

fn main() -> std::process::ExitCode {
    support::run("tools")
}
