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
    /// Takes what a reply sets. An empty value unsets it.
    pub(super) fn learn(&self, reply: &HeaderMap) {
        if !reply.contains_key(header::SET_COOKIE) {
            return;
        }
        let mut sent = self.sent.write().unwrap_or_else(PoisonError::into_inner);
        let (named, header) = &mut *sent;
        for set in reply.get_all(header::SET_COOKIE) {
            let pair = set.to_str().ok().and_then(|set| set.split(';').next()?.split_once('='));
            let Some((name, value)) = pair.map(|(name, value)| (name.trim(), value.trim())) else { continue };
            if value.is_empty() {
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
            (&["route=; Max-Age=0"], Some("lb=x=y")),
            (&[], Some("lb=x=y")),
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
