//! Where an MCP server is found over HTTP.

use std::net::SocketAddr;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use super::wire::Failure;
use crate::client::Outcome;

/// An `http://` URL with its addresses looked up once.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    authority: Authority,
    /// What goes in the `Host` header.
    pub host: HeaderValue,
    pub path: PathAndQuery,
    pub addresses: Vec<SocketAddr>,
}

/// The addresses behind a URL; none where it cannot be resolved.
pub(crate) async fn addresses(url: &str) -> Vec<SocketAddr> {
    Endpoint::resolve(url).await.map_or_else(|_| Vec::new(), |endpoint| endpoint.addresses)
}

impl Endpoint {
    pub(super) async fn resolve(url: &str) -> Result<Self, Failure> {
        let fail = |message: String| Failure::new(Outcome::ConnectError, message);
        let uri: Uri = url.parse().map_err(|error| fail(format!("'{url}' is no URL: {error}")))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            let hint = "only http:// is supported (no TLS in this tool); use the server's plain port or a local proxy";
            return Err(fail(format!("cannot use '{url}': {hint}")));
        }
        let parts = uri.into_parts();
        let authority = parts.authority.ok_or_else(|| fail(format!("'{url}' names no host")))?;
        let host = authority.host().trim_matches(['[', ']']);
        let target = (host.to_owned(), authority.port_u16().unwrap_or(80));
        let found = tokio::net::lookup_host(target).await;
        let addresses: Vec<_> =
            found.map_err(|error| fail(format!("cannot resolve '{host}': {error}")))?.collect();
        let header = authority.as_str().rsplit('@').next().unwrap_or_default();
        let header = HeaderValue::from_str(header).map_err(|error| fail(format!("'{url}': {error}")))?;
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { host: header, path, addresses, authority })
    }

    /// Where a redirect leads, if that is on the same server: `/mcp` and `/mcp/` send each other's clients here.
    pub(super) fn redirected(&self, location: &str) -> Option<PathAndQuery> {
        let parts = location.parse::<Uri>().ok()?.into_parts();
        let same = parts.authority.is_none_or(|authority| authority == self.authority);
        parts.path_and_query.filter(|_| same)
    }
}
