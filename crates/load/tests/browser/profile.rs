//! `run --profile`: flamegraphs of this process and of the server, and a run that goes on without them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use music21_mcp_load::report::html::{self, Extras, Flamegraph};

use crate::chromium::in_chromium;
use crate::run::{self, Bench};
use crate::skip::skip;

/// The flamegraphs of a run and what its notes say.
struct Profiled {
    bench: Bench,
    notes: Vec<String>,
}

fn profiled(arguments: &[&str], path: Option<&Path>) -> Profiled {
    let bench = Bench::new(&[&["tools", "--duration", "3", "--profile"], arguments].concat());
    let mut command = bench.command();
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.output().unwrap();
    assert!(!output.stdout.is_empty(), "{}", run::text(&output.stderr));
    let notes = bench.result().scenarios[0].notes.clone();
    Profiled { bench, notes }
}

impl Profiled {
    fn flamegraph(&self, name: &str) -> Option<String> {
        let directory: PathBuf = self.bench.path().with_file_name("flamegraphs");
        std::fs::read_to_string(directory.join(format!("tools-one-client-{name}.svg"))).ok()
    }

    fn refusal(&self) -> Option<&String> {
        self.notes.iter().find(|note| note.contains("server not profiled"))
    }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_run_goes_on_where_no_sampler_is_installed() {
    let nowhere = tempfile::tempdir().unwrap();
    let run = profiled(&[], Some(nowhere.path()));
    let refusal = run.refusal().expect("a line says why");
    assert!(refusal.contains("perf is not on PATH; install"), "{refusal}");
    let own = run.flamegraph("own-process").expect("our own process needs no sampler");
    assert!(
        ["music21_mcp_bench::", "music21_mcp_load::"].iter().any(|library| own.contains(library)),
        "{own}"
    );
    assert!(run.flamegraph("server").is_none());
}

#[test]
fn a_run_goes_on_where_the_kernel_refuses_a_sampler() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let perf = directory.path().join("perf");
    std::fs::write(&perf, "#!/bin/sh\necho 'Access to performance monitoring is limited.' >&2\nexit 255\n")
        .unwrap();
    std::fs::set_permissions(&perf, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = profiled(&[], Some(directory.path()));
    let refusal = run.refusal().expect("a line says why");
    assert!(refusal.ends_with("perf gave up: Access to performance monitoring is limited."), "{refusal}");
    assert!(run.flamegraph("own-process").is_some());
}

#[test]
fn a_native_server_has_a_flamegraph_of_all_calls_and_one_of_a_tool() {
    if !is_installed("perf") {
        return skip("no-perf", "Debian's package linux-perf");
    }
    // On a busy machine perf may begin when the run has almost ended: then it has seen too little.
    for _ in 0..3 {
        let run = profiled(&[], None);
        if let Some(refusal) = run.refusal() {
            return skip("perf-refused", refusal);
        }
        if run.flamegraph("server").expect("perf was let in").contains("music21_mcp_embedded") {
            return;
        }
    }
    panic!("the server's own functions are named");
}

#[test]
fn a_python_server_has_a_flamegraph_of_its_python_functions() {
    let python = std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import fastmcp, music21"]).output();
    if !is_installed("py-spy") {
        return skip("no-py-spy", "PyPI's py-spy, on the PATH");
    }
    if !probe.is_ok_and(|output| output.status.success()) {
        return skip(
            "no-music21",
            "PyPI's fastmcp and music21; MUSIC21_PYTHON names an interpreter that has them",
        );
    }
    let server = format!("{python} {}/../../tests/servers/music21_server.py", env!("CARGO_MANIFEST_DIR"));
    let run = profiled(&["--server", &server], None);
    let packages = run.bench.result().server.packages;
    assert!(packages.contains_key("mcp") && packages.contains_key("fastmcp"), "{packages:?}");
    if let Some(refusal) = run.refusal() {
        return skip("py-spy-refused", refusal);
    }
    assert!(run.flamegraph("server").expect("py-spy was let in").contains("servers/music21_server.py"));
}

/// One run of a server in its own process for all tests of it.
static EMBEDDED: LazyLock<Profiled> = LazyLock::new(|| profiled(&["--server", "in-process"], None));

#[test]
fn a_server_in_this_process_is_in_our_own_flamegraph() {
    assert_eq!(EMBEDDED.refusal(), None);
    assert!(EMBEDDED.flamegraph("own-process").unwrap().contains("music21_mcp_embedded"));
}

/// Clicks on the widest frame that is not as wide as the picture, then on the root, and says what came of it.
const CLICKS: &str = "<script>//<![CDATA[
{const frames=[...document.querySelectorAll('.f')],W=+document.querySelector('svg').dataset.w;
const rect=f=>f.querySelector('rect'),number=(f,name)=>+rect(f).getAttribute(name);
const look=()=>frames.filter(f=>f.style.display!=='none')
  .map(f=>[number(f,'x'),number(f,'width')]);
const click=f=>rect(f).dispatchEvent(new MouseEvent('click',{bubbles:true}));
const before=look(),by=(a,b)=>b.dataset.w-a.dataset.w;
const target=frames.filter(f=>f.dataset.w<W*.95).sort(by)[0];click(target);
const zoomed=number(target,'x')===0&&number(target,'width')>W-1&&look().length<before.length;
click(frames[0]);const after=look();
const same=after.length===before.length&&after.every((a,i)=>a.every((v,j)=>Math.abs(v-before[i][j])<.05));
console.log('zooms',zoomed,'resets',same,'frames',before.length>9)}
//]]></script></svg>";

#[test]
fn a_click_on_a_frame_widens_it_and_one_on_the_root_brings_all_back() {
    let svg = EMBEDDED.flamegraph("own-process").unwrap().replace("</svg>", CLICKS);
    let frame = Flamegraph { name: "own".into(), svg: svg.clone() };
    let extras = Extras::from(vec![frame]);
    let report = html::page(&EMBEDDED.bench.result(), &extras);
    for (name, document) in [("alone.svg", &svg), ("in-a-report.html", &report)] {
        let Some((_, console)) = in_chromium(name, document) else { return };
        assert_eq!(console.len(), 1, "{name}: {console:?}");
        assert!(console[0].contains("zooms true resets true frames true"), "{name}: {console:?}");
    }
}
