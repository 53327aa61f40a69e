//! TLS by rustls, with the system's certificates or the user's own authority.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How a server behind `https://` is known.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    /// Trusts the authorities of a PEM file, else those of the system.
    ///
    /// # Errors
    ///
    /// Where there are none, in a fragment on one line.
    pub(super) fn new(host: &str, authorities: Option<&Path>) -> Result<Self, String> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| format!("'{host}' can be in no certificate: {error}"))?;
        let mut roots = RootCertStore::empty();
        let found = match authorities {
            Some(path) => of_file(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        roots.add_parsable_certificates(found);
        if roots.is_empty() {
            return Err("the system has no certificates of authorities; name a PEM file with --ca".to_owned());
        }
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// The handshake over an open connection.
    pub(super) async fn over(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let fail = |error| format!("failed to read certificates from '{}': {error}", path.display());
    let found =
        CertificateDer::pem_file_iter(path).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    if found.is_empty() { Err(format!("'{}' holds no certificate", path.display())) } else { Ok(found) }
}
