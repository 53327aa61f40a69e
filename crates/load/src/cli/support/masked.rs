//! What a run writes down of how it was asked for, without what may be secret.

use music21_mcp_bench::client::without_value;
use music21_mcp_bench::server::ServerSpec;

use crate::result::Definition;

/// A definition as files and pages hold it.
pub(crate) fn shown(definition: Definition) -> Definition {
    let headers = definition.headers.iter().map(|text| without_value(text)).collect();
    Definition { server: definition.server.as_deref().map(ServerSpec::without_values), headers, ..definition }
}

/// The words that make the same run again, where a variable was among them as its option; what may be secret is left out:
/// the values of the server's own variables, of its URL's query, and of headers.
pub(crate) fn command_line(words: impl Iterator<Item = String>, duration: Option<String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    for (option, shown) in
        [("--server", ServerSpec::without_values as fn(&str) -> String), ("--header", without_value)]
    {
        for at in 1..words.len() {
            if words[at - 1] == option {
                words[at] = shown(&words[at]);
            } else if let Some(value) = words[at].strip_prefix(option).and_then(|rest| rest.strip_prefix('='))
            {
                words[at] = format!("{option}={}", shown(value));
            }
        }
    }
    let has_duration = words.iter().any(|word| word == "--duration" || word.starts_with("--duration="));
    if let Some(seconds) = duration.filter(|_| !has_duration) {
        words.extend(["--duration".to_owned(), seconds]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_of_the_environment_is_part_of_what_is_run_again() {
        let line = |line: &str, duration: Option<&str>| {
            command_line(line.split(' ').map(str::to_owned), duration.map(str::to_owned)).join(" ")
        };
        assert_eq!(line("m run tools", Some("5")), "m run tools --duration 5");
        assert_eq!(line("m run tools --duration=3", Some("5")), "m run tools --duration=3");
        assert_eq!(line("m run tools", None), "m run tools");
    }

    #[test]
    fn what_is_written_down_holds_no_value_of_the_servers_variables() {
        let line = |words: &[&str]| command_line(words.iter().map(ToString::to_string), None);
        assert_eq!(line(&["m", "run", "--server", "KEY=k s"]), ["m", "run", "--server", "KEY=… s"]);
        assert_eq!(line(&["m", "run", "--server=KEY=k s -x"]), ["m", "run", "--server=KEY=… s -x"]);
        assert_eq!(line(&["m", "--header", "A: s3cret"]), ["m", "--header", "A: …"]);
        assert_eq!(line(&["m", "--header=A: env:B"]), ["m", "--header=A: env:B"]);
        assert_eq!(line(&["m", "--server", "http://h/mcp?key=k"]), ["m", "--server", "http://h/mcp?key=…"]);
        let (server, headers) = (Some("KEY=k s".to_owned()), vec!["A: s3cret".to_owned()]);
        let shown = shown(Definition { server, headers, ..Definition::default() });
        assert_eq!((shown.server.as_deref(), shown.headers), (Some("KEY=… s"), vec!["A: …".to_owned()]));
    }
}
