//! What is measured: the embedded server, a command line or a URL.
