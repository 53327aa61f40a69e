//! The calls of one session, in order, rendered from the workload.

use std::sync::Arc;
use std::time::Duration;

use music21_mcp_bench::client::{Expectation, Nonce, Request};
use serde_json::Value;

use super::Call;
use crate::measure::rng::Rng;
use crate::result::{Errors, Step, Workload};

/// Where a session is in the workload.
pub(super) struct Script {
    workload: Arc<Workload>,
    rng: Rng,
    /// Of its own, so that pauses leave the choice of flows as it is.
    pauses: Rng,
    client: usize,
    iteration: u64,
    run: Arc<str>,
    /// The flow under way and its next step.
    position: Option<(usize, usize)>,
    has_failed: bool,
}

/// A step with its placeholders filled in.
pub(super) struct Rendered {
    pub(super) call: Call,
    pub(super) step: Step,
}

impl Script {
    /// `run` makes nonces unlike those of any other run; `seed` fixes the choice of flows.
    pub(super) fn new(workload: Arc<Workload>, client: usize, run: Arc<str>, seed: u64) -> Self {
        let seed = seed ^ (client as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (rng, pauses) = (Rng::new(seed), Rng::new(!seed));
        Self { workload, rng, pauses, client, iteration: 0, run, position: None, has_failed: false }
    }

    /// The next call; a runnable workload always has one.
    pub(super) fn next(&mut self) -> Rendered {
        loop {
            let (flow, index) = self.position.unwrap_or_else(|| self.begin());
            let step = self.workload.flows[flow].steps.get(index);
            self.position = step.map(|_| (flow, index + 1));
            match step {
                Some(step) if !self.has_failed || step.always => return self.render(&step.clone()),
                _ => {}
            }
        }
    }

    /// How long to think after a step.
    pub(super) fn think(&mut self, step: &Step) -> Duration {
        step.think_ms.draw(&mut self.pauses)
    }

    /// The call before did not end well.
    pub(super) fn fail(&mut self) {
        self.has_failed = true;
    }

    /// Whether the next call begins an iteration.
    pub(super) fn is_between(&self) -> bool {
        self.position.is_none_or(|(flow, next)| {
            let left = &self.workload.flows[flow].steps[next..];
            !left.iter().any(|step| !self.has_failed || step.always)
        })
    }

    /// The steps before or after the run, rendered.
    pub(super) fn render_all(&self, steps: &[Step]) -> Vec<Rendered> {
        steps.iter().map(|step| self.render(step)).collect()
    }

    fn begin(&mut self) -> (usize, usize) {
        self.iteration += 1;
        self.has_failed = false;
        let total: f64 = self.workload.flows.iter().map(|flow| flow.weight).sum();
        let mut left = self.rng.uniform() * total;
        let chosen = self.workload.flows.iter().position(|flow| {
            left -= flow.weight;
            left < 0.0
        });
        (chosen.unwrap_or(self.workload.flows.len() - 1), 0)
    }

    fn render(&self, step: &Step) -> Rendered {
        let mut arguments = step.arguments.clone();
        arguments.values_mut().for_each(|value| self.fill(value));
        let expect = Expectation {
            text: step.expect.as_ref().map(|text| self.fill_text(text)),
            text_not: step.expect_not.as_ref().map(|text| self.fill_text(text)),
            allows_errors: step.errors == Errors::Allowed,
            nonce: step.must_echo_nonce.then(|| self.nonce()),
            counts: None,
        };
        let request = step.request.map(Request::from);
        let call = Call { tool: step.name().into(), request, arguments, expect };
        Rendered { call, step: step.clone() }
    }

    fn fill(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains("{{") => *text = self.fill_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.fill(value)),
            Value::Object(map) => map.values_mut().for_each(|value| self.fill(value)),
            _ => {}
        }
    }

    fn fill_text(&self, text: &str) -> String {
        let text = text
            .replace("{{client}}", &self.client.to_string())
            .replace("{{iteration}}", &self.iteration.to_string())
            .replace("{{nonce}}", &self.nonce().to_string());
        // Last, since what it leaves is a placeholder no more.
        self.choose(&text).unwrap_or(text).replace("{{open}}", "{{")
    }

    /// Puts this client's text in the place of the first choice by client.
    fn choose(&self, text: &str) -> Option<String> {
        let (before, rest) = text.split_once("{{by-client:")?;
        let (choices, after) = rest.split_once("}}")?;
        let choices: Vec<&str> = choices.split('|').collect();
        Some(format!("{before}{}{after}", choices[self.client % choices.len()]))
    }

    fn nonce(&self) -> Nonce {
        Nonce { run: Arc::clone(&self.run), client: self.client, iteration: self.iteration }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::result::Flow;

    fn script(workload: Workload) -> Script {
        Script::new(Arc::new(workload), 3, "run".into(), 1)
    }

    fn tools(script: &mut Script, n: usize) -> Vec<String> {
        (0..n).map(|_| script.next().call.tool.to_string()).collect()
    }

    #[test]
    fn placeholders_are_filled_at_any_depth() {
        let arguments = json!({ "id": "s-{{client}}", "deep": [{ "n": "{{nonce}}" }], "count": 4, "t": "{{open}}nonce}}" });
        let mut script = script(Workload::of(vec![Step::call("echo", arguments)]));
        script.next();
        let call = script.next().call;
        let expected = json!({ "id": "s-3", "deep": [{ "n": "run-3-2" }], "count": 4, "t": "{{nonce}}" });
        assert_eq!(Value::Object(call.arguments), expected);
    }

    #[test]
    fn each_client_has_its_own_of_several_texts() {
        let workload = Arc::new(Workload::of(vec![Step::call("t", json!({ "a": "x{{by-client:A|B}}y" }))]));
        let call = |client| Script::new(Arc::clone(&workload), client, "run".into(), 1).next().call;
        let texts = [0, 1, 2].map(|client| call(client).arguments["a"].clone());
        assert_eq!(texts, ["xAy", "xBy", "xAy"]);
    }

    #[test]
    fn a_failure_ends_the_iteration_but_for_its_cleaning_up() {
        let steps = ["import", "key", "export"].map(|tool| Step::call(tool, json!({})));
        let delete = Step::call("delete", json!({})).always();
        let mut script = script(Workload::of(steps.into_iter().chain([delete]).collect()));
        assert_eq!(tools(&mut script, 2), ["import", "key"]);
        script.fail();
        assert!(!script.is_between());
        assert_eq!(tools(&mut script, 1), ["delete"]);
        assert!(script.is_between());
        assert_eq!(tools(&mut script, 2), ["import", "key"]);
    }

    #[test]
    fn flows_come_by_weight() {
        let flow = |tool: &str, weight| Flow { weight, steps: vec![Step::call(tool, json!({}))] };
        let flows = vec![flow("often", 3.0), flow("never", 0.0), flow("seldom", 1.0)];
        let calls = tools(&mut script(Workload { flows, ..Workload::default() }), 4000);
        let often = calls.iter().filter(|tool| *tool == "often").count();
        assert!((2850..3150).contains(&often), "{often} of 4000");
        assert!(!calls.iter().any(|tool| tool == "never"));
    }
}
