//! Rules of the code itself that no type can hold: which room may use which, as ARCHITECTURE.md draws it, and what no
//! room may read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use music21_mcp_bench::client::Tool;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The crates, by the directory of their sources.
const CRATES: [(&str, &str); 5] = [
    ("bench", "src"),
    ("score", "crates/score/src"),
    ("embedded", "crates/embedded/src"),
    ("proc", "crates/proc/src"),
    ("load", "crates/load/src"),
];
/// Crates whose folders are rooms with rules of their own; the others are one room each.
const WITH_ROOMS: [&str; 2] = ["bench", "load"];

/// One source file: its crate, its room (its crate again where that has none), and its code without tests.
struct Source {
    path: String,
    of: &'static str,
    room: String,
    code: String,
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut next = vec![directory.to_owned()];
    while let Some(path) = next.pop() {
        if path.is_dir() {
            next.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file up to its tests, comments left out.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).map(|line| format!("{line}\n")).collect()
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for (of, directory) in CRATES {
        let top = Path::new(ROOT).join(directory);
        for path in files(&top) {
            let relative = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
            if relative.contains("tests") {
                continue;
            }
            let folder = relative.split_once('/').map_or("", |(folder, _)| folder);
            // The files at the top of a crate put its rooms together.
            let room = match WITH_ROOMS.contains(&of) {
                true if folder.is_empty() => continue,
                true => folder.to_owned(),
                false => of.to_owned(),
            };
            found.push(Source { path: format!("{directory}/{relative}"), of, room, code: code(&path) });
        }
    }
    assert!(found.len() > 200, "{} sources", found.len());
    found
}

/// The names behind each `prefix` in the code, such as `measure` in `crate::measure::rating`.
fn names<'a>(code: &'a str, prefix: &str) -> impl Iterator<Item = &'a str> {
    code.split(prefix).skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// What a source uses: rooms of its own crate, `bench/client` and the like of the library, and other crates.
fn used(source: &Source) -> BTreeSet<String> {
    let is_room = |name: &&str| !name.is_empty() && name.starts_with(|c: char| c.is_ascii_lowercase());
    let mut found = BTreeSet::new();
    if WITH_ROOMS.contains(&source.of) {
        let own = names(&source.code, "crate::").filter(is_room).filter(|name| *name != source.room);
        found.extend(own.filter(|name| is_folder(source.of, name)).map(str::to_owned));
    }
    found.extend(
        names(&source.code, "music21_mcp_bench::").filter(is_room).map(|room| format!("bench/{room}")),
    );
    for of in ["score", "embedded", "proc", "load"] {
        if source.code.contains(&format!("music21_mcp_{of}::")) {
            found.insert(of.to_owned());
        }
    }
    found
}

fn is_folder(of: &str, name: &str) -> bool {
    let (_, directory) = CRATES.iter().find(|(known, _)| *known == of).unwrap();
    Path::new(ROOT).join(directory).join(name).is_dir()
}

/// By crate and room, what it uses.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let room = if source.of == source.room {
            source.room.clone()
        } else {
            format!("{}/{}", source.of, source.room)
        };
        uses.entry(room).or_default().extend(used(&source));
    }
    uses
}

/// The table of ARCHITECTURE.md whose first column is "room".
fn drawn() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| room | may use |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let plain = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|');
        let room = plain(cells.next().unwrap());
        let uses = cells.next().unwrap().split(',').map(plain).filter(|name| !name.is_empty() && name != "–");
        (room, uses.collect())
    };
    rows.map(row).collect()
}

/// The same table as the code has it.
fn table(uses: &BTreeMap<String, BTreeSet<String>>) -> String {
    let row = |(room, used): (&String, &BTreeSet<String>)| {
        let used: Vec<&str> = used.iter().map(String::as_str).collect();
        format!("| {room} | {} |\n", if used.is_empty() { "–".to_owned() } else { used.join(", ") })
    };
    uses.iter().map(row).collect()
}

/// The drawing is the code's: nothing is used that it does not allow, and nothing is allowed that nobody uses.
#[test]
fn every_room_uses_what_architecture_md_draws_and_nothing_else() {
    let (drawn, uses) = (table(&drawn()), table(&uses()));
    assert!(drawn == uses, "ARCHITECTURE.md draws\n{drawn}\nand the code is\n{uses}");
}

#[test]
fn no_two_rooms_of_the_load_program_need_each_other_not_even_through_others() {
    let uses = uses();
    let of = |room: &str| uses.get(&format!("load/{room}")).into_iter().flatten();
    for room in uses.keys().filter_map(|room| room.strip_prefix("load/")) {
        let (mut reached, mut next) = (BTreeSet::new(), vec![room]);
        while let Some(used) = next.pop() {
            next.extend(of(used).map(String::as_str).filter(|used| reached.insert(*used)));
        }
        assert!(!reached.contains(room), "{room} is above itself: {:#?}", of(room).collect::<Vec<_>>());
    }
}

/// Sources of the load program's rooms.
fn of_rooms<'a>(sources: &'a [Source], rooms: &'a [&str]) -> impl Iterator<Item = &'a Source> {
    sources.iter().filter(move |source| source.of == "load" && rooms.contains(&source.room.as_str()))
}

