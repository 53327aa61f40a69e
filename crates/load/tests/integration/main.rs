//! The program as its users run it.

mod audit_cli;
mod compare_ab;
mod compare_cli;
mod compare_history;
mod compare_loads;
mod compare_profile;
mod compare_refusals;
mod compare_workflow;
mod connection;
mod deploy;
mod documents;
mod figures;
mod first_byte;
mod formats;
mod generate;
mod init;
mod links;
mod manual;
mod old_files;
mod python;
mod readme;
mod record;
mod record_agent;
mod record_http;
mod repeat;
mod report;
mod report_terminal;
mod run;
#[cfg(target_os = "linux")]
mod run_faults;
mod run_isolation;
mod run_memory_profile;
mod run_newer_python;
#[cfg(target_os = "linux")]
mod run_recovery;
mod run_scenarios;
mod run_sessions;
mod serve;
mod serve_http;
mod server;
mod server_command;
mod server_start;
mod shards;
#[path = "../../../../tests/support/skip.rs"]
mod skip;
mod unknown_system;
mod verbs;
mod wait;
mod workshop;
mod wrong_input;
