//! Does every answer belong to the call it answers?

use music21_mcp_bench::client::{Outcome, Tool};
use serde_json::json;

use super::calls::{ID, delete, on_score, own, stage};
use super::judge::judged;
use super::{Options, Scenario};
use crate::measure::validity::Figures;
use crate::result::{Check, Definition, ScenarioResult, StageResult, Step, Verdict};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "isolation",
    about: "does every answer belong to its own session and call?",
    explanation: "\
Each of 16 clients (--clients) has a session of its own. For 30 s (--duration), as a closed loop, it repeats:
import a tune under an id that holds a nonce of run, client and iteration, ask for info and key, list the scores,
delete. Over HTTP the sessions share one process; over stdio each has its own.

The answers to import, info and delete must hold the call's own nonce and no other. The list must hold it among
others. The key must be that of the client's own tune; neighbouring clients have tunes in different keys.
An answer that holds another call's nonce is counted in a class of its own (misrouted_answer). A single misrouted
or wrong answer fails the scenario.

It cannot show mix-ups between tunes in the same key, nor those rarer than one in the number of calls shown.
That sessions of one HTTP server see each other's scores in the list is the server's design and is not judged.",
    define,
    judge,
};

/// Tunes of which the key is beyond doubt; clients take turns.
const TUNES: &str = "{{by-client:C4 E4 G4 C5 B4 A4 G4 F4 E4 D4 C4|D4 F#4 A4 D5 C#5 B4 A4 G4 F#4 E4 D4|\
                     E4 G#4 B4 E5 D#5 C#5 B4 A4 G#4 F#4 E4|A3 C#4 E4 A4 G#4 F#4 E4 D4 C#4 B3 A3}}";
const KEYS: &str = r#""{{by-client:C|D|E|A}} major""#;

fn define(options: &Options) -> Definition {
    let clients = options.clients.unwrap_or(if options.quick { 4 } else { 16 });
    let duration_s = options.duration_s.unwrap_or(if options.quick { 5.0 } else { 30.0 });
    let mut stage = stage("nonces", clients, steps());
    stage.duration_s = Some(duration_s);
    stage.deadline_s = options.deadline_s.unwrap_or(30.0);
    Definition { stages: vec![stage], ..Definition::default() }
}

fn steps() -> Vec<Step> {
    let expect = |step: Step, text: String| Step { expect: Some(text), ..step };
    let import = json!({ "score_id": ID, "source": TUNES, "source_type": "text" });
    vec![
        own(Step::call(Tool::ImportScore, import)),
        own(on_score(Tool::ScoreInfo)),
        expect(on_score(Tool::KeyAnalysis), KEYS.into()),
        // In quotes, since one nonce can be the beginning of another.
        expect(Step::call(Tool::ListScores, json!({})), format!("\"{ID}\"")),
        delete(),
    ]
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    result.stages.iter().map(ownership).collect()
}

fn ownership(stage: &StageResult) -> Check {
    let (misrouted, wrong) =
        (stage.accounts.count(Outcome::MisroutedAnswer), stage.accounts.count(Outcome::WrongAnswer));
    let answered = stage.accounts.count(Outcome::Ok) + misrouted + wrong;
    let verdict = if misrouted + wrong > 0 {
        Verdict::Fail
    } else if answered == 0 {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    };
    let examples = stage.tools.values().flat_map(|tool| &tool.examples);
    let example = examples.into_iter().find(|example| example.outcome == Outcome::MisroutedAnswer);
    let example = example.map_or(String::new(), |example| format!(": {}", example.message));
    let text = format!(
        "{misrouted} misrouted and {wrong} wrong answers of {answered} to {} sessions{example}",
        stage.clients
    );
    judged(stage, Figures::Counts, "ownership", verdict, text)
}
