"""A small MCP server on PyPI's fastmcp and music21, with the tools and reply shapes of the music21 MCP server.

    python music21_server.py               serves stdio
    python music21_server.py --http 0      serves streamable HTTP on a free port and prints the URL

It stands in where the real server is not installed: real music21 work, the real framework, nothing else.
"""

import argparse
import contextlib
import functools
import socket
import sys
import tempfile
from pathlib import Path

from fastmcp import FastMCP
from music21 import chord, converter, corpus, note, roman, stream
from music21.analysis import discrete

mcp = FastMCP("music21 test server")
scores = {}

PROFILES = {
    "krumhansl": discrete.KrumhanslSchmuckler,
    "aarden": discrete.AardenEssen,
    "temperley": discrete.TemperleyKostkaPayne,
    "bellman": discrete.BellmanBudge,
}
EXTENSIONS = {"midi": ".mid", "musicxml": ".musicxml", "text": ".txt"}


class Refused(Exception):
    """A failure that the server tells as an error reply."""


def tool(function):
    """Registers a tool; what it returns is a success, what it raises an error reply, as in the real server."""

    @functools.wraps(function)
    def answer(*args, **kwargs):
        try:
            # music21 prints now and then, and stdout belongs to the protocol.
            with contextlib.redirect_stdout(sys.stderr):
                body = function(*args, **kwargs)
        except Refused as refusal:
            return {"status": "error", "message": str(refusal)}
        except Exception as error:
            return {"status": "error", "message": f"{function.__name__} failed: {error}"}
        return {"status": "success", "message": "Operation completed successfully", **body}

    mcp.tool(answer)
    return function


def stored(score_id):
    if score_id not in scores:
        raise Refused(f"Score with ID '{score_id}' not found")
    return scores[score_id]


def counted(score):
    return sum(len(sound.pitches) for sound in score.flatten().notes if not isinstance(sound, note.Unpitched))


def parts_of(score):
    return list(score.parts) if isinstance(score, stream.Score) and score.parts else [score]


def from_corpus(source):
    return corpus.parse(source)


def from_file(source):
    path = Path(source).resolve()
    if not any(path.is_relative_to(Path(allowed).resolve()) for allowed in (".", tempfile.gettempdir())):
        raise Refused(f"Import failed: Path '{source}' is outside allowed directories.")
    # The cache would answer a second import of the same path without reading it.
    return converter.parse(path, forceSource=True)


def from_text(source):
    melody = stream.Part(note.Note(name) for name in source.split())
    return stream.Score([melody])


SOURCES = {"corpus": from_corpus, "file": from_file, "text": from_text}


@tool
def import_score(score_id: str, source: str, source_type: str = "corpus") -> dict:
    """Import a score from the corpus, a file or text"""
    if not score_id:
        raise Refused("score_id cannot be empty")
    if score_id in scores:
        raise Refused(f"Score with ID '{score_id}' already exists")
    if source_type not in (*SOURCES, "auto"):
        raise Refused(f"Invalid source_type: {source_type}")
    for kind in SOURCES if source_type == "auto" else (source_type,):
        try:
            score = SOURCES[kind](source)
        except Refused:
            raise
        except Exception:
            continue
        pitches = [pitch.midi for pitch in score.flatten().pitches]
        scores[score_id] = score
        return {
            "score_id": score_id,
            "source_type": kind,
            "num_notes": counted(score),
            "num_measures": 0,
            "num_parts": len(parts_of(score)),
            "pitch_range": max(pitches) - min(pitches) if pitches else 0,
        }
    raise Refused(f"Could not find or import score: {source}")


@tool
def list_scores() -> dict:
    """List all stored scores"""
    listed = [
        {"score_id": score_id, "notes": counted(score), "parts": len(parts_of(score))}
        for score_id, score in scores.items()
    ]
    return {"count": len(listed), "scores": listed}


