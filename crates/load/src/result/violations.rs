//! What a server does against the protocol, in words: the same for a stage, a comparison and a record.

use music21_mcp_bench::client::ProtocolViolations;

/// Replies that no call waited for, and that none had given up; `None` without any.
pub(crate) fn stray(seen: &ProtocolViolations) -> Option<String> {
    let ProtocolViolations { duplicates, unmatched, .. } = seen;
    (duplicates + unmatched > 0).then(|| {
        format!("{duplicates} calls were answered twice, {unmatched} replies answer no call of ours")
    })
}

/// What else a sound server does not do, and what harms no call.
pub(crate) fn remarks(seen: &ProtocolViolations) -> Vec<String> {
    let ProtocolViolations { late, bad_frames, resent, relisted, noise_lines, noise, .. } = seen;
    let quoted = noise.first().map_or_else(String::new, |line| format!(", such as '{line}'"));
    let all = [
        (
            *noise_lines,
            format!("lines on stdout are no MCP messages{quoted}: the protocol wants them on stderr"),
        ),
        (*bad_frames, "messages were malformed".to_owned()),
        (*late, "replies came after their calls had been given up".to_owned()),
        (
            *relisted,
            "calls were refused for their headers, and made again as the server's list of tools then asked"
                .to_owned(),
        ),
        (*resent, "requests were sent again, since the server had closed the kept connection".to_owned()),
    ];
    let seen = all.into_iter().filter(|(count, _)| *count > 0);
    seen.map(|(count, what)| format!("{count} {what}")).collect()
}
