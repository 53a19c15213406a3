//! PEM (RFC 7468): writing by the `pem` crate; reading by a scanner of our own.
//!
//! The readers at hand skip what they do not understand: a block without an end, an end without a begin, a key behind a
//! certificate, everything before an empty line. An upload must not lose a block silently, so every border that occurs
//! anywhere in the text counts here, and what does not fit is an error with its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pem::{EncodeConfig, LineEnding, Pem};
use zeroize::Zeroizing;

use crate::{PkiError, Result};

/// Labels under which a certificate is written, today's first.
pub const CERTIFICATE_LABELS: &[&str] = &["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
/// Labels under which a certificate signing request is written.
pub const CSR_LABELS: &[&str] = &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
/// Labels under which a PKCS#7 bundle is written.
pub const PKCS7_LABELS: &[&str] = &["PKCS7", "PKCS #7 SIGNED DATA", "CMS"];

/// One block found in a text, not yet decoded.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// What stands behind BEGIN.
    pub label: &'a str,
    /// What stands between the borders.
    body: &'a [u8],
}

impl Block<'_> {
    /// Whether the label says that this is a private key, of whatever kind and however it is spelled.
    pub fn is_private_key(&self) -> bool {
        names_private_key(self.label.as_bytes())
    }

    /// The bytes of the block. White space is ignored wherever it stands, and so are RFC 1421 headers (`Name: value` lines).
    ///
    /// # Errors
    /// [`PkiError::BrokenPem`] where the body is empty, encrypted, or not base64 of whole bytes.
    pub fn decode(&self) -> Result<Vec<u8>> {
        let body = skip_headers(self.body)?;
        // Wiped: private keys are read by this function too.
        let mut packed = Zeroizing::new(Vec::with_capacity(body.len()));
        let mut rest = body;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            packed.extend_from_slice(rest.get(..end).unwrap_or_default().trim_ascii());
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        packed.extend_from_slice(rest.trim_ascii());
        if packed.is_empty() {
            return Err(PkiError::BrokenPem(format!("the block {} is empty", self.label)));
        }
        STANDARD
            .decode(packed.as_slice())
            .or_else(|_| {
                // White space within the lines, which hardly any writer leaves.
                packed.retain(|octet| !octet.is_ascii_whitespace());
                STANDARD.decode(packed.as_slice())
            })
            .map_err(|_| PkiError::BrokenPem(format!("the block {} is not clean base64", self.label)))
    }
}

/// Skips header lines: only where the first line holds a colon, up to the first empty line.
fn skip_headers(body: &[u8]) -> Result<&[u8]> {
    let text = body.trim_ascii_start();
    let first_line = text
        .split(|octet| matches!(octet, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    if !first_line.contains(&b':') {
        return Ok(text);
    }
    if text.windows(9).any(|window| window == b"ENCRYPTED") {
        return Err(PkiError::BrokenPem("the block is encrypted".to_owned()));
    }
    let mut rest = text;
    loop {
        let end = rest
            .iter()
            .position(|octet| *octet == b'\n')
            .ok_or_else(|| PkiError::BrokenPem("the block has headers and no empty line behind them".to_owned()))?;
        let (line, next) = rest.split_at(end);
        rest = next.get(1..).unwrap_or_default();
        if line.trim_ascii().is_empty() {
            return Ok(rest);
        }
    }
}

const DASHES: &[u8] = b"-----";

/// Finds all blocks of a text, in order.
///
/// # Errors
/// [`PkiError::BrokenPem`] where borders do not pair: no end, another label at the end, a begin inside a block, an end alone.
pub fn scan(text: &[u8]) -> Result<Vec<Block<'_>>> {
    let broken = |number: usize, why: &str| PkiError::BrokenPem(format!("block {number} {why}"));
    let mut blocks = Vec::new();
    let mut rest = text;
    loop {
        let number = blocks.len() + 1;
        let (border, after) = match next_border(rest) {
            None => return Ok(blocks),
            Some(Border { kind: Kind::End, .. }) => return Err(broken(number, "has an END line without a BEGIN line")),
            Some(Border {
                kind: Kind::Begin,
                label,
                before: _,
                after,
            }) => (label, after),
        };
        let label = border
            .and_then(|label| std::str::from_utf8(label).ok())
            .ok_or_else(|| broken(number, "has a broken BEGIN line"))?;
        match next_border(after) {
            Some(Border {
                kind: Kind::End,
                label: Some(end),
                before,
                after,
            }) => {
                if end != label.as_bytes() {
                    return Err(broken(number, "begins and ends with different labels"));
                }
                blocks.push(Block { label, body: before });
                rest = after;
            }
            Some(Border {
                kind: Kind::End,
                label: None,
                ..
            }) => return Err(broken(number, "has a broken END line")),
            Some(Border { kind: Kind::Begin, .. }) | None => return Err(broken(number, "has no END line")),
        }
    }
}

#[derive(PartialEq)]
enum Kind {
    Begin,
    End,
}

struct Border<'a> {
    kind: Kind,
    /// None where the five dashes behind the label are missing on the line.
    label: Option<&'a [u8]>,
    before: &'a [u8],
    after: &'a [u8],
}

