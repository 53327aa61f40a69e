//! Broken standard output: messages cut in half, and lines between them that are no messages.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::spec::{Fault, FaultKind};

/// A writer of newline-ended messages that breaks some of them.
#[derive(Debug)]
pub(crate) struct FaultyWriter<W> {
    inner: W,
    half_every: Option<u64>,
    noise_every: Option<u64>,
    messages: u64,
    /// Of a message not ended yet.
    partial: Vec<u8>,
    /// Ready to go out, from `sent` on.
    pending: Vec<u8>,
    sent: usize,
}

const NOISE: &[u8] = b"Warning: this line is not JSON\n";

impl<W: AsyncWrite + Unpin> FaultyWriter<W> {
    /// Breaks as the faults say; faults of calls are not its concern.
    pub(crate) fn new(inner: W, faults: &[Fault]) -> Self {
        let every = |pick: fn(&FaultKind) -> Option<u64>| faults.iter().find_map(|fault| pick(&fault.kind));
        Self {
            inner,
            half_every: every(|kind| if let FaultKind::HalfFrame(n) = kind { Some(*n) } else { None }),
            noise_every: every(|kind| if let FaultKind::Noise(n) = kind { Some(*n) } else { None }),
            messages: 0,
            partial: Vec::new(),
            pending: Vec::new(),
            sent: 0,
        }
    }

    fn is_whole(&self) -> bool {
        self.half_every.is_none() && self.noise_every.is_none()
    }

    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_message();
            }
        }
    }

    fn end_message(&mut self) {
        self.messages += 1;
        let strikes = |every: Option<u64>| every.is_some_and(|every| self.messages.is_multiple_of(every));
        let (noise, half) = (strikes(self.noise_every), strikes(self.half_every));
        if noise {
            self.pending.extend_from_slice(NOISE);
        }
        if half {
            self.partial.truncate(self.partial.len() / 2);
            self.partial.push(b'\n');
        }
        self.pending.append(&mut self.partial);
    }

    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.pending.len() {
            self.sent += ready!(Pin::new(&mut self.inner).poll_write(cx, &self.pending[self.sent..]))?;
        }
        self.pending.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for FaultyWriter<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_whole() {
            return Pin::new(&mut self.inner).poll_write(cx, bytes);
        }
        ready!(self.poll_pending(cx))?;
        self.take(bytes);
        // What cannot go out now goes out with the flush that follows every message.
        if let Poll::Ready(Err(error)) = self.poll_pending(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn check(faults: &[&str], expected: &str) {
        let faults: Vec<Fault> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let mut writer = FaultyWriter::new(Vec::new(), &faults);
        for piece in ["{\"id\"", ":1}\n", "{\"id\":2}\n{\"id\":3}\n", "{\"id\":4}\n"] {
            writer.write_all(piece.as_bytes()).await.unwrap();
        }
        writer.flush().await.unwrap();
        assert_eq!(String::from_utf8(writer.inner).unwrap(), expected);
    }

    #[tokio::test]
    async fn some_messages_are_cut_and_some_lines_are_noise() {
        check(&[], "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n").await;
        check(&["half-frame=2"], "{\"id\":1}\n{\"id\n{\"id\":3}\n{\"id\n").await;
        let noise = "Warning: this line is not JSON\n";
        check(&["noise=3"], &format!("{{\"id\":1}}\n{{\"id\":2}}\n{noise}{{\"id\":3}}\n{{\"id\":4}}\n"))
            .await;
    }
}
