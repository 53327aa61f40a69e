//! Servers on a thread of their own, so that the client's CPU time can be told from theirs.

use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use music21_mcp_bench::embedded::NullServer;

/// The null server until the process ends; `padding` is the size of each tool's answer in bytes, about.
pub(crate) fn null_server(padding: usize) -> SocketAddr {
    on_a_thread(move |tell| async move {
        let server = NullServer::bind(padding).await.expect("a free port");
        tell.send(server.address().expect("it is bound")).expect("the bench waits for it");
        server.run().await;
    })
}

/// Runs a server on a runtime and a thread of its own and returns what it says first.
pub(crate) fn on_a_thread<T, F>(server: impl FnOnce(Sender<T>) -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = ()>,
{
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("threads and sockets are to be had").block_on(server(tell));
    });
    told.recv().expect("the server starts")
}
