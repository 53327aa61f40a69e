//! The server's end of a session within this process. rmcp's own transport tries each kind of request in turn for every frame,
//! which takes a third of a cheap call; this one knows the call of a tool when it sees one.

use std::io;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, ClientRequest, JsonRpcMessage, Request, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::Mutex;

/// One frame a line, each way.
pub(super) struct InProcess {
    input: BufReader<ReadHalf<DuplexStream>>,
    /// What there is of the next line: reading may be given up in its midst.
    line: Vec<u8>,
    output: Arc<Mutex<WriteHalf<DuplexStream>>>,
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

impl InProcess {
    pub(super) fn new(stream: DuplexStream) -> Self {
        let (input, output) = tokio::io::split(stream);
        Self { input: BufReader::new(input), line: Vec::new(), output: Arc::new(Mutex::new(output)) }
    }
}

impl Transport<RoleServer> for InProcess {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let output = Arc::clone(&self.output);
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            output.lock().await.write_all(&line).await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let read = self.input.read_until(b'\n', &mut self.line).await.ok()?;
            if read == 0 {
                return None;
            }
            let message = parse(&self.line);
            self.line.clear();
            // What is no message is for nobody; our own client writes nothing else.
            if message.is_some() {
                return message;
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.output.lock().await.shutdown().await
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
