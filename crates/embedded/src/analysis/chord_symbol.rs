//! The pitches music21 gives a chord symbol (`<harmony>`): its `ChordSymbol` is a chord like any other,
//! so a lead sheet's symbols are chords of the score and belong to its slices.
//!
//! music21 builds a symbol in rounds: once without its `<inversion>`, once more for its kind, and once
//! for each `<degree>`. A round begins from the root and the bass the last one left, so that what comes
//! out is not what one round would give.

use music21_mcp_score::{Degree, Harmony, Pitch, Score};

use super::symbol_kinds::{Figure, kind_of};
use super::symbol_pitches::{lower_of, on_degree};

/// A symbol as music21 builds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Symbol {
    /// In music21's order; none for `N.C.`.
    pub(super) pitches: Vec<Pitch>,
    /// The root it is said to have.
    pub(super) root: Option<Pitch>,
    /// The bass it is said to have, else the lowest.
    pub(super) bass: Option<Pitch>,
}

/// A degree is taken away that the chord does not have, or an inversion is asked for that does not
/// exist: music21 refuses the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImpossibleSymbol;

/// Whether music21 can build every symbol of a score.
pub(crate) fn check_symbols(score: &Score) -> Result<(), ImpossibleSymbol> {
    let mut symbols = score.parts.iter().flat_map(|part| &part.harmonies);
    symbols.try_for_each(|timed| symbol(&timed.value).map(drop))
}

/// Builds a symbol.
pub(super) fn symbol(harmony: &Harmony) -> Result<Symbol, ImpossibleSymbol> {
    let is_none = harmony.kind == "none" && !harmony.framed;
    let mut builder = Builder::of(harmony);
    if is_none || (builder.root.is_none() && builder.bass.is_none()) {
        return Ok(Symbol::default());
    }
    builder.build(harmony)?;
    let at = |row: Option<usize>| row.map(|row| builder.arena[row]);
    let pitches: Vec<Pitch> = builder.pitches.iter().map(|&row| builder.arena[row]).collect();
    let bass = at(builder.bass).or_else(|| lower_of(&pitches));
    Ok(Symbol { root: at(builder.root), bass, pitches })
}

/// The highest and the lowest staff step allowed, D4 and A1: music21 shifts the chord by octaves until
/// it fits.
const HIGHEST: i32 = 4 * 7 + 1;
const LOWEST: i32 = 7 + 5;

/// Pitches are rows of an arena: one may be a chord's member, its root and its bass at once, and moves
/// as one.
pub(super) struct Builder<'h> {
    pub(super) arena: Vec<Pitch>,
    pitches: Vec<usize>,
    pub(super) root: Option<usize>,
    bass: Option<usize>,
    pub(super) kind: &'h str,
    pub(super) figures: Vec<Figure>,
    pub(super) degrees: Vec<Degree>,
}

impl<'h> Builder<'h> {
    fn of(harmony: &'h Harmony) -> Self {
        let mut arena = Vec::new();
        let mut row = |named: Option<(music21_mcp_score::Step, i8)>| {
            let (step, alter) = named?;
            arena.push(Pitch::new(step, alter, 4));
            Some(arena.len() - 1)
        };
        let root = row(harmony.root);
        let bass = row(harmony.bass).or(root);
        // The first pitch of all is the bass.
        let pitches = bass.into_iter().collect();
        let kind = super::symbol_kinds::resolved(&harmony.kind);
        Self { arena, pitches, root, bass, kind, figures: Vec::new(), degrees: Vec::new() }
    }

    fn build(&mut self, harmony: &Harmony) -> Result<(), ImpossibleSymbol> {
        let named_bass = self.bass.filter(|_| harmony.bass.is_some());
        let named_root = self.root;
        self.round()?;
        if let Some(root) = named_root {
            self.set_root(root);
        }
        if let Some(inversion) = harmony.inversion {
            self.invert(inversion)?;
        }
        if let Some(bass) = named_bass {
            self.set_bass(bass);
        }
        if !self.kind.is_empty() {
            self.round()?;
        }
        for &degree in &harmony.degrees {
            if !self.degrees.contains(&degree) {
                self.degrees.push(degree);
            }
            self.round()?;
        }
        Ok(())
    }

    /// The pitches anew, from root, bass, kind and degrees.
    fn round(&mut self) -> Result<(), ImpossibleSymbol> {
        let (Some(root), Some(bass)) = (self.root, self.bass) else { return Ok(()) };
        self.arena[root].octave = 3;
        self.arena[bass].octave = 3;
        let mut pitches = self.plain(root, bass);
        let mut inversion = None;
        if name(self.arena[root]) != name(self.arena[bass]) {
            inversion = Some(self.inversion(root, bass)).filter(|&n| self.kind_has_inversion(n));
            if inversion.is_none() {
                // A note of another chord goes below.
                self.arena[bass].octave = 2;
                pitches.push(bass);
            }
        }
        self.apply_degrees(&mut pitches)?;
        if let Some(inversion) = inversion.filter(|&n| n > 0) {
            self.lift(&pitches, inversion, bass);
        }
        self.fit(&pitches);
        self.pitches = pitches;
        self.sort();
        self.set_bass(bass);
        self.set_root(root);
        Ok(())
    }

