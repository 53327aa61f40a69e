//! The server's end of a session within this process. rmcp's own transport tries each kind of request in turn for every frame,
//! which takes a third of a cheap call; this one knows the call of a tool when it sees one.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, ClientRequest, JsonRpcMessage, Request, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::waiting::Inbox;
use super::wire::Failure;
use crate::client::Outcome;

/// The frames of a [`LineWire`](super::line::LineWire), handed over as they are: no task stands between.
pub(super) struct InProcess {
    pub queue: mpsc::UnboundedReceiver<Bytes>,
    pub inbox: Inbox,
    pub max_reply_bytes: usize,
}

/// The call of a tool without metadata, which rmcp keeps elsewhere.
#[derive(Deserialize)]
struct Call {
    id: RequestId,
    method: Method,
    params: CallToolRequestParams,
}

#[derive(Deserialize)]
enum Method {
    #[serde(rename = "tools/call")]
    Call,
}

impl Transport<RoleServer> for InProcess {
    type Error = Infallible;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        // OK because messages are plain structs and JSON maps with string keys, which always serialise.
        let frame: Bytes = serde_json::to_vec(&message).expect("message serialises").into();
        if frame.len() > self.max_reply_bytes {
            self.inbox.oversized(&frame, frame.len());
        } else {
            self.inbox.take(&frame, None);
        }
        ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            // What is no message is for nobody; our own client writes nothing else.
            if let Some(message) = parse(&self.queue.recv().await?) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        self.queue.close();
        Ok(())
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        let gone = Failure::new(Outcome::TransportClosed, "the server closed the connection");
        self.inbox.waiting.close(&gone);
    }
}

fn parse(line: &[u8]) -> Option<RxJsonRpcMessage<RoleServer>> {
    let call = serde_json::from_slice::<Call>(line).ok().filter(|call| call.params.meta.is_none());
    match call {
        Some(Call { id, method: Method::Call, params }) => {
            Some(JsonRpcMessage::request(ClientRequest::CallToolRequest(Request::new(params)), id))
        }
        None => serde_json::from_slice(line).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_as_rmcp_reads_it() {
        for line in [
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":{"a":[1,"ä"]}}}"#,
            r#"{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{"name":"t"}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","_meta":{"a":1}}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ] {
            let theirs: RxJsonRpcMessage<RoleServer> = serde_json::from_str(line).unwrap();
            let ours = parse(line.as_bytes()).unwrap();
            assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        }
        assert!(parse(b"noise\n").is_none());
    }
}
