//! Corpus works by music21's names: the bundled ones, a directory's, or an installed music21's.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A work found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// Its path below the corpus, with `/`.
    pub(crate) path: String,
    pub(crate) bytes: Cow<'static, [u8]>,
}

impl Work {
    /// The last part of its path.
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Freely licensed works of music21's corpus; their licences are in `corpus/README.md`.
static BUNDLED: [(&str, &[u8]); 4] = [
    ("johnson_j_r/lift_every_voice.mxl", include_bytes!("../../corpus/johnson_j_r/lift_every_voice.mxl")),
    ("liliuokalani/aloha_oe.mxl", include_bytes!("../../corpus/liliuokalani/aloha_oe.mxl")),
    ("lusitano/allor_che_ignuda.mxl", include_bytes!("../../corpus/lusitano/allor_che_ignuda.mxl")),
    ("weber/concertino_clarinet.mxl", include_bytes!("../../corpus/weber/concertino_clarinet.mxl")),
];

/// The names of the bundled works, as `import_score` takes them.
pub fn bundled() -> impl Iterator<Item = &'static str> {
    BUNDLED.iter().map(|(path, _)| path.trim_end_matches(".mxl"))
}

/// All places that works are looked for.
#[derive(Debug)]
pub(crate) struct Corpus {
    directory: Option<Directory>,
    ask_installed: bool,
    installed: OnceLock<Option<Directory>>,
}

impl Corpus {
    /// The bundled works and `directory`; on a miss an installed music21 if `ask_installed`.
    pub(crate) fn new(directory: Option<PathBuf>, ask_installed: bool) -> Self {
        Self { directory: directory.map(Directory::new), ask_installed, installed: OnceLock::new() }
    }

    /// The work that music21 would find under that name: one in MusicXML, else one it can convert to that.
    pub(crate) fn find(&self, name: &str) -> Option<Work> {
        self.find_here(name).or_else(|| {
            let ask = || self.ask_installed.then(installed).flatten().map(Directory::new);
            let installed = self.installed.get_or_init(ask).as_ref()?;
            installed.find(name).or_else(|| installed.convert(name))
        })
    }

    fn find_here(&self, name: &str) -> Option<Work> {
        let bundled = || {
            let path = best(&BUNDLED.iter().map(|(path, _)| *path), name)?;
            let (_, bytes) = BUNDLED.iter().find(|(known, _)| *known == path)?;
            Some(Work { path: path.to_owned(), bytes: Cow::Borrowed(bytes) })
        };
        self.directory.as_ref().and_then(|directory| directory.find(name)).or_else(bundled)
    }
}

/// A corpus directory, listed once.
#[derive(Debug)]
struct Directory {
    root: PathBuf,
    paths: OnceLock<Vec<String>>,
}

const MUSICXML: [&str; 3] = [".mxl", ".xml", ".musicxml"];
/// What music21 reads and we do not: an installed one is asked to write it as MusicXML.
const CONVERTIBLE: [&str; 7] = [".krn", ".abc", ".rntxt", ".rntext", ".md", ".capx", ".mid"];

impl Directory {
    fn new(root: PathBuf) -> Self {
        Self { root, paths: OnceLock::new() }
    }

    fn find(&self, name: &str) -> Option<Work> {
        let paths = self.paths.get_or_init(|| {
            let mut paths = Vec::new();
            list(&self.root, "", &mut paths);
            paths.sort();
            paths
        });
        let path =
            best(&paths.iter().map(String::as_str).filter(|path| ends(path, &MUSICXML)), name)?.to_owned();
        let bytes = std::fs::read(self.root.join(&path)).ok()?.into();
        Some(Work { path, bytes })
    }

    /// A work in another format, as music21 writes it in MusicXML. It takes seconds: a Python starts.
    fn convert(&self, name: &str) -> Option<Work> {
        const WRITE: &str = "import sys, music21\n\
                             music21.converter.parse(sys.argv[1]).write('musicxml', fp=sys.argv[2])";
        let paths = self.paths.get()?.iter().map(String::as_str);
        let path = best(&paths.filter(|path| ends(path, &CONVERTIBLE)), name)?.to_owned();
        let written = tempfile::Builder::new().suffix(".musicxml").tempfile().ok()?;
        let arguments = [self.root.join(&path), written.path().to_owned()];
        let mut command = Command::new(python());
        command
            .args(["-c", WRITE])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let converted = command.status().ok()?.success();
        let bytes = converted.then(|| std::fs::read(written.path()).ok()).flatten()?.into();
        Some(Work { path, bytes })
    }
}

