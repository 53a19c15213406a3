//! CSV by RFC 4180: UTF-8, a line of names first, lines that end in CR LF.
//!
//! Spreadsheets calculate cells that begin like a formula, and what nodes report is not ours: such a cell gets an apostrophe
//! in front, which spreadsheets take for "this is text".

mod columns;

pub(crate) use columns::header_of;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// A column: its name, and its cell of a row.
pub(crate) type Column<R> = (&'static str, fn(&R) -> String);

/// A row of a list as cells, in the same columns whatever was asked for.
pub(crate) trait Columns: Sized + 'static {
    /// The columns in their order.
    const COLUMNS: &'static [Column<Self>];
}

/// The line of names.
pub(crate) fn header<R: Columns>() -> String {
    let names: Vec<&str> = R::COLUMNS.iter().map(|(name, _)| *name).collect();
    names.join(",") + "\r\n"
}

/// The lines of rows.
pub(crate) fn lines<R: Columns>(rows: &[R]) -> Vec<u8> {
    let mut text = String::new();
    for row in rows {
        for (position, (_, cell)) in R::COLUMNS.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            write(&mut text, &cell(row));
        }
        text.push_str("\r\n");
    }
    text.into_bytes()
}

fn write(text: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = cell.contains([',', '"', '\r', '\n']);
    if quoted {
        text.push('"');
    }
    if formula {
        text.push('\'');
    }
    if quoted {
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}

/// A time as in JSON.
fn time(time: impl Into<Option<DateTime<Utc>>>) -> String {
    time.into()
        .map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        .unwrap_or_default()
}

/// A value that JSON shows as one word, as that word.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    }
}

/// Something that may be missing.
fn maybe(value: &Option<impl ToString>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// Several texts in one cell.
fn several<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut cell = String::new();
    for text in texts {
        if !cell.is_empty() {
            cell.push_str("; ");
        }
        cell.push_str(text.as_ref());
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, i64);

    impl Columns for Row {
        const COLUMNS: &'static [Column<Self>] = &[("text", |row| row.0.into()), ("number", |row| row.1.to_string())];
    }

    #[test]
    fn cells_are_quoted_by_rfc_4180_and_never_calculated() {
        assert_eq!(header::<Row>(), "text,number\r\n");
        for (cell, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("åäö", "åäö"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("a=b", "a=b"),
            (" =1", " =1"),
        ] {
            let line = String::from_utf8(lines(&[Row(cell, 1)])).expect("UTF-8");
            assert_eq!(line, format!("{written},1\r\n"), "{cell:?}");
        }
        // A number below zero is no exception: the rule asks for no meaning.
        assert_eq!(lines(&[Row("x", -1)]), b"x,'-1\r\n");
    }
}
