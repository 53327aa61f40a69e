#!/usr/bin/env python3
"""music21's own answers for scores, as JSON: what the embedded server's analysis is compared with.

Usage: golden.py [--brief] OUT_DIR SCORE...      (pip install music21==10.5.1)

SCORE is a file, or a work of music21's corpus (bach/bwv66.6). For each score OUT_DIR receives one
file, named after it, of one JSON object:

  parts       ids of the parts
  notes       len(score.flatten().notes)
  measures    for each part the offsets of its measures, and the end of the part
  keys        [first part, whole score] -> profile -> 24 x [tonic, mode, coefficient], best first
  key         the whole score's key, as music21 prints it
  slices      chordify: rows of [measure, offset, duration, beat, reading]
  written     chords of the score itself, as `score.recurse()` meets them: rows likewise
  readings    rows of [pitches, symbol, root, bass, quality, inversion, figure, numeral, degree]

`reading` is a row of `readings`: equal chords share it. --brief: of the keys the best only.
"""

import json
import math
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import music21
from music21 import chord, converter, corpus, roman

PINNED = "10.5.1"
PROFILES = {
    "krumhansl": "key.krumhanslschmuckler",
    "aarden": "key.aardenessen",
    "temperley": "key.temperleykostkapayne",
    "bellman": "key.bellmanbudge",
}


def main():
    if music21.VERSION_STR != PINNED:
        sys.exit(f"music21 {music21.VERSION_STR} is installed; golden files need {PINNED}")
    arguments = [argument for argument in sys.argv[1:] if argument != "--brief"]
    if len(arguments) < 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    out = Path(arguments[0])
    for name in arguments[1:]:
        found = answers(parse(name))
        if len(arguments) < len(sys.argv) - 1:
            found["keys"] = [{profile: keys[:1] for profile, keys in of.items()} for of in found["keys"]]
        path = out / (golden_name(name) + ".json")
        path.write_text(json.dumps(found, separators=(",", ":")) + "\n")


def golden_name(name):
    if Path(name).is_file():
        return Path(name).stem
    return name.removesuffix(".mxl").removesuffix(".musicxml").removesuffix(".xml").strip("/").replace("/", "_")


def parse(name):
    if Path(name).is_file():
        return converter.parse(name, format="musicxml", forceSource=True)
    return corpus.parse(name, forceSource=True)


def answers(score):
    # Slices and chords first: a key analysis before chordify slows it twentyfold.
    readings = Readings()
    # A chord knows its measure only as long as the stream it is in lives.
    chordified = score.chordify()
    slices = [c for c in chordified.recurse() if isinstance(c, chord.Chord)]
    written = [c for c in score.recurse() if isinstance(c, chord.Chord)]
    key = analyze(score, "key.aardenessen")
    return {
        "parts": [part.id for part in score.parts],
        "notes": len(score.flatten().notes),
        "measures": [measures(part) for part in score.parts],
        "keys": [ranks(part) for part in score.parts[:1]] + [ranks(score)],
        "key": str(key),
        "slices": [readings.row(c, key) for c in slices],
        "written": [readings.row(c, key) for c in written],
        "readings": readings.rows,
    }


def measures(part):
    return [exact(m.offset) for m in part.getElementsByClass("Measure")] + [exact(part.highestTime)]


def analyze(stream, method):
    try:
        return stream.analyze(method)
    except music21.exceptions21.Music21Exception:
        return None


def ranks(stream):
    found = {}
    for name, method in PROFILES.items():
        key = analyze(stream, method)
        keys = [key, *key.alternateInterpretations] if key else []
        found[name] = [[k.tonic.name, k.mode, round(k.correlationCoefficient, 9)] for k in keys]
    return found


class Readings:
    """Chords named once for each sequence of pitches."""

    def __init__(self):
        self.rows = []
        self.known = {}

    def row(self, c, key):
        pitches = tuple(p.nameWithOctave for p in c.pitches)
        # A chord symbol's root is what it says and not what its pitches say.
        identity = (pitches, c.figure) if hasattr(c, "figure") else pitches
        if identity not in self.known:
            self.known[identity] = len(self.rows)
            self.rows.append(reading(c, pitches, key))
        offset, duration = exact(c.offset), exact(c.quarterLength)
        return [c.measureNumber, offset, duration, beat(c), self.known[identity]]


def reading(c, pitches, key):
    names = [" ".join(pitches), c.pitchedCommonName, str(c.root()), str(c.bass()), c.quality, c.inversion()]
    try:
        rn = roman.romanNumeralFromChord(c, key)
        return [*names, rn.figure, rn.romanNumeral, rn.scaleDegree]
    except Exception as error:
        return [*names, None, str(error), None]


def beat(c):
    try:
        found = round(float(c.beat), 6)
    except music21.exceptions21.Music21Exception:
        return None
    return found if math.isfinite(found) else None


def exact(quarters):
    """Quarter notes: a number, or a text like 1/3."""
    if quarters == int(quarters):
        return int(quarters)
    return str(quarters) if isinstance(quarters, Fraction) else float(quarters)


if __name__ == "__main__":
    main()
