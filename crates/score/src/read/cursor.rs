//! A walk over the document's elements: children one by one, text, or nothing of an element.
//!
//! Each element that [`Cursor::child`] returns must be finished by exactly one of: calling `child`
//! until it returns `None`, [`Cursor::text`], or [`Cursor::skip`]. The known structure is walked by
//! functions and the unknown by a loop, so no document can exhaust the stack.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::error::Problem;
use super::syntax::{Entities, check_attributes};

type Result<T> = std::result::Result<T, Problem>;

#[derive(Clone)]
pub(super) struct Cursor<'b> {
    xml: Reader<&'b [u8]>,
    /// The element last returned was `<empty/>`: its end is still to be told.
    at_empty: bool,
    max_depth: usize,
    entities: Entities,
    /// The document begins with its XML declaration, which has not been read.
    may_declare: bool,
}

/// An element's start.
pub(super) struct Tag<'b>(BytesStart<'b>);

impl<'b> Tag<'b> {
    pub(super) fn name(&self) -> &str {
        self.0.name().0
    }

    /// The value of an attribute; `None` if absent.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<Cow<'_, str>>> {
        // No attributes is the common case, and the iterator is not free.
        if self.0.attributes_raw().is_empty() {
            return Ok(None);
        }
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(quick_xml::Error::from)?;
            if attribute.key.0 == name {
                let value = match attribute.value {
                    Cow::Borrowed(raw) => quick_xml::escape::unescape(raw),
                    Cow::Owned(raw) => quick_xml::escape::unescape(&raw).map(|v| Cow::Owned(v.into_owned())),
                };
                return Ok(Some(value.map_err(quick_xml::Error::from)?));
            }
        }
        Ok(None)
    }
}

impl<'b> Cursor<'b> {
    /// The tokeniser checks that the bytes are UTF-8 as it comes to them.
    pub(super) fn new(document: &'b [u8], max_depth: usize) -> Self {
        let mut xml = Reader::from_reader(document);
        // White space between elements is half of all text: without it there are a third fewer events.
        xml.config_mut().trim_text_start = true;
        xml.config_mut().check_comments = true;
        let may_declare = document.starts_with(b"<?xml");
        Self { xml, at_empty: false, max_depth, entities: Entities::default(), may_declare }
    }

    /// Bytes read so far.
    pub(super) fn byte(&self) -> u64 {
        self.xml.buffer_position()
    }

    /// Where the XML reader's own last error stands.
    pub(super) fn error_byte(&self) -> u64 {
        self.xml.error_position()
    }