@tool
def score_info(score_id: str) -> dict:
    """Counts and metadata of a score"""
    score = stored(score_id)
    parts = parts_of(score)
    return {
        "exists": True,
        "score_id": score_id,
        "title": score.metadata.bestTitle if score.metadata else None,
        "composer": score.metadata.composer if score.metadata else None,
        "num_parts": len(parts),
        "num_measures": len(parts[0].getElementsByClass(stream.Measure)),
        "num_notes": counted(score),
        "duration_quarters": float(score.duration.quarterLength),
        "instruments": [{"part_number": number, "part_name": part.partName} for number, part in enumerate(parts, 1)],
    }


@tool
def key_analysis(score_id: str) -> dict:
    """Find the key by four profiles, on the first part"""
    part = parts_of(stored(score_id))[0]
    results = {}
    for name, profile in PROFILES.items():
        key = profile(part).getSolution(part)
        results[name] = {"key": f"{key.tonic.name} {key.mode}", "confidence": float(key.correlationCoefficient)}
    keys = [result["key"] for result in results.values()]
    winner = max(keys, key=keys.count)
    votes = [result["confidence"] for result in results.values() if result["key"] == winner]
    return {
        "key": winner,
        "confidence": sum(votes) / len(votes),
        "alternatives": sorted(set(keys) - {winner}),
        "algorithm_results": results,
    }


def slices(score_id):
    """The score's chords, each with its roman numeral in the key of the whole."""
    score = stored(score_id)
    key = score.analyze("key")
    for slice_ in score.chordify().recurse().getElementsByClass(chord.Chord):
        yield slice_, roman.romanNumeralFromChord(slice_, key), key


@tool
def chord_analysis(score_id: str) -> dict:
    """The chord progression"""
    progression = [
        {
            "pitches": [pitch.nameWithOctave for pitch in slice_.pitches],
            "symbol": slice_.pitchedCommonName,
            "root": slice_.root().nameWithOctave,
            "quality": slice_.quality,
            "offset": float(slice_.offset),
            "duration": float(slice_.duration.quarterLength),
            "roman_numeral": numeral.romanNumeral,
            "scale_degree": numeral.scaleDegree,
        }
        for slice_, numeral, _ in slices(score_id)
    ]
    return {"total_chords": len(progression), "chord_progression": progression}


@tool
def harmony_analysis(score_id: str, analysis_type: str = "roman") -> dict:
    """The roman numerals"""
    numerals = [
        {
            "position": position,
            "chord": slice_.pitchedCommonName,
            "roman_numeral": numeral.romanNumeral,
            "scale_degree": numeral.scaleDegree,
            "key": str(key),
            "root": slice_.root().nameWithOctave,
            "quality": slice_.quality,
            "inversion": slice_.inversion(),
            "measure": slice_.measureNumber,
            "offset": float(slice_.offset),
        }
        for position, (slice_, numeral, key) in enumerate(slices(score_id))
    ]
    return {"message": f"Harmony analysis complete: {len(numerals)} chords analyzed", "roman_numerals": numerals}


@tool
def export_score(score_id: str, format: str = "musicxml") -> dict:
    """Write a score to a file of the server's"""
    score = stored(score_id)
    if format not in EXTENSIONS:
        raise Refused(f"Unsupported format: {format}. Supported formats: {', '.join(EXTENSIONS)}")
    with tempfile.NamedTemporaryFile(suffix=EXTENSIONS[format], delete=False) as file:
        path = Path(file.name)
    score.write(format, fp=path)
    return {"format": format, "file_path": str(path), "file_size": path.stat().st_size}


@tool
def delete_score(score_id: str) -> dict:
    """Delete a score, or all for '*'"""
    doomed = list(scores) if score_id == "*" else [score_id]
    for each in doomed:
        stored(each)
        del scores[each]
    return {"deleted_count": len(doomed)}


@mcp.tool
def health_check() -> dict:
    """Whether the server is well"""
    return {"status": "healthy", "server": mcp.name, "tools_available": 9, "core_service_healthy": True}


def serve_http(port):
    """Listens before it says where, so that whoever reads the line can connect."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", port))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    config = uvicorn.Config(mcp.http_app(path="/mcp"), log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--http", type=int, metavar="PORT", help="serve streamable HTTP; 0 takes a free port")
    port = parser.parse_args().http
    if port is None:
        mcp.run()
    else:
        serve_http(port)


main()
