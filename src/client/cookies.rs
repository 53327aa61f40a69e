//! Cookies of a session: a load balancer recognises by one which of its servers keeps the session.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use http::{HeaderMap, HeaderValue, header};

/// What the server has set, sent back with every request whatever its path: a session has one endpoint.
#[derive(Default)]
pub(super) struct Cookies {
    sent: RwLock<(BTreeMap<String, String>, Option<HeaderValue>)>,
}

impl Cookies {
    /// Takes what a reply sets. An empty value unsets it, and so does an age of zero or less.
    pub(super) fn learn(&self, reply: &HeaderMap) {
        if !reply.contains_key(header::SET_COOKIE) {
            return;
        }
        let mut sent = self.sent.write().unwrap_or_else(PoisonError::into_inner);
        let (named, header) = &mut *sent;
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
        *header = HeaderValue::try_from(pairs.join("; ")).ok().filter(|header| !header.is_empty());
    }

    /// Adds what was set to a request, unless its user has a cookie of their own.
    pub(super) fn add(&self, request: &mut HeaderMap) {
        let header = self.sent.read().unwrap_or_else(PoisonError::into_inner).1.clone();
        if let Some(header) = header {
            request.entry(header::COOKIE).or_insert(header);
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

    #[test]
    fn what_was_set_is_sent_back_in_its_last_state() {
        let cookies = Cookies::default();
        let sent = || {
            let mut request = HeaderMap::new();
            cookies.add(&mut request);
            request.get(header::COOKIE).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(sent(), None);
        for (set, expected) in [
            (&["route=a1; Path=/; HttpOnly", "nonsense"][..], Some("route=a1")),
            (&["lb=x=y", "route=b2"], Some("lb=x=y; route=b2")),
            (&["route=; Max-Age=3600"], Some("lb=x=y")),
            (&["route=c3; Max-Age=3600", "lb=gone; Path=/; max-age=0"], Some("route=c3")),
            (&[], Some("route=c3")),
        ] {
            let set = set.iter().map(|set| (header::SET_COOKIE, HeaderValue::from_static(set)));
            cookies.learn(&set.collect());
            assert_eq!(sent().as_deref(), expected);
        }
        let mut own = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("mine=1"))]);
        cookies.add(&mut own);
        assert_eq!(own[header::COOKIE], "mine=1");
    }
}
