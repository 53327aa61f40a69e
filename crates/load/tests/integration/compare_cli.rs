//! `baseline` and `compare` as a user runs them, on the files that Criterion leaves behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::workshop::Workshop;

#[test]
fn a_slower_run_exits_with_1_and_the_same_run_with_0() {
    let shop = Workshop::new();
    let base = shop.five_runs("r", 1e6);
    assert_eq!(shop.run(&["baseline", "save", "first", "--rounds", &base]).code, 0);
    let same = shop.run(&["compare", "--rounds", &base]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.error);

    let slow = shop.five_runs("slow", 1.3e6);
    let run = shop.run(&["compare", "--rounds", &slow, "--out", "c.md", "--out", "c.json", "--out", "c.xml"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.error);
    assert!(run.out.contains("2 regressed, 0 regressed (warning), 0 inconclusive"), "{}", run.out);
    assert!(fs::read_to_string(shop.path("c.md")).unwrap().contains("| tools/key-analysis | wall |"));
    assert!(fs::read_to_string(shop.path("c.xml")).unwrap().contains("<failure message=\"regressed: 1.0"));
    assert!(fs::read_to_string(shop.path("c.json")).unwrap().contains("\"regressed\": \"fail\""));

    for verb in [&["compare"][..], &["baseline", "save", "second"]] {
        let unknown = shop.run(&[verb, &["--rounds", "r1,typo"]].concat());
        assert_eq!(unknown.code, 2, "{}", unknown.error);
        assert!(unknown.error.contains("no baseline 'typo'"), "{}", unknown.error);
    }
    let loose = shop.run(&["compare", "--rounds", &slow, "--limit", "tools/key=+50%"]);
    assert_eq!(loose.code, 0, "{}", loose.out);
    let absolute = shop.run(&["compare", "--rounds", &slow, "--limit", "+200us"]);
    assert_eq!(absolute.code, 1, "{}", absolute.out);
}

#[test]
fn a_slowdown_of_all_entries_that_no_entry_shows_is_a_warning() {
    let shop = Workshop::new();
    let base = shop.five_runs("r", 1e6);
    shop.run(&["baseline", "save", "first", "--rounds", &base]);
    let names: Vec<String> = (1..=5).map(|r| format!("slow{r}")).collect();
    for (r, name) in names.iter().enumerate() {
        let slower = 1.03 * (1.0 + 0.01 * (r % 3) as f64);
        shop.bench("tools/key-analysis", name, 1e6 * slower);
        shop.bench("tools/list-scores", name, 2e4 * slower);
    }
    let run = shop.run(&["compare", "--rounds", &names.join(","), "--format", "json", "--out", "c.txt"]);
    assert_eq!(run.code, 0, "a warning: {}{}", run.out, run.error);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["entries"]["all entries"], json!({ "regressed": "warn" }), "{json}");
    assert_eq!(json["entries"]["tools/key-analysis"], "unchanged");
    let text = fs::read_to_string(shop.path("c.txt")).unwrap();
    assert!(text.contains("0 regressed, 1 regressed (warning)"), "{text}");
    assert_eq!(shop.run(&["compare", "--rounds", &names.join(","), "--strict"]).code, 1);
}

#[test]
fn every_format_tells_the_same_verdicts() {
    let shop = Workshop::new();
    let base = shop.five_runs("r", 1e6);
    shop.run(&["baseline", "save", "first", "--rounds", &base]);
    let slow = shop.five_runs("slow", 1.3e6);
    let compare = |format| shop.run(&["compare", "--rounds", &slow, "--format", format]).out;
    let json: serde_json::Value = serde_json::from_str(&compare("json")).unwrap();
    let rows = json["rows"].as_array().unwrap();
    let failed = rows.iter().filter(|row| row["verdict"] == json!({ "regressed": "fail" })).count();
    assert_eq!((rows.len(), failed), (3, 2), "{json}");

    let xml = compare("junit");
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut elements = std::collections::BTreeMap::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                *elements.entry(name).or_insert(0) += 1;
            }
            _ => {}
        }
    }
    assert_eq!((elements["testcase"], elements["failure"]), (3, 2), "{xml}");
    assert!(xml.contains("tests=\"3\" failures=\"2\" skipped=\"0\""), "{xml}");

    let markdown = compare("markdown");
    let lines: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(lines.len(), 2 + 3, "{markdown}");
    assert!(lines.iter().all(|line| line.matches('|').count() == 7), "{markdown}");
    assert_eq!(lines.iter().filter(|line| line.ends_with("| regressed |")).count(), 2, "{markdown}");
}

