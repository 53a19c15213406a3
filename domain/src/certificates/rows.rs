//! Cuts a stream of PEM or of lines of JSON into rows, without holding more than one row.

use crate::error::{Error, Result};

/// Format of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Certificates in PEM, one after the other; text between them is passed over.
    Pem,
    /// One JSON object a line: `{"pem": "…"}` or `{"der": "<base64>"}`.
    Ndjson,
}

/// One row of a stream, not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRow {
    /// Its number from 1: of the PEM block, or of the line.
    pub row: u64,
    /// Its text.
    pub text: String,
}

/// Longest row: a certificate with thousands of names.
const MAX_ROW: usize = 1024 * 1024;
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// Cuts a stream into rows.
#[derive(Debug)]
pub struct Rows {
    format: Format,
    /// Begin of a line whose end has not come yet.
    line: Vec<u8>,
    /// The PEM block under way.
    block: Vec<u8>,
    inside: bool,
    lines: u64,
    blocks: u64,
}

impl Rows {
    /// Begins a stream.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            line: Vec::new(),
            block: Vec::new(),
            inside: false,
            lines: 0,
            blocks: 0,
        }
    }

    /// Takes the next bytes; gives the rows that are whole now.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `body` for a row that is longer than 1 MiB: what follows cannot be told apart.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<RawRow>> {
        let mut rows = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = rest.split_at(end + 1);
            rest = tail;
            self.line.extend_from_slice(head);
            let line = std::mem::take(&mut self.line);
            self.end_line(&line, &mut rows);
        }
        self.line.extend_from_slice(rest);
        if self.line.len() > MAX_ROW || self.block.len() > MAX_ROW {
            return Err(Error::field("body", "row_too_long", "a row is longer than 1 MiB"));
        }
        Ok(rows)
    }

    /// Ends the stream; gives what is left. A PEM block without an end is a row that will be refused.
    pub fn finish(mut self) -> Vec<RawRow> {
        let mut rows = Vec::new();
        let line = std::mem::take(&mut self.line);
        self.end_line(&line, &mut rows);
        if self.inside {
            rows.push(self.block_row());
        }
        rows
    }

    fn end_line(&mut self, line: &[u8], rows: &mut Vec<RawRow>) {
        let text = line.trim_ascii();
        match self.format {
            Format::Ndjson => {
                self.lines += 1;
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                if !text.is_empty() {
                    rows.push(RawRow {
                        row: self.lines,
                        text: String::from_utf8_lossy(text).into_owned(),
                    });
                }
            }
            Format::Pem => {
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                if text.starts_with(BEGIN) {
                    if self.inside {
                        rows.push(self.block_row());
                    }
                    self.inside = true;
                    self.blocks += 1;
                }
                if self.inside {
                    self.block.extend_from_slice(text);
                    self.block.push(b'\n');
                    if text.starts_with(END) {
                        self.inside = false;
                        rows.push(self.block_row());
                    }
                }
            }
        }
    }

    fn block_row(&mut self) -> RawRow {
        let text = std::mem::take(&mut self.block);
        RawRow {
            row: self.blocks,
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(format: Format, text: &str, step: usize) -> Vec<RawRow> {
        let mut rows = Rows::new(format);
        let mut found = Vec::new();
        for bytes in text.as_bytes().chunks(step) {
            found.extend(rows.push(bytes).expect("rows"));
        }
        found.extend(rows.finish());
        found
    }

    #[test]
    fn rows_are_the_same_however_the_stream_is_cut() {
        let pem = "\u{feff}text\r\n-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\r\n\
                   between\n-----BEGIN CERTIFICATE-----\nBBBB\n-----BEGIN CERTIFICATE-----\nCCCC\n-----END CERTIFICATE-----";
        let lines = "{\"pem\":\"x\"}\n\n {\"der\":\"y\"}\r\nlast";
        for step in [1, 2, 7, 1000] {
            let found = cut(Format::Pem, pem, step);
            assert_eq!(found.len(), 3, "step {step}");
            assert_eq!(
                found[0].text,
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
            );
            assert!(found[2].text.contains("CCCC"));
            let found = cut(Format::Ndjson, lines, step);
            let numbers: Vec<u64> = found.iter().map(|row| row.row).collect();
            assert_eq!(numbers, [1, 3, 4]);
        }
    }

    #[test]
    fn a_row_without_end_is_refused() {
        let mut rows = Rows::new(Format::Ndjson);
        let long = vec![b'x'; MAX_ROW + 1];
        assert!(matches!(rows.push(&long), Err(Error::Invalid(_))));
    }
}