    /// The root element.
    pub(super) fn root(&mut self) -> Result<Tag<'b>> {
        let mut typed = false;
        loop {
            match self.xml.read_event()? {
                Event::Start(tag) => return self.tag(tag),
                Event::Empty(tag) => {
                    self.at_empty = true;
                    return self.tag(tag);
                }
                Event::Text(text) if !is_space(&text) => return Err(Problem::NoRoot),
                Event::CData(_) | Event::GeneralRef(_) | Event::End(_) | Event::Eof => {
                    return Err(Problem::NoRoot);
                }
                Event::Decl(_) if !std::mem::take(&mut self.may_declare) => {
                    return Err(Problem::Syntax("an XML declaration that is not the document's beginning"));
                }
                Event::DocType(_) if typed => return Err(Problem::Syntax("a second document type")),
                Event::DocType(doctype) => {
                    typed = true;
                    self.entities.declare(&doctype);
                }
                _ => {}
            }
        }
    }

    /// After the root's end: nothing but white space and comments.
    pub(super) fn finish(&mut self) -> Result<()> {
        loop {
            match self.xml.read_event()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if is_space(&text) => {}
                _ => return Err(Problem::Syntax("something after the end of the root element")),
            }
        }
    }

    /// The next child of the open element, or `None` at its end. Text between children is passed over.
    #[inline]
    pub(super) fn child(&mut self) -> Result<Option<Tag<'b>>> {
        if std::mem::take(&mut self.at_empty) {
            return Ok(None);
        }
        loop {
            match self.xml.read_event()? {
                // No attributes is the common case.
                Event::Start(tag) if tag.attributes_raw().is_empty() => return Ok(Some(Tag(tag))),
                Event::Start(tag) => return self.checked(tag).map(Some),
                Event::Empty(tag) => {
                    self.at_empty = true;
                    return self.tag(tag).map(Some);
                }
                Event::End(_) => return Ok(None),
                Event::Text(_) => {}
                other => self.pass(&other)?,
            }
        }
    }

    /// A tag whose attributes are well-formed.
    #[inline]
    fn tag(&mut self, tag: BytesStart<'b>) -> Result<Tag<'b>> {
        if tag.attributes_raw().is_empty() { Ok(Tag(tag)) } else { self.checked(tag) }
    }

    fn checked(&mut self, tag: BytesStart<'b>) -> Result<Tag<'b>> {
        check_attributes(tag.attributes_raw())?;
        if self.entities.is_empty() || !tag.attributes_raw().contains('&') {
            return Ok(Tag(tag));
        }
        let name = tag.name().0;
        let content = format!("{name}{}", self.entities.in_attributes(tag.attributes_raw())?);
        Ok(Tag(BytesStart::from_content(content, name.len())))
    }

    /// An event of no consequence inside the root element, or one that may not be there.
    #[cold]
    fn pass(&mut self, event: &Event<'_>) -> Result<()> {
        match event {
            Event::Eof => Err(Problem::Truncated),
            Event::Decl(_) | Event::DocType(_) => Err(Problem::Syntax("a declaration inside an element")),
            Event::GeneralRef(reference) => self.referenced(reference).map(drop),
            _ => Ok(()),
        }
    }

    /// The trimmed text of the open element, to its end.
    #[inline]
    pub(super) fn text(&mut self) -> Result<Cow<'b, str>> {
        if std::mem::take(&mut self.at_empty) {
            return Ok(Cow::Borrowed(""));
        }
        match self.xml.read_event()? {
            Event::Text(text) => {
                let text = text.into_inner();
                match self.xml.read_event()? {
                    Event::End(_) => Ok(trimmed(text)),
                    event => self.long_text(text.into_owned(), event),
                }
            }
            Event::End(_) => Ok(Cow::Borrowed("")),
            event => self.long_text(String::new(), event),
        }
    }

    /// The text of the open element as it stands, to its end, with line breaks as XML has them.
    pub(super) fn verbatim(&mut self) -> Result<String> {
        if std::mem::take(&mut self.at_empty) {
            return Ok(String::new());
        }
        self.xml.config_mut().trim_text_start = false;
        let text =
            self.xml.read_event().map_err(Problem::from).and_then(|event| self.raw(String::new(), event));
        self.xml.config_mut().trim_text_start = true;
        Ok(text?.replace("\r\n", "\n").replace('\r', "\n"))
    }

    /// Text in several pieces: with references, CDATA or comments in it. Here, white space at the
    /// start of a piece counts.
    #[cold]
    fn long_text(&mut self, text: String, event: Event<'b>) -> Result<Cow<'b, str>> {
        self.xml.config_mut().trim_text_start = false;
        let text = self.raw(text, event);
        self.xml.config_mut().trim_text_start = true;
        text.map(|text| trimmed(Cow::Owned(text)))
    }

    fn raw(&mut self, mut text: String, mut event: Event<'b>) -> Result<String> {
        loop {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                Event::CData(piece) => text.push_str(&piece),
                Event::GeneralRef(reference) => text.push_str(&self.referenced(&reference)?),
                Event::Start(tag) => {
                    self.tag(tag)?;
                    self.skip()?;
                }
                Event::End(_) => return Ok(text),
                Event::Empty(tag) => self.tag(tag).map(drop)?,
                other => self.pass(&other)?,
            }
            event = self.xml.read_event()?;
        }
    }

    /// Passes over the rest of the open element.
    #[inline]
    pub(super) fn skip(&mut self) -> Result<()> {
        if std::mem::take(&mut self.at_empty) {
            return Ok(());
        }
        let mut depth = 0;
        loop {
            match self.xml.read_event()? {
                Event::Start(tag) => {
                    if !tag.attributes_raw().is_empty() {
                        self.checked(tag)?;
                    }
                    depth += 1;
                    if depth > self.max_depth {
                        return Err(Problem::TooDeep(self.max_depth));
                    }
                }
                Event::End(_) if depth == 0 => return Ok(()),
                Event::End(_) => depth -= 1,
                Event::Text(_) => {}
                Event::Empty(tag) => self.tag(tag).map(drop)?,
                other => self.pass(&other)?,
            }
        }
    }

    /// What a reference stands for.
    #[cold]
    fn referenced(&mut self, reference: &BytesRef<'_>) -> Result<String> {
        self.entities.text(reference)
    }
}

fn is_space(text: &str) -> bool {
    text.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}