#[test]
fn one_run_inconclusive() {
    let shop = Workshop::new();
    shop.bench("tools/key-analysis", "new", 1e6);
    assert_eq!(shop.run(&["baseline", "save", "one"]).code, 0);
    let run = shop.run(&["compare"]);
    assert_eq!(run.code, 3);
    assert!(run.out.contains("inconclusive: only 1 round; 5 are needed"), "{}", run.out);
}

#[test]
fn a_record_is_restored_for_criterion_and_never_over_the_users_own_baseline() {
    let shop = Workshop::new();
    shop.bench("tools/key-analysis", "new", 1e6);
    shop.bench("tools/list-scores", "new", 2e4);
    shop.run(&["baseline", "save", "kept"]);
    let original = fs::read(shop.path("target/criterion/tools/key-analysis/new/sample.json")).unwrap();
    fs::remove_dir_all(shop.path("target/criterion")).unwrap();
    shop.bench("tools/list-scores", "kept", 7e4);
    let mine = fs::read(shop.path("target/criterion/tools/list-scores/kept/sample.json")).unwrap();

    let run = shop.run(&["baseline", "restore"]);
    assert_eq!((run.code, run.out.as_str()), (0, "kept: 1 benchmarks restored, 1 kept\n"), "{}", run.error);
    let restored = fs::read(shop.path("target/criterion/tools/key-analysis/kept/sample.json")).unwrap();
    let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(value(&restored), value(&original));
    assert_eq!(fs::read(shop.path("target/criterion/tools/list-scores/kept/sample.json")).unwrap(), mine);
    assert_eq!(shop.run(&["baseline", "restore"]).out, "kept: 0 benchmarks restored, 2 kept\n");
}

#[test]
fn changes_in_somebody_elses_repository_are_none_of_this_programs() {
    let shop = Workshop::new();
    shop.bench("tools/key-analysis", "new", 1e6);
    fs::write(shop.path("tracked"), "first").unwrap();
    let who = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"];
    for arguments in [&["init", "-q"][..], &["add", "tracked"], &["commit", "-q", "-m", "first"]] {
        let mut git = Command::new("git");
        assert!(git.current_dir(shop.directory()).args(who).args(arguments).status().unwrap().success());
    }
    fs::write(shop.path("tracked"), "changed").unwrap();
    let save = shop.run(&["baseline", "save", "one"]);
    assert_eq!(save.code, 0, "{}", save.error);
    assert!(save.error.contains("the revision of this program is known only in its own"), "{}", save.error);
    let show = shop.run(&["baseline", "show", "one"]).out;
    assert!(show.contains("\"git_rev\": null") && show.contains("\"dirty\": null"), "{show}");
}

#[test]
fn a_name_in_use_is_refused_and_the_file_stays() {
    let shop = Workshop::new();
    shop.bench("tools/key-analysis", "new", 1e6);
    shop.run(&["baseline", "save", "one"]);
    let before = fs::read(shop.path("baselines/one.json")).unwrap();
    let again = shop.run(&["baseline", "save", "one"]);
    assert_eq!(again.code, 4);
    assert!(again.error.contains("'baselines/one.json' exists and is never overwritten"), "{}", again.error);
    assert_eq!(fs::read(shop.path("baselines/one.json")).unwrap(), before);
}

