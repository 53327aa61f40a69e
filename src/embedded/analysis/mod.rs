//! Music analysis with music21's rules: key profiles, chord slices, roman numerals.