/// The next `-----BEGIN label-----` or `-----END label-----`, wherever on a line it stands.
fn next_border(text: &[u8]) -> Option<Border<'_>> {
    let mut from = 0;
    loop {
        let dashes = from + memchr::memchr(b'-', text.get(from..)?)?;
        let run = text.get(dashes..)?;
        let behind = dashes + run.iter().position(|octet| *octet != b'-')?;
        from = behind;
        let Some(at) = behind.checked_sub(DASHES.len()).filter(|at| *at >= dashes) else {
            continue;
        };
        let (before, word) = (text.get(..at)?, text.get(behind..)?);
        let (kind, rest) = if let Some(rest) = word.strip_prefix(b"BEGIN ") {
            (Kind::Begin, rest)
        } else if let Some(rest) = word.strip_prefix(b"END ") {
            (Kind::End, rest)
        } else {
            continue;
        };
        let line_end = rest
            .iter()
            .take(80)
            .position(|octet| matches!(octet, b'\n' | b'\r'))
            .unwrap_or(rest.len().min(80));
        let line = rest.get(..line_end)?;
        let close = line.windows(DASHES.len()).position(|window| window == DASHES);
        let label = close.and_then(|close| line.get(..close));
        let after = rest.get(close.map_or(line_end, |close| close + DASHES.len())..)?;
        return Some(Border {
            kind,
            label,
            before,
            after,
        });
    }
}

fn names_private_key(label: &[u8]) -> bool {
    label
        .windows(11)
        .any(|window| window.eq_ignore_ascii_case(b"PRIVATE KEY"))
}

/// Whether a text has a line that begins a private key, however broken the rest is.
pub fn holds_private_key(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(border) = next_border(rest) {
        let line = rest.get(border.before.len()..).unwrap_or_default();
        let line = line.get(..line.len().min(80)).unwrap_or_default();
        let line = line
            .split(|octet| matches!(octet, b'\n' | b'\r'))
            .next()
            .unwrap_or_default();
        if border.kind == Kind::Begin && names_private_key(line) {
            return true;
        }
        rest = border.after;
    }
    false
}

/// The bytes of the only block of a text, which must have one of these labels.
pub(crate) fn one(text: &str, labels: &[&str], wanted: &str) -> Result<Vec<u8>> {
    match scan(text.as_bytes())?.as_slice() {
        [block] if labels.contains(&block.label) => block.decode(),
        [block] => Err(PkiError::BrokenPem(format!(
            "{wanted} was wanted and the block is {}",
            block.label
        ))),
        blocks => Err(PkiError::BrokenPem(format!(
            "{wanted} was wanted and there are {} blocks",
            blocks.len()
        ))),
    }
}

