//! Where an MCP server is found over HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use super::wire::Failure;
use crate::client::Outcome;

/// An `http://` or `https://` URL with its addresses looked up once.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    authority: Authority,
    /// What goes in the `Host` header.
    pub host: HeaderValue,
    pub path: PathAndQuery,
    pub addresses: Vec<SocketAddr>,
    /// For `https://`.
    #[cfg(feature = "tls")]
    pub tls: Option<super::tls::Tls>,
}

/// The addresses behind a URL; none where it cannot be resolved.
pub(crate) async fn addresses(url: &str) -> Vec<SocketAddr> {
    Endpoint::resolve(url, None).await.map_or_else(|_| Vec::new(), |endpoint| endpoint.addresses)
}

/// Said of `https://` by a program that cannot.
pub(crate) const WITHOUT_TLS: &str = "this program was built without TLS; build it with `--features tls`, or use the \
                                      server's plain port or a local proxy";

/// Why URLs of that scheme cannot be used here.
fn unusable(scheme: Option<&Scheme>) -> Option<&'static str> {
    match scheme {
        Some(scheme) if *scheme == Scheme::HTTP => None,
        Some(scheme) if *scheme == Scheme::HTTPS && cfg!(feature = "tls") => None,
        Some(scheme) if *scheme == Scheme::HTTPS => Some(WITHOUT_TLS),
        _ => Some("only http:// and https:// are spoken"),
    }
}

/// A URL with other values in its query.
///
/// # Errors
///
/// Those of `value`, which is given the name and the value of each pair.
pub(crate) fn with_query_values<E>(
    url: &str,
    mut value: impl FnMut(&str, &str) -> Result<String, E>,
) -> Result<String, E> {
    let Some((before, query)) = url.split_once('?') else { return Ok(url.to_owned()) };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, now)) => value(name, now).map(|value| format!("{name}={value}")),
        None => Ok(pair.to_owned()),
    });
    Ok(format!("{before}?{}", pairs.collect::<Result<Vec<_>, E>>()?.join("&")))
}

/// A URL as it may be shown: without a login in it, and without the values of its query, which may be keys.
pub(crate) fn without_secrets(url: &str) -> String {
    let Ok(url) = with_query_values(url, |_, _| Ok::<_, Infallible>("…".to_owned()));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or_else(|| host.to_owned(), |(_, host)| format!("…@{host}"));
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    format!("{scheme}{host}{path}")
}

impl Endpoint {
    /// `authorities` is a PEM file for `https://`.
    pub(super) async fn resolve(url: &str, authorities: Option<&Path>) -> Result<Self, Failure> {
        let fail = |message: String| Failure::new(Outcome::ConnectError, message);
        let shown = without_secrets(url);
        let uri: Uri = url.parse().map_err(|error| fail(format!("'{shown}' is no URL: {error}")))?;
        let is_encrypted = uri.scheme() == Some(&Scheme::HTTPS);
        if let Some(why) = unusable(uri.scheme()) {
            return Err(fail(format!("cannot use '{shown}': {why}")));
        }
        let parts = uri.into_parts();
        let authority = parts.authority.ok_or_else(|| fail(format!("'{shown}' names no host")))?;
        if authority.as_str().contains('@') {
            let hint = "give the login as --header 'Authorization: Basic env:LOGIN', its value in base64";
            return Err(fail(format!("'{shown}' has a login in it, which is not sent so: {hint}")));
        }
        let is_sound =
            authority.as_str() == authority.host() || authority.port_u16().is_some_and(|port| port > 0);
        if !is_sound {
            return Err(fail(format!("'{shown}' names a port that is none: they are from 1 to 65535")));
        }
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let target = (host.to_owned(), port);
        let found = tokio::net::lookup_host(target).await;
        let addresses: Vec<_> =
            found.map_err(|error| fail(format!("cannot resolve '{host}': {error}")))?.collect();
        let header = HeaderValue::from_str(authority.as_str());
        let header = header.map_err(|error| fail(format!("'{shown}': {error}")))?;
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        #[cfg(feature = "tls")]
        let tls = is_encrypted.then(|| super::tls::Tls::new(host, authorities)).transpose();
        #[cfg(not(feature = "tls"))]
        let _ = authorities;
        Ok(Self {
            host: header,
            path,
            addresses,
            #[cfg(feature = "tls")]
            tls: tls.map_err(fail)?,
            authority,
        })
    }

    /// Where a redirect leads, if that is on the same server: `/mcp` and `/mcp/` send each other's clients here.
    pub(super) fn redirected(&self, location: &str) -> Option<PathAndQuery> {
        let parts = location.parse::<Uri>().ok()?.into_parts();
        let same = parts.authority.is_none_or(|authority| authority == self.authority);
        parts.path_and_query.filter(|_| same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, expected) in [
            ("http://localhost:8000/mcp", "http://localhost:8000/mcp"),
            ("http://me:s3cret@host/mcp", "http://…@host/mcp"),
            ("http://host/mcp?key=s3cret&flag&a=b=c", "http://host/mcp?key=…&flag&a=…"),
            ("http://me:s3cret@host?k=s3cret", "http://…@host?k=…"),
            ("http://host/a@b", "http://host/a@b"),
        ] {
            assert_eq!(without_secrets(url), expected);
        }
    }

    #[tokio::test]
    async fn a_port_that_is_none_is_refused_and_not_another_taken() {
        for url in ["http://127.0.0.1:99999/mcp", "http://[::1]:0/mcp", "http://127.0.0.1:/mcp"] {
            let failure = Endpoint::resolve(url, None).await.unwrap_err();
            assert!(failure.message.contains("a port that is none"), "{}", failure.message);
        }
        for url in ["http://127.0.0.1/mcp", "http://[::1]/mcp", "http://[::1]:8000/mcp"] {
            assert!(Endpoint::resolve(url, None).await.is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_login_in_a_url_is_refused_and_not_dropped() {
        let failure = Endpoint::resolve("http://me:s3cret@127.0.0.1:1/mcp", None).await.unwrap_err();
        let message = failure.message;
        assert!(message.starts_with("'http://…@127.0.0.1:1/mcp' has a login in it"), "{message}");
        assert!(message.contains("--header") && !message.contains("s3cret"), "{message}");
    }
}
