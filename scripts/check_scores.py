"""What music21 reads in scores, and whether they are valid MusicXML 4.0, as one line of JSON a file.

Usage: check_scores.py [--xsd] FILE...

Needs music21 from PyPI; --xsd needs musicxml (whose package ships musicxml_4_0.xsd) and xmlschema.
Fields: notes (score.flatten().notes), and for each part its measures, its end, and three sums
over its notes that no misplaced or wrong note leaves alone: of onsets, of durations, and of
onset times MIDI pitch; and how many ties start, go on and stop. Times are fractions of a quarter
note.
"""

import json
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import music21


def exact(number):
    return Fraction(number).limit_denominator(1 << 20)


def pitches(element):
    if isinstance(element, music21.note.Unpitched):
        return [element.displayPitch()]
    if isinstance(element, music21.percussion.PercussionChord):
        return [pitch for member in element.notes for pitch in pitches(member)]
    return element.pitches


def ties(element):
    members = element.notes if isinstance(element, music21.chord.ChordBase) else [element]
    return [member.tie.type for member in members if member.tie is not None]


def part_facts(part):
    tied = {"start": 0, "continue": 0, "stop": 0}
    onsets = durations = pitched = Fraction(0)
    for element in part.flatten().notes:
        if isinstance(element, music21.harmony.Harmony):
            continue
        onset = exact(element.offset)
        for kind in ties(element):
            tied[kind] = tied.get(kind, 0) + 1
        for pitch in pitches(element):
            onsets += onset
            durations += exact(element.duration.quarterLength)
            pitched += onset * round(pitch.ps)
    measures = list(part.getElementsByClass("Measure"))
    return {
        "measures": len(measures),
        "last": str(exact(measures[-1].offset)) if measures else "0",
        "onsets": str(onsets),
        "durations": str(durations),
        "pitched": str(pitched),
        "ties": [tied["start"], tied["continue"], tied["stop"]],
    }


def facts(path):
    score = music21.converter.parse(path, forceSource=True)
    return {
        "file": str(path),
        "notes": len(score.flatten().notes),
        "parts": [part_facts(part) for part in score.parts],
    }


def schema():
    import musicxml
    import xmlschema

    package = Path(musicxml.__file__).parent
    path = next(package.rglob("musicxml_4_0.xsd"))
    return xmlschema.XMLSchema(str(path), allow="local")


def main(arguments):
    warnings.simplefilter("ignore")
    validate = "--xsd" in arguments
    xsd = schema() if validate else None
    for path in (argument for argument in arguments if argument != "--xsd"):
        found = facts(path)
        if xsd is not None:
            error = next(xsd.iter_errors(path), None)
            found["invalid"] = None if error is None else str(error)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