#[test]
fn nothing_to_read_says_what_to_do() {
    let shop = Workshop::new();
    let save = shop.run(&["baseline", "save", "one"]);
    assert_eq!(save.code, 4);
    assert!(save.error.contains("run cargo bench first"), "{}", save.error);
    assert!(shop.run(&["baseline", "list"]).out.starts_with("no records; 'baseline save NAME' makes"));
    shop.bench("tools/key-analysis", "new", 1e6);
    let compare = shop.run(&["compare"]);
    assert_eq!(compare.code, 3);
    assert!(compare.error.starts_with("not comparable: none of the 0 usable records"), "{}", compare.error);
    assert!(shop.run(&["compare", "--limit", "10%"]).error.contains("'10%' is no limit; write it like +10%"));
}

#[test]
fn every_damaged_record_is_not_comparable_never_a_pass_and_never_a_panic() {
    let shop = Workshop::new();
    shop.bench("tools/key-analysis", "new", 1e6);
    shop.run(&["baseline", "save", "good"]);
    let good = fs::read_to_string(shop.path("baselines/good.json")).unwrap();
    let cut = |at: usize| good[..at].to_owned();
    for (what, text, reason) in [
        ("empty", String::new(), "is empty"),
        ("truncated", cut(good.len() / 2), "is cut off or damaged"),
        ("cut-last-byte", cut(good.len() - 2), "is cut off or damaged"),
        ("corrupted", good.replacen("tools", "tolls", 1), "was changed after it was written"),
        ("nan", good.replacen("\"wall_log\":", "\"wall_log\":NaN,\"x\":", 1), "is cut off or damaged"),
        ("negative", good.replacen("\"wall_log\":", "\"wall_log\":-", 1), "was changed after it was written"),
        ("future", good.replace("\"schema_version\":2", "\"schema_version\":3"), "use a newer program"),
        ("foreign", "{\"mean\":{\"point_estimate\":1.0}}".to_owned(), "is no record of this program"),
        ("binary", "\u{1}\u{2}\u{3}".to_owned(), "is cut off or damaged"),
    ] {
        let path = shop.path(&format!("baselines/{what}.json"));
        fs::write(&path, text).unwrap();
        for arguments in [&["compare", what][..], &["compare", "good", what]] {
            let run = shop.run(arguments);
            assert_eq!(run.code, 3, "{what}: {}", run.error);
            assert!(run.error.starts_with("not comparable: "), "{what}: {}", run.error);
            assert!(run.error.contains(reason), "{what}: {}", run.error);
        }
        let verify = shop.run(&["baseline", "verify", what]);
        assert_eq!(verify.code, 3, "{what}");
        assert!(verify.out.contains(reason), "{what}: {}", verify.out);
    }
    let list = shop.run(&["baseline", "list"]).out;
    assert_eq!(list.lines().filter(|line| line.contains("unusable")).count(), 9, "{list}");
}

#[test]
fn a_name_that_does_not_exist_is_a_wrong_command_line() {
    let shop = Workshop::new();
    shop.bench("tools/key-analysis", "new", 1e6);
    shop.run(&["baseline", "save", "good"]);
    for arguments in [
        &["compare", "missing"][..],
        &["compare", "good", "missing"],
        &["baseline", "show", "missing"],
        &["baseline", "verify", "missing"],
        &["baseline", "restore", "missing"],
        &["history", "missing"],
    ] {
        let run = shop.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.error);
        assert!((run.error + &run.out).contains("missing"), "{arguments:?}");
    }
    fs::create_dir(shop.path("baselines/a-directory.json")).unwrap();
    let unreadable = shop.run(&["compare", "a-directory"]);
    assert!(unreadable.code == 4 && unreadable.error.contains("cannot be read"), "{}", unreadable.error);
}

#[test]
fn a_sample_that_criterion_did_not_finish_is_named() {
    let shop = Workshop::new();
    shop.bench("tools/key-analysis", "new", 1e6);
    let sample = Path::new("target/criterion/tools/key-analysis/new/sample.json");
    fs::write(shop.path(sample.to_str().unwrap()), "{").unwrap();
    let run = shop.run(&["baseline", "save", "one"]);
    assert_eq!(run.code, 4);
    assert!(run.error.contains("tools/key-analysis/new': sample.json"), "{}", run.error);
}
