//! The client against servers that misbehave, and the rules of the code itself.

mod client_http_faults;
mod client_in_process;
mod client_music21;
mod client_revisions;
mod client_stdio_faults;
mod profile;
mod scripted;
#[path = "../support/skip.rs"]
mod skip;
mod skips;
mod structure;