/// Writes a block, lines of 64 characters, ending with a line feed.
pub fn encode(label: &str, der: &[u8]) -> String {
    pem::encode_config(
        &Pem::new(label, der),
        EncodeConfig::new().set_line_ending(LineEnding::LF),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<Vec<(String, Vec<u8>)>> {
        scan(text.as_bytes())?
            .iter()
            .map(|block| Ok((block.label.to_owned(), block.decode()?)))
            .collect()
    }

    #[test]
    fn blocks_are_found_in_any_layout() {
        for text in [
            "-----BEGIN A-----\nAQID\n-----END A-----\n",
            "\u{feff}-----BEGIN A-----\r\nAQ\r\n  ID \t\r\n\r\n-----END A-----",
            "text - with -- dashes\n-----BEGIN A-----\rAQID\r-----END A-----\rmore text",
            "  \"-----BEGIN A-----AQID-----END A-----\"",
            "-----BEGIN A-----\nX-Note: one\nother: two\n\nAQID\n-----END A-----\n",
        ] {
            assert_eq!(decoded(text).unwrap(), [("A".to_owned(), vec![1, 2, 3])], "{text:?}");
        }
        assert_eq!(decoded("no block at all").unwrap(), []);
    }

    #[test]
    fn borders_that_do_not_pair_are_refused() {
        for (text, why) in [
            ("-----BEGIN A-----\nAQID\n", "block 1 has no END line"),
            (
                "-----BEGIN A-----\nAQID\n-----END B-----\n",
                "block 1 begins and ends with different labels",
            ),
            (
                "AQID\n-----END A-----\n",
                "block 1 has an END line without a BEGIN line",
            ),
            (
                "-----BEGIN A-----\nAQ==\n-----END A-----\n-----BEGIN A---\nAQ==\n-----END A-----",
                "block 2 has a broken BEGIN line",
            ),
            (
                "-----BEGIN A-----\nAQ==\n-----BEGIN A-----\nAQ==\n-----END A-----",
                "block 1 has no END line",
            ),
            (
                "-----BEGIN A-----\nAQ==\n-----END A--\n",
                "block 1 has a broken END line",
            ),
            (
                "-----BEGIN A-----\nA?==\n-----END A-----\n",
                "the block A is not clean base64",
            ),
            (
                "-----BEGIN A-----\nAQID====\n-----END A-----\n",
                "the block A is not clean base64",
            ),
            (
                "-----BEGIN A-----\nAQ==\nAQ==\n-----END A-----\n",
                "the block A is not clean base64",
            ),
            ("-----BEGIN A-----\n\n-----END A-----\n", "the block A is empty"),
            (
                "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQ==\n-----END A-----\n",
                "the block is encrypted",
            ),
        ] {
            assert_eq!(
                decoded(text).unwrap_err().to_string(),
                format!("not the expected PEM text: {why}"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn private_keys_are_seen_however_broken_the_rest_is() {
        for text in [
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN A-----\n-----BEGIN RSA PRIVATE KEY-----\n",
            "x -----begin nothing\n-----BEGIN EC private key",
            "-----END A-----\n-----BEGIN ENCRYPTED PRIVATE KEY-----",
        ] {
            assert!(holds_private_key(text.as_bytes()), "{text}");
        }
        for text in [
            "a private key",
            "-----BEGIN PUBLIC KEY-----",
            "-----END PRIVATE KEY-----",
        ] {
            assert!(!holds_private_key(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn blocks_are_written_and_read_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = encode("CERTIFICATE", &bytes);
        assert!(text.lines().all(|line| line.len() <= 64) && text.ends_with("-----END CERTIFICATE-----\n"));
        assert_eq!(decoded(&text).unwrap(), [("CERTIFICATE".to_owned(), bytes)]);
    }
}
