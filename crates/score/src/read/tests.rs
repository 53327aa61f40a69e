use super::*;
use crate::{NoteFlags, Pitch, Step};

fn read_text(text: &str) -> Result<Score, ReadError> {
    read(text.as_bytes(), &ReadLimits::default())
}

/// A one-part document around measures.
fn document(measures: &str) -> String {
    format!(
        "<?xml version='1.0'?><score-partwise><part-list><score-part id='P1'><part-name>Oboe</part-name>\
         </score-part></part-list><part id='P1'>{measures}</part></score-partwise>"
    )
}

const NOTE: &str = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>";

/// A document of one measure in 4/4 with 4 divisions.
fn measure(content: &str) -> String {
    let attributes = "<attributes><divisions>4</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>";
    document(&format!("<measure number='7'>{attributes}{content}</measure>"))
}

fn message(text: &str) -> String {
    read_text(text).expect_err("the document is bad").to_string()
}

#[test]
fn the_members_of_a_chord_share_onset_and_duration() {
    let member = NOTE.replace("<pitch>", "<chord/><pitch>").replace("C", "E");
    let score = read_text(&measure(&format!("{NOTE}{NOTE}{member}{NOTE}"))).expect("the document is good");
    let notes = &score.parts[0].notes;
    assert_eq!(notes.onset, [0, 4, 4, 8]);
    assert_eq!(notes.duration, [4, 4, 4, 4]);
    assert_eq!(notes.pitch[2], Pitch::new(Step::E, 0, 4));
    assert!(notes.flags[2].has(NoteFlags::CHORD));
    assert_eq!(score.note_count(), 3);
}

#[test]
fn a_pickup_is_as_long_as_its_notes() {
    let full = NOTE.repeat(4);
    let score =
        read_text(&measure(NOTE).replace("</part>", &format!("<measure number='8'>{full}</measure></part>")));
    let measures = &score.expect("the document is good").parts[0].measures;
    assert_eq!((measures[0].length, measures[1].start, measures[1].length), (4, 4, 16));
}

#[test]
fn a_part_that_stands_before_the_list_is_read_as_one_behind_it() {
    let text = measure(NOTE);
    let list = &text[text.find("<part-list>").unwrap()..text.find("<part id").unwrap()];
    let behind = text.replace(list, "").replace("</score-partwise>", &format!("{list}</score-partwise>"));
    let score = read_text(&behind).expect("the document is good");
    assert_eq!((score.parts[0].name.as_str(), &score.parts[0].notes.onset[..]), ("Oboe", &[0][..]));
    assert_eq!(read_text(&text.replace(list, "")).expect("the document is good").parts, [], "no list");
}

#[test]
fn beats_and_beat_types_are_paired_in_their_order() {
    let metre = |content: &str| {
        let text = measure(NOTE).replace("<beats>4</beats><beat-type>4</beat-type>", content);
        let time = read_text(&text).expect("the document is good").parts[0].times[0].value;
        (time.beats, time.beat_type)
    };
    assert_eq!(metre("<beats>3</beats><beat-type>4</beat-type><beat-type>8</beat-type>"), (3, 4));
    assert_eq!(metre("<beats>3</beats><beats>2</beats><beat-type>4</beat-type>"), (3, 4));
    let apart = "<beats>3</beats><beats>1</beats><beat-type>4</beat-type><beat-type>8</beat-type>";
    assert_eq!(metre(apart), (7, 8));
}

#[test]
fn a_degree_without_a_type_changes_nothing() {
    let degree = |kind: &str| {
        let text = format!(
            "<harmony><root><root-step>C</root-step></root><kind>major</kind><degree><degree-value>9</degree-value>\
             <degree-alter>0</degree-alter>{kind}</degree></harmony>{NOTE}"
        );
        read_text(&measure(&text)).expect("the document is good").parts[0].harmonies[0].value.degrees.len()
    };
    assert_eq!((degree(""), degree("<degree-type>add</degree-type>")), (0, 1));
}

#[test]
fn a_change_of_divisions_keeps_all_times_exact() {
    let change = "<attributes><divisions>6</divisions></attributes>";
    let score = read_text(&measure(&format!("{NOTE}{change}{NOTE}"))).expect("the document is good");
    assert_eq!(score.divisions, 12);
    assert_eq!(score.parts[0].notes.onset, [0, 12]);
    assert_eq!(score.parts[0].notes.duration, [12, 8]);
}

