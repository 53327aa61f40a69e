//! The command-line program; everything it does lives in the library's `cli` room.

fn main() -> std::process::ExitCode {
    music21_mcp_load::cli::main()
}
