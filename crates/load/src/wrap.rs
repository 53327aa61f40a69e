//! Comments for files that people edit.

/// Characters in a line of a comment.
pub(crate) const WIDTH: usize = 100;

/// Paragraphs as lines of a comment.
pub(crate) fn comment(out: &mut String, depth: usize, text: &str) {
    let indent = "  ".repeat(depth);
    for paragraph in text.split("\n\n") {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && indent.len() + line.chars().count() + word.chars().count() >= WIDTH {
                *out += &format!("# {indent}{line}\n");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            // TOML refuses control characters also in a comment.
            line.extend(word.chars().filter(|c| !c.is_control()));
        }
        *out += &format!("# {indent}{line}\n");
    }
}

/// The beginning of a text, on one line.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_a_line() {
        assert_eq!(cut(" a\n b", 3), "a b");
        assert_eq!(cut("äöü x", 4), "äöü…");
    }

    #[test]
    fn a_comment_holds_nothing_that_toml_refuses() {
        let mut text = String::new();
        comment(&mut text, 1, "a\u{0}b\u{7f} \u{1b}[1m\n\nc");
        assert_eq!(text, "#   ab [1m\n#   c\n");
    }
}