    /// The chord by its kind, in root position from the third octave.
    fn plain(&mut self, root: usize, bass: usize) -> Vec<usize> {
        let Some(kind) = kind_of(self.kind) else {
            self.figures.clear();
            let same = self.arena[bass] == self.arena[root];
            return if same { vec![root] } else { vec![root, bass] };
        };
        self.figures = kind.figures.to_vec();
        let root = self.arena[root];
        let mut pitches: Vec<Pitch> = kind.figures.iter().map(|&figure| on_degree(root, figure)).collect();
        pitches.sort_by_key(|pitch| pitch.midi());
        for row in (1..=kind.lifted).step_by(2) {
            pitches[row].octave += 1;
        }
        if kind.lifted > 0 {
            pitches.sort_by_key(|pitch| (pitch.diatonic(), pitch.midi()));
        }
        let first = self.arena.len();
        self.arena.extend(pitches);
        (first..self.arena.len()).collect()
    }

    /// 1 for the third in the bass, 2 for the fifth, 3 for the seventh, ….
    fn inversion(&self, root: usize, bass: usize) -> usize {
        let up_to_root = (self.arena[root].diatonic() - self.arena[bass].diatonic()).rem_euclid(7);
        [0, 3, 6, 2, 5, 1, 4][up_to_root as usize]
    }

    fn kind_has_inversion(&self, inversion: usize) -> bool {
        match inversion {
            1 | 2 => self.kind != "pedal",
            3..=5 => kind_of(self.kind).is_some_and(|kind| inversion <= kind.inversions),
            _ => false,
        }
    }

    /// The members below the bass go above it.
    fn lift(&mut self, pitches: &[usize], inversion: usize, bass: usize) {
        let octaves = if inversion > 3 { 2 } else { 1 };
        for &row in pitches.iter().take(inversion) {
            self.arena[row].octave += octaves;
        }
        for &row in pitches {
            if self.arena[row].diatonic() < self.arena[bass].diatonic() {
                self.arena[row].octave += 1;
            }
        }
    }

    fn fit(&mut self, pitches: &[usize]) {
        while pitches.iter().any(|&row| self.arena[row].diatonic() > HIGHEST) {
            pitches.iter().for_each(|&row| self.arena[row].octave -= 1);
        }
        while pitches.iter().any(|&row| self.arena[row].diatonic() < LOWEST) {
            pitches.iter().for_each(|&row| self.arena[row].octave += 1);
        }
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.pitches.sort_by_key(|&row| (arena[row].diatonic(), arena[row].midi()));
    }

    /// The member that is the pitch, or is called the same with or without its octave.
    fn member(&self, pitch: usize) -> Option<usize> {
        let wanted = self.arena[pitch];
        let of =
            |same: &dyn Fn(Pitch) -> bool| self.pitches.iter().copied().find(|&row| same(self.arena[row]));
        let itself = self.pitches.iter().copied().find(|&row| row == pitch);
        itself
            .or_else(|| of(&|member| member == wanted))
            .or_else(|| of(&|member| name(member) == name(wanted)))
    }

    fn set_root(&mut self, root: usize) {
        self.root = Some(self.member(root).unwrap_or(root));
    }

    /// A bass that is no member becomes the first.
    fn set_bass(&mut self, bass: usize) {
        let member = self.member(bass);
        if member.is_none() {
            self.pitches.insert(0, bass);
        }
        self.bass = Some(member.unwrap_or(bass));
    }

    /// `<inversion>`: the lowest goes up by octaves until it lies above all, as often as it takes. Then no
    /// bass is set, and no further round changes anything.
    fn invert(&mut self, wanted: u8) -> Result<(), ImpossibleSymbol> {
        let Some(root) = self.root else { return Ok(()) };
        self.bass = None;
        for _ in 0..self.pitches.len() + 2 {
            let lowest = self.lowest();
            if self.inversion(root, lowest) == usize::from(wanted) {
                self.sort();
                return Ok(());
            }
            let highest = self.pitches.iter().map(|&row| self.arena[row].midi()).max().unwrap_or(0);
            while self.arena[lowest].midi() < highest {
                self.arena[lowest].octave += 1;
            }
        }
        Err(ImpossibleSymbol)
    }

    fn lowest(&self) -> usize {
        let height = |&row: &usize| (self.arena[row].diatonic(), self.arena[row].midi());
        // OK because the bass was the first pitch.
        self.pitches.iter().copied().min_by_key(height).expect("a symbol with a root has a pitch")
    }
}

fn name(pitch: Pitch) -> (music21_mcp_score::Step, i8) {
    (pitch.step, pitch.alter)
}
