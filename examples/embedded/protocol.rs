//! How client and service talk: lines, in blocks that an empty line ends.
//!
//! A request is a block of headers and a block of items; an answer is lines, the
//! last of which says what became of it.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

/// Names with values: what a [`Wire`](entourage::Wire) reads and writes.
pub(crate) type Headers = Vec<(String, String)>;

pub(crate) async fn read_headers(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Headers> {
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").ok_or_else(|| {
            let message = format!("a header is `name: value`, found `{line}`");
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    read_block(from).await?.lines().map(header).collect()
}

pub(crate) fn block_of(headers: &Headers) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// The lines before the empty one.
pub(crate) async fn read_block(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut block = String::new();
    loop {
        let start = block.len();
        from.read_line(&mut block).await?;
        match &block[start..] {
            "\n" => {
                block.truncate(start);
                return Ok(block);
            }
            line if line.ends_with('\n') => {}
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

pub(crate) async fn write_line(to: &mut (impl AsyncWrite + Unpin), line: &str) -> io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes()).await
}
