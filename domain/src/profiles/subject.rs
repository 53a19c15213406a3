//! Reads single fields of a subject in RFC 4514 form.

/// The values of one field, by its short name, in the order of the text.
pub(super) fn values(subject: &str, field: &str) -> Vec<String> {
    split(subject)
        .into_iter()
        .filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case(field).then(|| unescape(value))
        })
        .collect()
}

/// Cuts at commas and plus signs that are not escaped.
fn split(subject: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, letter) in subject.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' | '+' => {
                parts.push(&subject[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&subject[start..]);
    parts
}

/// `\,` is a comma, `\C3\A9` are bytes of UTF-8.
fn unescape(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let digit = |index: usize| bytes.get(index).and_then(|byte| char::from(*byte).to_digit(16));
        if let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) {
            // Two hexadecimal digits are below 256.
            out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            at += 3;
        } else {
            out.extend(bytes.get(at + 1));
            at += 2;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_stands_around_them() {
        let subject = r"CN=a.example.org,OU=Voice\, North+OU=West,O=Caf\C3\A9 \+ Co,C=DE";
        assert_eq!(values(subject, "OU"), ["Voice, North", "West"]);
        assert_eq!(values(subject, "O"), ["Café + Co"]);
        assert_eq!(values(subject, "C"), ["DE"]);
        assert!(values(subject, "L").is_empty());
        assert!(values("", "O").is_empty());
        assert_eq!(values("O=x\\", "O"), ["x"]);
    }
}