/// Unreadable directories are passed over: their works are then unknown.
fn list(directory: &Path, prefix: &str, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list(&entry.path(), &format!("{path}/"), paths);
        } else if ends(&name, &MUSICXML) || ends(&name, &CONVERTIBLE) {
            paths.push(path);
        }
    }
}

fn ends(path: &str, extensions: &[&str]) -> bool {
    extensions.iter().any(|extension| path.ends_with(extension))
}

fn python() -> std::ffi::OsString {
    std::env::var_os("MUSIC21_PYTHON").unwrap_or_else(|| "python3".into())
}

/// music21's rule (`corpora.getWorkList`): the first path, in order, that contains the name, those
/// that contain it at the start of a component first; a name in `.xml` also means the `.mxl`.
fn best<'a>(paths: &(impl Iterator<Item = &'a str> + Clone), name: &str) -> Option<&'a str> {
    let search = |name: &str| {
        let name = name.to_lowercase();
        let containing =
            || paths.clone().filter(|path| path.to_lowercase().contains(name.trim_start_matches('/')));
        let rooted = format!("/{}", name.trim_start_matches('/'));
        let found = containing().find(|path| format!("/{}", path.to_lowercase()).contains(&rooted));
        found.or_else(|| containing().find(|_| !name.starts_with('/')))
    };
    search(name).or_else(|| {
        let stem = name.strip_suffix(".xml").or_else(|| name.strip_suffix(".musicxml"))?;
        search(&format!("{stem}.mxl"))
    })
}

/// The corpus of an installed music21, if any: without importing it, which would take a second.
fn installed() -> Option<PathBuf> {
    const ASK: &str = "import importlib.util, os\n\
                       spec = importlib.util.find_spec('music21')\n\
                       print(os.path.join(os.path.dirname(spec.origin), 'corpus'))";
    let named = std::env::var_os("MUSIC21_CORPUS").map(PathBuf::from);
    let asked = || {
        let output = Command::new(python())
            .args(["-c", ASK])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    };
    named.or_else(asked).filter(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_music21_finds_them() {
        let corpus = Corpus::new(None, false);
        // Each accepted and refused by music21 10.5.1 over its own corpus.
        for name in [
            "weber/concertino_clarinet",
            "weber/concertino_clarinet.mxl",
            "weber/concertino_clarinet.xml",
            "weber/concertino_clarinet.musicxml",
            "Weber/concertino_clarinet",
            "/weber/concertino_clarinet",
            "weber/concertino",
            "concertino_clarinet",
            "weber",
        ] {
            assert_eq!(corpus.find(name).map(|work| work.path).as_deref(), Some(BUNDLED[3].0), "{name}");
        }
        for name in ["bach/nope", "weber\\concertino_clarinet", "weber/concertino_clarinet.krn", "../Cargo"] {
            assert_eq!(corpus.find(name), None, "{name}");
        }
    }

    #[test]
    fn a_directory_adds_its_works() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("verdi")).unwrap();
        std::fs::create_dir(root.path().join("monteverdi")).unwrap();
        std::fs::write(root.path().join("verdi/aria.mxl"), "v").unwrap();
        std::fs::write(root.path().join("verdi/aria.krn"), "k").unwrap();
        std::fs::write(root.path().join("monteverdi/a.xml"), "m").unwrap();
        let corpus = Corpus::new(Some(root.path().to_owned()), false);
        let check = |name: &str, file: &str| {
            assert_eq!(
                corpus.find(name).map(|work| work.file_name().to_owned()).as_deref(),
                Some(file),
                "{name}"
            );
        };
        check("verdi", "aria.mxl");
        check("verdi/aria", "aria.mxl");
        check("everdi", "a.xml");
        check("weber", "concertino_clarinet.mxl");
    }
}
