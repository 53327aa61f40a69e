//! The headers that go with each request of a session: what every session sends, what the user adds, and what the server has
//! given this one (its id and its cookies; a load balancer recognises by one which of its servers keeps the session).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::mirror;

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

pub(super) struct SessionHeaders {
    /// Kept as it is sent, so that a request needs no more than a copy.
    sent: RwLock<HeaderMap>,
    has_session: AtomicBool,
    has_version: AtomicBool,
    /// What the server has set, sent back with every request whatever its path: a session has one endpoint. `None` where the
    /// user has a cookie of their own.
    cookies: Option<Mutex<BTreeMap<String, String>>>,
}

impl SessionHeaders {
    pub(super) fn new(host: &HeaderValue, added: &HeaderMap) -> Self {
        // Room for the ones that are learnt: a map that is full would be moved in each request, when hyper looks for one more.
        let mut sent = HeaderMap::with_capacity(12);
        sent.insert(header::HOST, host.clone());
        sent.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        sent.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        sent.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        sent.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        // The user's take the place of ours: one Host is all that HTTP allows.
        for name in added.keys() {
            sent.remove(name);
        }
        sent.extend(added.iter().map(|(name, value)| (name.clone(), value.clone())));
        let cookies = (!sent.contains_key(header::COOKIE)).then(Mutex::default);
        Self {
            sent: RwLock::new(sent),
            has_session: AtomicBool::new(false),
            has_version: AtomicBool::new(false),
            cookies,
        }
    }

    /// Those of the next request, whose body has that many bytes.
    pub(super) fn copy(&self, length: usize) -> HeaderMap {
        let mut headers = self.sent.read().unwrap_or_else(PoisonError::into_inner).clone();
        // Left to hyper, it would be one header more, for which all of them are moved.
        match headers.get_mut(header::CONTENT_LENGTH) {
            Some(value) if length > 0 => *value = length.into(),
            _ => drop(headers.remove(header::CONTENT_LENGTH)),
        }
        headers
    }

    /// Whether the server keeps this session.
    pub(super) fn has_session(&self) -> bool {
        self.has_session.load(Ordering::Relaxed)
    }

    /// Whether the handshake is over.
    pub(super) fn has_version(&self) -> bool {
        self.has_version.load(Ordering::Relaxed)
    }

    /// The protocol revision that every later request names.
    pub(super) fn set_version(&self, value: HeaderValue) {
        self.set(mirror::VERSION, Some(value));
        self.has_version.store(true, Ordering::Relaxed);
    }

    /// The first reply that names a session decides it. Later ones repeat the same id.
    pub(super) fn learn_session(&self, reply: &HeaderMap) {
        if self.has_session() {
            return;
        }
        if let Some(id) = reply.get(&SESSION_ID)
            && !self.has_session.swap(true, Ordering::Relaxed)
        {
            self.set(SESSION_ID, Some(id.clone()));
        }
    }

    /// Takes the cookies that a reply sets. An empty value unsets one, and so does an age of zero or less.
    pub(super) fn learn_cookies(&self, reply: &HeaderMap) {
        if !reply.contains_key(header::SET_COOKIE) {
            return;
        }
        let Some(cookies) = &self.cookies else { return };
        let mut named = cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for set in reply.get_all(header::SET_COOKIE) {
            let mut parts = set.to_str().unwrap_or_default().split(';').map(|part| part.split_once('='));
            let Some(Some((name, value))) = parts.next() else { continue };
            let (name, value) = (name.trim(), value.trim());
            if value.is_empty() || parts.flatten().any(expires_now) {
                named.remove(name);
            } else {
                named.insert(name.to_owned(), value.to_owned());
            }
        }
        let pairs: Vec<String> = named.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = HeaderValue::try_from(pairs.join("; ")).ok().filter(|header| !header.is_empty());
        self.set(header::COOKIE, cookie);
    }

    fn set(&self, name: HeaderName, value: Option<HeaderValue>) {
        let mut sent = self.sent.write().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => drop(sent.insert(name, value)),
            None => drop(sent.remove(name)),
        }
    }
}

/// RFC 6265, section 5.2.2: an age of zero or less ends a cookie at once.
fn expires_now((attribute, value): (&str, &str)) -> bool {
    attribute.trim().eq_ignore_ascii_case("max-age") && value.trim().parse().is_ok_and(|age: i64| age <= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(added: &HeaderMap) -> SessionHeaders {
        SessionHeaders::new(&HeaderValue::from_static("localhost"), added)
    }

    fn reply(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn cookies_are_sent_back_in_their_last_state() {
        let headers = headers(&HeaderMap::new());
        let sent = || headers.copy(1).get(header::COOKIE).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(sent(), None);
        for (set, expected) in [
            (&["route=a1; Path=/; HttpOnly", "nonsense"][..], Some("route=a1")),
            (&["lb=x=y", "route=b2"], Some("lb=x=y; route=b2")),
            (&["route=; Max-Age=3600"], Some("lb=x=y")),
            (&["route=c3; Max-Age=3600", "lb=gone; Path=/; max-age=0"], Some("route=c3")),
            (&[], Some("route=c3")),
            (&["route="], None),
        ] {
            headers.learn_cookies(&reply(&header::SET_COOKIE, set));
            assert_eq!(sent().as_deref(), expected);
        }
    }

    #[test]
    fn the_length_of_a_body_goes_with_it() {
        let headers = headers(&HeaderMap::new());
        assert_eq!(headers.copy(40)[header::CONTENT_LENGTH], "40");
        assert_eq!(headers.copy(9)[header::CONTENT_LENGTH], "9");
        assert!(!headers.copy(0).contains_key(header::CONTENT_LENGTH), "a GET has none");
    }

    #[test]
    fn a_header_of_the_users_own_takes_the_place_of_ours() {
        let own = headers(&reply(&header::HOST, &["music.example"])).copy(1);
        assert_eq!(own.get_all(header::HOST).iter().collect::<Vec<_>>(), ["music.example"]);
    }

    #[test]
    fn a_cookie_of_the_users_own_stays() {
        let own = headers(&reply(&header::COOKIE, &["mine=1"]));
        own.learn_cookies(&reply(&header::SET_COOKIE, &["route=a1"]));
        assert_eq!(own.copy(1)[header::COOKIE], "mine=1");
    }

    #[test]
    fn the_first_reply_that_names_a_session_decides_it() {
        let headers = headers(&HeaderMap::new());
        headers.learn_session(&HeaderMap::new());
        assert!(!headers.has_session() && !headers.copy(1).contains_key(SESSION_ID));
        headers.learn_session(&reply(&SESSION_ID, &["a"]));
        headers.learn_session(&reply(&SESSION_ID, &["b"]));
        assert!(headers.has_session());
        assert_eq!(headers.copy(1)[SESSION_ID], "a");
    }
}
