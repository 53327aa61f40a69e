//! Prometheus's text format: of a finished run in a file, of one under way over HTTP. Names begin with
//! `music21_mcp_` and end in their unit.

use music21_mcp_proc::ResourceSample;

use crate::result::{BOUNDS_NS, RunFile, ServerFacts, StageFigures, Times, ToolFigures, Verdict};

type Labels<'a> = [(&'a str, &'a str)];
/// A family of the server's resources: name, kind, help, value.
type Resource = (&'static str, &'static str, &'static str, fn(&ResourceSample) -> Option<f64>);

const RESOURCES: [Resource; 6] = [
    ("server_resident_memory_bytes", "gauge", "Resident memory of the server's processes.", |s| {
        Some(s.rss_bytes as f64)
    }),
    ("server_peak_resident_memory_bytes", "gauge", "Most resident memory since the server's start.", |s| {
        Some(s.peak_rss_bytes as f64)
    }),
    ("server_cpu_seconds_total", "counter", "CPU time of the server's processes.", |s| {
        Some(s.cpu_ns as f64 / 1e9)
    }),
    ("server_open_fds", "gauge", "File descriptors open in the server's processes.", |s| Some(s.fds? as f64)),
    ("server_threads", "gauge", "Threads of the server's processes.", |s| Some(s.threads as f64)),
    ("server_processes", "gauge", "Processes of the server.", |s| Some(s.processes as f64)),
];

/// The figures of a run.
pub(crate) fn text(file: &RunFile) -> String {
    let stages: Vec<StageFigures> =
        file.stages().map(|(scenario, stage)| StageFigures::of(scenario, stage)).collect();
    let mut page = page(&file.server, &stages);
    page.family("scenario_passed", "gauge", "1 if all checks of the scenario passed.");
    for scenario in &file.scenarios {
        let passed = scenario.verdict == Verdict::Pass;
        page.sample("scenario_passed", &[("scenario", &scenario.name)], f64::from(u8::from(passed)));
    }
    page.text
}

/// The figures of stages, without verdicts: what is known while they run.
pub(crate) fn live(server: &ServerFacts, stages: &[StageFigures]) -> String {
    page(server, stages).text
}

fn page(server: &ServerFacts, stages: &[StageFigures]) -> Page {
    let mut page = Page::default();
    page.family("server_info", "gauge", "What is measured, and over what it is reached.");
    let facts = [
        ("name", &*server.name),
        ("version", &*server.version),
        ("protocol", &*server.protocol),
        ("transport", &*server.transport),
    ];
    page.sample("server_info", &facts, 1.0);
    page.family("stage_elapsed_seconds", "gauge", "Time since the stage's first call was due.");
    stages.iter().for_each(|stage| page.sample("stage_elapsed_seconds", &labels(stage), stage.elapsed_s));
    page.family("calls_total", "counter", "Calls that ended, by how they did.");
    for (labels, tool) in tools(stages) {
        for (outcome, count) in &tool.accounts.ended {
            let outcome = outcome.to_string();
            page.sample("calls_total", &with(&labels, ("outcome", &outcome)), *count as f64);
        }
    }
    page.latencies(stages, "response_seconds", "From the intended start to the end of a call.", |tool| {
        &tool.response
    });
    page.latencies(stages, "service_seconds", "From sending a call to its end.", |tool| &tool.service);
    page.latencies(stages, "first_byte_seconds", "From sending a call to its answer's first byte.", |tool| {
        &tool.first_byte
    });
    for (name, kind, help, value) in RESOURCES {
        page.family(name, kind, help);
        for stage in stages {
            if let Some(value) = stage.resources.as_ref().and_then(value) {
                page.sample(name, &labels(stage), value);
            }
        }
    }
    page
}

fn tools(stages: &[StageFigures]) -> impl Iterator<Item = (Vec<(&str, &str)>, &ToolFigures)> {
    stages
        .iter()
        .flat_map(|stage| stage.tools.iter().map(|(name, tool)| (with(&labels(stage), ("tool", name)), tool)))
}

fn with<'a>(labels: &Labels<'a>, one: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    labels.iter().copied().chain([one]).collect()
}

fn labels(stage: &StageFigures) -> [(&str, &str); 2] {
    [("scenario", &stage.scenario), ("stage", &stage.stage)]
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.text += &format!("# HELP music21_mcp_{name} {help}\n# TYPE music21_mcp_{name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &Labels<'_>, value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        self.text += &format!("music21_mcp_{name}{{{}}} {value}\n", labels.join(","));
    }

    /// A histogram with the same bounds everywhere, so that those of several machines add up.
    fn latencies(&mut self, stages: &[StageFigures], name: &str, help: &str, of: fn(&ToolFigures) -> &Times) {
        self.family(name, "histogram", help);
        for (labels, tool) in tools(stages).filter(|(_, tool)| of(tool).count > 0) {
            let Times { count, mean_ns, at_most } = of(tool);
            let (bucket, count) = (format!("{name}_bucket"), *count as f64);
            for (bound_ns, below) in BOUNDS_NS.iter().zip(at_most) {
                let bound = (*bound_ns as f64 / 1e9).to_string();
                self.sample(&bucket, &with(&labels, ("le", &bound)), *below as f64);
            }
            self.sample(&bucket, &with(&labels, ("le", "+Inf")), count);
            self.sample(&format!("{name}_sum"), &labels, mean_ns * count / 1e9);
            self.sample(&format!("{name}_count"), &labels, count);
        }
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_quotes() {
        assert_eq!(escape("a\"} 1\nb\\"), "a\\\"} 1\\nb\\\\");
    }

    #[test]
    fn a_server_that_was_not_called_yet_has_no_samples_but_its_own() {
        let text = live(&ServerFacts::default(), &[]);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            ["music21_mcp_server_info{name=\"\",version=\"\",protocol=\"\",transport=\"\"} 1"]
        );
    }
}
