//! Where scores come from: the corpus, a file, or text.

pub(crate) mod corpus;
pub(crate) mod note_names;
pub(crate) mod paths;
pub(crate) mod tiny_notation;