#[test]
fn a_part_of_two_staves_becomes_two_parts() {
    let on = |staff: u8| NOTE.replace("</note>", &format!("<staff>{staff}</staff></note>"));
    let backup = "<backup><duration>4</duration></backup>";
    let staves = "<attributes><staves>2</staves></attributes>";
    let score = read_text(&measure(&format!("{staves}{}{backup}{}{}", on(1), on(2), on(2))));
    let parts = score.expect("the document is good").parts;
    assert_eq!(parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["P1-Staff1", "P1-Staff2"]);
    // The first staff falls silent, which is a rest, or what follows would move when it is written.
    assert_eq!(parts[0].notes.onset, [0, 4]);
    assert!(parts[0].notes.flags[1].has(NoteFlags::REST));
    assert_eq!(parts[1].notes.onset, [0, 4]);
    assert_eq!(parts[0].measures[0].length, parts[1].measures[0].length);
}

#[test]
fn an_empty_document_says_so() {
    assert!(message("").contains("empty: 0 bytes"));
    assert!(message("not a score").contains("no XML element"));
    assert!(message("  \n").contains("no XML element"));
}

#[test]
fn a_truncated_document_is_told_from_a_whole_one_at_every_byte() {
    let whole = measure(NOTE);
    for end in 1..whole.len() {
        assert!(read_text(&whole[..end]).is_err(), "cut at byte {end}");
    }
    let cut = message(&whole[..whole.len() - 20]);
    assert!(cut.contains("part 'P1'") && cut.contains("measure '7'") && cut.contains("byte"), "{cut}");
}

#[test]
fn the_wrong_root_is_named() {
    assert!(message("<html><body/></html>").contains("<html>"));
    assert!(message("<score-timewise/>").contains("export as partwise"));
}

#[test]
fn zero_divisions_name_the_value_and_the_measure() {
    let text = message(&measure("<attributes><divisions>0</divisions></attributes>"));
    assert!(text.contains("<divisions> holds '0'") && text.contains("measure '7'"), "{text}");
}

#[test]
fn before_any_divisions_music21s_default_holds() {
    let score = read_text(&document(&format!("<measure>{NOTE}</measure>"))).expect("the document is good");
    assert_eq!((score.divisions, &score.parts[0].notes.duration), (2520, &vec![1]));
}

#[test]
fn time_that_overflows_is_an_error_and_no_wrap() {
    let long = NOTE.replace("<duration>4<", "<duration>4294967295<");
    assert!(message(&measure(&format!("{long}{long}"))).contains("4294967295"));
    let longer = NOTE.replace("<duration>4<", "<duration>99999999999999999<");
    assert!(message(&measure(&longer)).contains("99999999999999999"));
    let divisions = "<attributes><divisions>42949672910</divisions></attributes>";
    assert!(message(&measure(divisions)).contains("42949672910"));
}

#[test]
fn a_time_finer_than_music21s_is_the_nearest_it_knows() {
    let fine = NOTE.replace("<duration>4<", "<duration>1.00000000000000001<");
    let score = read_text(&measure(&fine)).expect("the document is good");
    assert_eq!(score.parts[0].notes.duration, [1]);
    let parts = [7, 11, 13, 17, 19, 23, 29, 31, 37].map(|prime| {
        let divisions = format!("<attributes><divisions>{prime}</divisions></attributes>");
        measure(&format!("{divisions}{}", NOTE.replace("<duration>4", &format!("<duration>{}", 2 * prime))))
    });
    for part in parts {
        let score = read_text(&part).expect("the document is good");
        assert_eq!(score.parts[0].notes.duration, [2 * score.divisions]);
    }
}

#[test]
fn a_bad_number_names_element_and_value() {
    let text = message(&measure(&NOTE.replace("<octave>4", "<octave>four")));
    assert!(text.contains("<octave> holds 'four'"), "{text}");
    assert!(message(&measure(&NOTE.replace("<duration>4<", "<duration>-4<"))).contains("'-4'"));
}

#[test]
fn deep_nesting_stops_at_the_limit() {
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert!(message(&measure(&deep)).contains("deeper than 10000"));
}

#[test]
fn entities_are_expanded_and_a_bomb_is_not() {
    let titled = |declared: &str, title: &str| {
        format!(
            "<!DOCTYPE score-partwise [{declared}]><score-partwise><movement-title>{title}</movement-title>\
             </score-partwise>"
        )
    };
    let by = read_text(&titled("<!ENTITY who 'Anon.'>", "by &who;")).expect("the document is good");
    assert_eq!(by.movement_title.as_deref(), Some("by Anon."));
    let tenfold = |name: char, of: char| format!("<!ENTITY {name} '{}'>", format!("&{of};").repeat(10));
    let declared: String =
        ['b', 'c', 'd', 'e', 'f'].iter().zip('a'..).map(|(&name, of)| tenfold(name, of)).collect();
    let bomb = titled(&format!("<!ENTITY a 'aaaaaaaaaa'>{declared}"), "&f;");
    assert!(message(&bomb).contains("entity '&"));
}

