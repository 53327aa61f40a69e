//! Which orchestral scores are benched.

use music21_mcp_bench::score::OrchestraSpec;

/// music21 takes minutes for anything larger.
const MUSIC21_PRESETS: [&str; 2] = ["20x100", "50x200"];

/// The presets of `MUSIC21_BENCH_PRESETS`, else all on the embedded server and those that a music21 server can answer.
///
/// # Errors
///
/// One line that names what is no preset.
pub(crate) fn presets(embedded: bool) -> Result<Vec<String>, String> {
    let Some(list) = std::env::var("MUSIC21_BENCH_PRESETS").ok().filter(|list| !list.trim().is_empty())
    else {
        let all = OrchestraSpec::PRESETS.iter().map(|(name, ..)| (*name).to_owned());
        return Ok(all.filter(|name| embedded || MUSIC21_PRESETS.contains(&name.as_str())).collect());
    };
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        OrchestraSpec::preset(name, 0).map_err(|error| format!("MUSIC21_BENCH_PRESETS: {error}"))?;
    }
    Ok(names)
}
