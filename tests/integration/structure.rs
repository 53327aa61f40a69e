//! Rules of the code itself that no type can hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn sources(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut next = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(path) = next.pop() {
        if path.is_dir() {
            next.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "{directory}");
    found
}

/// Files of `directory` that hold one of `words`, and the word.
fn naming(directory: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in sources(directory) {
        let text = std::fs::read_to_string(&path).unwrap();
        let here = words.iter().filter(|word| text.contains(**word));
        found.extend(here.map(|word| format!("{}: {word}", path.display())));
    }
    found
}

/// A step of the wall clock, by an hour or by a leap second, then changes no figure.
#[test]
fn what_measures_names_no_wall_clock() {
    let load = "crates/load/src";
    for room in ["driver", "measure", "run", "scenario", "ab/measure.rs", "ab/round.rs"] {
        let found = naming(&format!("{load}/{room}"), &["SystemTime", "UNIX_EPOCH"]);
        assert!(found.is_empty(), "{found:#?}");
    }
    assert!(naming("src/client", &["SystemTime", "UNIX_EPOCH"]).is_empty());
}

/// Time is data there: the same samples give the same figures, anywhere.
#[test]
fn figures_and_verdicts_read_no_clock_no_file_and_no_network() {
    for room in ["measure", "compare", "result"] {
        let words = ["std::fs", "std::net", "Instant", "tokio::net", "std::process"];
        let found = naming(&format!("crates/load/src/{room}"), &words);
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// The rooms that each room's code uses, tests left out.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources("crates/load/src") {
        let relative = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/load/src"));
        let relative = relative.unwrap().to_owned();
        let is_test = relative.components().any(|part| part.as_os_str().to_str().unwrap().contains("tests"));
        // Two files of the crate's own root are no rooms.
        let Some((room, _)) = relative.to_str().unwrap().split_once('/').filter(|_| !is_test) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for used in code.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_ascii_lowercase()).collect();
            if !used.is_empty() && used != room {
                uses.entry(room.to_owned()).or_default().insert(used);
            }
        }
    }
    uses
}

#[test]
fn no_two_rooms_need_each_other_not_even_through_others() {
    let uses = uses();
    for room in uses.keys() {
        let (mut reached, mut next) = (BTreeSet::new(), vec![room]);
        while let Some(used) = next.pop().and_then(|room| uses.get(room)) {
            next.extend(used.iter().filter(|used| reached.insert((*used).clone())));
        }
        assert!(!reached.contains(room), "{room} is above itself: {:#?}", uses[room]);
    }
    assert!(uses["report"].contains("result") && uses["run"].contains("driver"), "{uses:#?}");
}

#[test]
fn rooms_below_know_nothing_of_those_above() {
    let allowed: [(&str, &[&str]); 5] = [
        ("measure", &[]),
        ("result", &["measure"]),
        ("record", &["measure", "result"]),
        ("driver", &["measure", "result"]),
        ("compare", &["measure", "record"]),
    ];
    let uses = uses();
    for (room, allowed) in allowed {
        let used = uses.get(room).into_iter().flatten();
        let above: Vec<&String> = used.filter(|used| !allowed.contains(&used.as_str())).collect();
        assert!(above.is_empty(), "crates/load/src/{room} uses {above:?}");
    }
}