#[test]
fn what_is_no_xml_is_refused() {
    let good = measure(NOTE);
    for (what, bad) in [
        ("text after the root", format!("{good}left over")),
        ("an element after the root", format!("{good}<a/>")),
        ("an attribute twice", good.replace("number='7'", "number='7' number='8'")),
        ("no space between attributes", good.replace("number='7'", "number='7'implicit='no'")),
        ("'<' in an attribute", good.replace("number='7'", "number='<'")),
        ("a control character", good.replace("Oboe", "Ob\u{1}oe")),
        ("-- in a comment", good.replace("<part id", "<!-- a -- b --><part id")),
        ("a late declaration", format!("\n{good}")),
        ("a declaration inside", good.replace("<part id", "<?xml version='1.0'?><part id")),
        ("an undeclared entity that is passed over", good.replace("<part id", "<a>&b;</a><part id")),
        ("a default namespace", good.replace("<score-partwise>", "<score-partwise xmlns='urn:a'>")),
    ] {
        assert!(read_text(&good).is_ok());
        assert!(read_text(&bad).is_err(), "{what}");
    }
}

#[test]
fn xml_references_are_text() {
    let score = read_text(
        "<score-partwise><movement-title>A &amp; B &#233; <![CDATA[<C>]]></movement-title></score-partwise>",
    );
    assert_eq!(score.expect("the document is good").movement_title.as_deref(), Some("A & B é <C>"));
}

#[test]
fn more_bytes_or_rows_than_the_limit_are_refused() {
    let text = measure(NOTE);
    let bytes = ReadLimits { bytes: 100, ..ReadLimits::default() };
    assert!(matches!(read(text.as_bytes(), &bytes), Err(ReadError::TooLong { limit: 100 })));
    let rows = ReadLimits { rows: 10, ..ReadLimits::default() };
    let many = measure(&NOTE.repeat(20));
    let error = read(many.as_bytes(), &rows).expect_err("there are more than ten rows");
    assert!(error.to_string().contains("more than 10 notes"), "{error}");
}

#[test]
fn a_file_of_200_megabytes_is_refused_before_it_is_read() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    // Sparse: no block is written.
    file.as_file().set_len(200_000_000).expect("room in the temporary folder");
    let result = read_file(file.path(), &ReadLimits::default());
    assert!(matches!(result, Err(ReadError::TooLong { .. })), "{result:?}");
}

#[test]
fn a_missing_file_is_named() {
    let error =
        read_file(Path::new("no/such.musicxml"), &ReadLimits::default()).expect_err("there is no such file");
    assert!(error.to_string().contains("no/such.musicxml"));
}

#[test]
fn utf_16_and_latin_1_are_decoded() {
    let text = document("").replace("Oboe", "Flûte");
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let latin: Vec<u8> = text
        .replace("version='1.0'", "version='1.0' encoding='ISO-8859-1'")
        .chars()
        .map(|character| u8::try_from(character).expect("a Latin-1 character"))
        .collect();
    for bytes in [utf16, latin] {
        let score = read(&bytes, &ReadLimits::default()).expect("the encoding is known");
        assert_eq!(score.parts.first().map(|part| part.name.as_str()), Some("Flûte"));
    }
    let error = read(b"<?xml version='1.0' encoding='Shift_JIS'?><a/>", &ReadLimits::default());
    assert!(error.expect_err("the encoding is not known").to_string().contains("Shift_JIS"));
}

/// An MXL archive of one document.
fn archive(document: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a.xml", zip::write::SimpleFileOptions::default()).expect("memory is writable");
    zip.write_all(document).expect("memory is writable");
    zip.finish().expect("memory is writable").into_inner()
}

#[test]
fn an_archive_is_unpacked() {
    let score = read(&archive(measure(NOTE).as_bytes()), &ReadLimits::default());
    assert_eq!(score.expect("the archive is good").note_count(), 1);
}

#[test]
fn a_zip_bomb_stops_at_the_limit() {
    let bomb = archive(&vec![b' '; 2_000_000]);
    assert!(bomb.len() < 10_000);
    let limits = ReadLimits { bytes: 1_000_000, ..ReadLimits::default() };
    assert!(matches!(read(&bomb, &limits), Err(ReadError::TooLong { .. })));
}

#[test]
fn a_damaged_archive_says_so() {
    let whole = archive(measure(NOTE).as_bytes());
    let error = read(&whole[..whole.len() / 2], &ReadLimits::default()).expect_err("half is missing");
    assert!(error.to_string().contains("compressed score is damaged"), "{error}");
    assert!(read(&archive(b""), &ReadLimits::default()).is_err());
}
