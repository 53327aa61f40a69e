//! Known faults of SDKs that explain what sessions leave: facts, each with its source.

use music21_mcp_bench::server::EMBEDDED;

use super::sessions::{ABANDONED, ENDED, PROBED, RELEASED, left_kb};
use crate::result::{ScenarioResult, ServerFacts};

/// One fault of a package.
struct Advisory {
    id: &'static str,
    /// As PyPI calls it.
    package: &'static str,
    /// Ranges of versions: the first that has it, and the first that has it no more.
    affected: &'static [(&'static str, &'static str)],
    what: &'static str,
    source: &'static str,
    /// The stages whose memory it explains.
    explains: &'static [&'static str],
}

/// Read in the advisory, in the issues, and in the code of 1.8.0, 1.29.1, 1.30.0, 2.1.0 and 2.2.0.
const RANGES: &[(&str, &str)] = &[("1.8.0", "1.30.0"), ("2.0.0", "2.2.0")];

static ADVISORIES: [Advisory; 3] = [
    Advisory {
        id: "CVE-2026-59951",
        package: "mcp",
        affected: RANGES,
        what: "sessions over HTTP that nobody ends are never reclaimed",
        source: "https://github.com/modelcontextprotocol/python-sdk/security/advisories/GHSA-84m7-p3x7-pcfv",
        explains: &[ABANDONED],
    },
    Advisory {
        id: "python-sdk issue 3228",
        package: "mcp",
        affected: RANGES,
        what: "a request without a session opens one before it is refused, and that is never reclaimed",
        source: "https://github.com/modelcontextprotocol/python-sdk/issues/3228",
        explains: &[PROBED],
    },
    Advisory {
        id: "python-sdk issue 3300",
        package: "mcp",
        affected: RANGES,
        what: "a session that its client ends (DELETE) stays registered",
        source: "https://github.com/modelcontextprotocol/python-sdk/issues/3300",
        explains: &[ENDED, RELEASED],
    },
];

/// Names the faults that explain what remained in the server's memory: as the cause where its version has them, as what
/// is to be checked where that is not known.
pub(crate) fn advise(result: &mut ScenarioResult, server: &ServerFacts) {
    // The embedded server is made with no SDK of PyPI's.
    let is_ours = ["", EMBEDDED].contains(&&*server.spec);
    if is_ours || result.name != super::sessions::SCENARIO.name {
        return;
    }
    for advisory in &ADVISORIES {
        let leaves = result.stages.iter().filter(|stage| left_kb(stage).is_some());
        let stages: Vec<String> = leaves.map(|stage| stage.name.clone()).collect();
        let explained: Vec<&str> =
            stages.iter().map(|name| &**name).filter(|name| advisory.explains.contains(name)).collect();
        if explained.is_empty() {
            continue;
        }
        let Advisory { id, package, what, source, .. } = advisory;
        let (names, until) = (explained.join(", "), advisory.ranges());
        match server.packages.get(*package) {
            Some(version) if advisory.has(version) => {
                for check in &mut result.checks {
                    if explained.iter().any(|stage| check.name == format!("{stage}: memory")) {
                        check.text.push_str(&format!("; {id}"));
                    }
                }
                result.notes.push(format!(
                    "{names}: {id}: {what}; the server runs with {package} {version}, and versions {until} have it ({source})"
                ));
            }
            Some(_) => {}
            None => result.notes.push(format!(
                "{names}: the SDK of '{}' is not known: no Python process of it was found on this machine. If it is PyPI's \
                 {package}, versions {until}, check {id}: {what} ({source})",
                server.name
            )),
        }
    }
}

impl Advisory {
    fn has(&self, version: &str) -> bool {
        let version = order(version);
        self.affected.iter().any(|(first, fixed)| order(first) <= version && version < order(fixed))
    }

    fn ranges(&self) -> String {
        let range = |(first, fixed): &(&str, &str)| format!("from {first} to before {fixed}");
        self.affected.iter().map(range).collect::<Vec<_>>().join(" and ")
    }
}

