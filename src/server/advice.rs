//! What to do where a server does not start or cannot be reached.

use super::ServerSpec;
use crate::client::{ConnectError, Outcome, ServerCommand};

/// Words that only a shell knows.
const SHELL: [&str; 8] = ["&&", "||", "|", ";", "&", ">", ">>", "<"];

/// What to do next, beyond what the error itself says: one that a server answered with is not helped by starting it.
pub(super) fn of(spec: &ServerSpec, error: &ConnectError) -> &'static str {
    let message = error.to_string();
    match spec {
        ServerSpec::InProcess => "; this is a defect of the embedded server",
        ServerSpec::Command(command) => of_command(command, error.outcome, &message),
        ServerSpec::Url(_) if message.contains("certificate:") => {
            "; --ca names the PEM file of the authority that it is known by"
        }
        // That error says what to write.
        ServerSpec::Url(_) if message.contains("--header") => "",
        ServerSpec::Url(_) if !error.is_reached => "; start the server first, or correct the URL",
        ServerSpec::Url(_) => "",
    }
}

fn of_command(command: &ServerCommand, outcome: Outcome, message: &str) -> &'static str {
    let program = command.program.to_string_lossy();
    let port = program.split_once(':').map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    if port.is_some_and(|port| port.parse::<u16>().is_ok()) {
        return "; a URL begins with http://";
    }
    let mut words = [&command.program].into_iter().chain(&command.args).map(|word| word.to_string_lossy());
    let is_for_a_shell =
        |word: &str| SHELL.contains(&word) || word.starts_with("~/") || word.starts_with('$');
    if program == "cd" || words.any(|word| is_for_a_shell(word.as_ref())) {
        return "; it is started without a shell: for what a shell does, write sh -c '…'";
    }
    match outcome {
        _ if message.contains("': does not start: ") => "; is it a program in PATH, or the path of one?",
        // It runs, and said why.
        Outcome::RpcError | Outcome::ProtocolError => "",
        Outcome::TimedOut if message.contains("http://") => {
            "; it seems to serve HTTP: start it first, and give its URL instead"
        }
        _ => "; run the command by hand to see what it says",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_shell_understands_is_told_from_an_address() {
        for (text, expected) in [
            ("localhost:8000/mcp", "begins with http://"),
            ("127.0.0.1:8000", "begins with http://"),
            ("cd /srv && python -m server", "sh -c"),
            ("~/server --stdio", "sh -c"),
            ("$HOME/server", "sh -c"),
            ("python -m server", "by hand"),
            ("C:/server.exe", "by hand"),
            ("sh -c 'a && b'", "by hand"),
        ] {
            let Ok(ServerSpec::Command(command)) = text.parse() else { panic!("{text} is a command") };
            let advice = of_command(&command, Outcome::ConnectError, "the server exited with status 1");
            assert!(advice.contains(expected), "{text}: {advice}");
        }
    }

    #[test]
    fn a_server_that_answers_is_not_to_be_run_by_hand() {
        let command = ServerCommand::new("server", &[]);
        let advice = |outcome, message| of_command(&command, outcome, message);
        assert_eq!(advice(Outcome::RpcError, "tools/list: Method not found (code -32601)"), "");
        assert!(advice(Outcome::TimedOut, "no answer within 60s").contains("by hand"));
        let uvicorn = "no answer within 60s, stderr: Uvicorn running on http://127.0.0.1:8000";
        assert!(advice(Outcome::TimedOut, uvicorn).contains("URL"));
    }
}