/// Time is data there: the same samples give the same figures, anywhere.
#[test]
fn figures_verdicts_and_results_read_no_clock_no_file_and_no_network() {
    let forbidden = ["std::fs", "std::net", "std::process", "std::env", "Instant", "SystemTime", "tokio::"];
    let sources = sources();
    for source in of_rooms(&sources, &["measure", "compare", "result"]) {
        // A shard reads its number from the environment of its job.
        let allowed: &[&str] = if source.path.ends_with("result/shard.rs") { &["std::env"] } else { &[] };
        let found: Vec<_> =
            forbidden.iter().filter(|word| source.code.contains(**word) && !allowed.contains(word)).collect();
        assert!(found.is_empty(), "{} names {found:?}", source.path);
    }
}

/// The functions of a text, by name, with their bodies.
fn functions(code: &str) -> Vec<(&str, &str)> {
    let starts: Vec<usize> = code.match_indices("fn ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([code.len()]);
    let named = |(start, end): (usize, usize)| {
        let text = &code[start + 3..end];
        let name = &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(0)];
        (name, text)
    };
    starts.iter().copied().zip(ends).map(named).filter(|(name, _)| !name.is_empty()).collect()
}

/// Functions that read the wall clock, by themselves or through others. Followed by their names, so that one counts only
/// where nothing else is called so.
fn readers_of_the_wall_clock(sources: &[Source]) -> BTreeSet<&str> {
    // Nothing that measures can call the command line, which is above all.
    let below = sources.iter().filter(|source| source.room != "cli");
    let all: Vec<(&str, &str)> = below.flat_map(|source| functions(&source.code)).collect();
    let is_unique = |name: &str| all.iter().filter(|(other, _)| *other == name).count() == 1;
    let reads = |body: &str| body.contains("SystemTime::now") || body.contains("ClockId::Realtime");
    let mut readers: BTreeSet<&str> =
        all.iter().filter(|(name, body)| reads(body) && is_unique(name)).map(|(name, _)| *name).collect();
    loop {
        let calls = |body: &str| readers.iter().any(|reader| body.contains(&format!("{reader}(")));
        let more: Vec<&str> = all.iter().filter(|(_, body)| calls(body)).map(|(name, _)| *name).collect();
        let new: Vec<&str> =
            more.into_iter().filter(|name| !readers.contains(name) && is_unique(name)).collect();
        if new.is_empty() {
            return readers;
        }
        readers.extend(new);
    }
}

/// A step of the wall clock, by an hour or by a leap second, then changes no figure. A helper elsewhere that reads it is
/// found as well.
#[test]
fn what_measures_reads_no_wall_clock_not_even_through_a_helper() {
    let sources = sources();
    let readers = readers_of_the_wall_clock(&sources);
    assert!(readers.len() < 20, "followed too far to mean anything: {readers:?}");
    let client = sources.iter().filter(|source| source.of == "bench" && source.room == "client");
    // What `ab` writes down says when it was made; what it measures by does not.
    let ab = of_rooms(&sources, &["ab"]).filter(|source| !source.path.ends_with("ab/record.rs"));
    let rooms = ["driver", "measure", "run", "scenario"];
    for source in of_rooms(&sources, &rooms).chain(client).chain(ab) {
        let calls = |reader: &&&str| source.code.contains(&format!("{reader}("));
        let named = ["SystemTime", "UNIX_EPOCH"].into_iter().filter(|name| source.code.contains(name));
        let found: Vec<&str> = readers.iter().filter(calls).copied().chain(named).collect();
        assert!(found.is_empty(), "{} reads the wall clock through {found:?}", source.path);
    }
}

/// A reply is put into its class in one place: nobody else changes it, be it under another name, and `Reply` cannot be
/// made elsewhere.
#[test]
fn only_the_client_decides_how_a_call_ended() {
    let changes = |code: &str| code.contains(".outcome = ");
    let sources = sources();
    let others = sources.iter().filter(|source| (source.of, &*source.room) != ("bench", "client"));
    let others = others.map(|source| (source.path.clone(), source.code.clone()));
    let benches = files(&Path::new(ROOT).join("benches"));
    let benches = benches.into_iter().map(|path| (path.display().to_string(), code(&path)));
    let found: Vec<String> =
        others.chain(benches).filter(|(_, code)| changes(code)).map(|(path, _)| path).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// One name a tool: with a literal of its own, a scenario would go on calling what was renamed.
#[test]
fn tools_are_named_by_their_enum() {
    let names = |code: &str| {
        let literal =
            |tool: &Tool| ["Step::call", "on_score", ".call"].map(|call| format!("{call}(\"{tool}\""));
        Tool::ALL.iter().flat_map(literal).any(|call| code.contains(&call))
    };
    let sources = sources();
    let callers = sources.iter().filter(|source| ["bench", "load"].contains(&source.of));
    let found: Vec<&str> =
        callers.filter(|source| names(&source.code)).map(|source| source.path.as_str()).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// What is Linux's is behind one door.
#[test]
fn only_one_crate_reads_proc() {
    let reads = |code: &str| code.contains("\"/proc/") || code.contains("procfs::");
    let readers: BTreeSet<&str> =
        sources().iter().filter(|source| reads(&source.code)).map(|source| source.of).collect();
    assert_eq!(readers, BTreeSet::from(["proc"]));
    let benches = files(&Path::new(ROOT).join("benches"));
    let found: Vec<_> = benches.into_iter().filter(|path| reads(&code(path))).collect();
    assert!(found.is_empty(), "{found:?}");
}