/// A version of PyPI to compare by: the numbers of its release, then whether it is one, since `2.0.0rc1` comes before `2.0.0`.
fn order(version: &str) -> ([u64; 4], bool) {
    let mut numbers = [0; 4];
    let mut rest = version;
    for number in &mut numbers {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let Ok(parsed) = rest[..digits].parse() else { break };
        *number = parsed;
        rest = &rest[digits..];
        match rest.strip_prefix('.') {
            Some(after) if after.starts_with(|c: char| c.is_ascii_digit()) => rest = after,
            _ => break,
        }
    }
    let is_before = ["a", "b", "rc", "dev", ".dev"].iter().any(|mark| rest.starts_with(mark));
    (numbers, !is_before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::trend::Slope;
    use crate::result::{SessionMemory, StageResult, Verdict, fixture};
    use crate::scenario::judge::check;
    use crate::scenario::{Options, sessions};

    #[test]
    fn versions_are_affected_from_the_first_one_to_before_the_fixed_one() {
        for (version, expected) in [
            ("1.7.1", false),
            ("1.8.0", true),
            ("1.12.4", true),
            ("1.29.1", true),
            ("1.30.0rc1", true),
            ("1.30.0", false),
            ("1.30.0.post1", false),
            ("1.31", false),
            ("2.0.0a1", false),
            ("2.0", true),
            ("2.1.9", true),
            ("2.2.0.dev4", true),
            ("2.2.0", false),
            ("2.10.0", false),
            ("unknown", false),
        ] {
            assert_eq!(ADVISORIES[0].has(version), expected, "{version}");
        }
    }

    /// Notes, and the texts of the checks, where such stages left so much.
    fn advised(left: &[(&str, f64)], version: Option<&str>) -> (Vec<String>, Vec<String>) {
        let mut result = fixture::scenario(sessions::SCENARIO.definition(&Options::default()));
        for (name, kb) in left {
            let slope = Slope { estimate: *kb, lower: *kb, upper: *kb };
            result.stages.push(StageResult {
                session_memory: Some(SessionMemory::Kb(slope)),
                ..fixture::stage_named(name)
            });
            result.checks.push(check(format!("{name}: memory"), Verdict::Fail, "left"));
        }
        let packages = version.map(|version| ("mcp".to_owned(), version.to_owned())).into_iter().collect();
        let (spec, name) = ("http://127.0.0.1:8000/mcp".to_owned(), "music".to_owned());
        let server = ServerFacts { spec, name, packages, ..ServerFacts::default() };
        advise(&mut result, &ServerFacts { spec: EMBEDDED.to_owned(), ..server.clone() });
        assert!(result.notes.is_empty(), "the embedded server has no such SDK: {:?}", result.notes);
        advise(&mut result, &server);
        (result.notes, result.checks.into_iter().map(|check| check.text).collect())
    }

    #[test]
    fn what_remains_is_explained_by_the_fault_of_the_version() {
        let (notes, checks) = advised(&[(ENDED, 4.4), (ABANDONED, 63.0), (PROBED, 0.2)], Some("1.12.4"));
        assert_eq!(checks, ["left; python-sdk issue 3300", "left; CVE-2026-59951", "left"]);
        assert!(notes[0].starts_with("abandoned: CVE-2026-59951: sessions over HTTP"), "{notes:?}");
        assert!(
            notes[0].contains("runs with mcp 1.12.4, and versions from 1.8.0 to before 1.30.0"),
            "{notes:?}"
        );
        assert_eq!(notes.len(), 2);
    }

    #[test]
    fn a_fixed_version_has_none_and_an_unknown_one_is_to_be_checked() {
        assert_eq!(advised(&[(ABANDONED, 63.0)], Some("2.3.0")).0, Vec::<String>::new());
        let (notes, checks) = advised(&[(ABANDONED, 63.0)], None);
        assert!(notes[0].starts_with("abandoned: the SDK of 'music' is not known"), "{notes:?}");
        assert!(notes[0].contains("check CVE-2026-59951"), "{notes:?}");
        assert_eq!(checks, ["left"]);
    }
}
