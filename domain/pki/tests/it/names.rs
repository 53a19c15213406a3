//! Takes a distinguished name in text apart, ours or OpenSSL's, so that two spellings of one name compare equal.

/// (attribute as dotted number, value) of each part, `#hex` values decoded where they hold text; parts of one set are sorted.
pub fn parts(text: &str) -> Vec<Vec<(String, String)>> {
    let mut sets = vec![vec![]];
    for (piece, separator) in split(text) {
        let (kind, value) = piece
            .split_once('=')
            .unwrap_or_else(|| panic!("no `=` in {piece:?} of {text:?}"));
        if let Some(set) = sets.last_mut() {
            set.push((number(kind), plain(value)));
        }
        if separator == ',' {
            sets.push(vec![]);
        }
    }
    for set in &mut sets {
        set.sort();
    }
    sets
}

fn split(text: &str) -> Vec<(String, char)> {
    let mut pieces = vec![];
    let mut piece = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                piece.push('\\');
                piece.extend(characters.next());
            }
            ',' | '+' => pieces.push((std::mem::take(&mut piece), character)),
            other => piece.push(other),
        }
    }
    if !text.is_empty() {
        pieces.push((piece, ' '));
    }
    pieces
}

fn plain(value: &str) -> String {
    if let Some(digits) = value.strip_prefix('#') {
        let bytes = hex::decode(digits).unwrap();
        let long = usize::from(bytes[1].saturating_sub(0x80)) * usize::from(bytes[1] >= 0x80);
        let text = &bytes[2 + long..];
        return match bytes[0] {
            0x0c | 0x13 | 0x16 | 0x12 | 0x1a => String::from_utf8(text.to_vec()).unwrap(),
            _ => value.to_ascii_lowercase(),
        };
    }
    let mut bytes = vec![];
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
        } else if let Some(octet) = tail.get(..2).and_then(|two| hex::decode(two).ok()) {
            bytes.extend(octet);
            rest = &tail[2..];
        } else {
            bytes.push(tail[0]);
            rest = &tail[1..];
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn number(kind: &str) -> String {
    let known = match kind {
        "CN" => "2.5.4.3",
        "SN" => "2.5.4.4",
        "serialNumber" => "2.5.4.5",
        "C" => "2.5.4.6",
        "L" => "2.5.4.7",
        "ST" => "2.5.4.8",
        "street" | "STREET" => "2.5.4.9",
        "O" => "2.5.4.10",
        "OU" => "2.5.4.11",
        "title" => "2.5.4.12",
        "description" => "2.5.4.13",
        "businessCategory" => "2.5.4.15",
        "postalAddress" => "2.5.4.16",
        "postalCode" => "2.5.4.17",
        "postOfficeBox" => "2.5.4.18",
        "telephoneNumber" => "2.5.4.20",
        "name" => "2.5.4.41",
        "GN" => "2.5.4.42",
        "initials" => "2.5.4.43",
        "generationQualifier" => "2.5.4.44",
        "x500UniqueIdentifier" => "2.5.4.45",
        "dnQualifier" => "2.5.4.46",
        "pseudonym" => "2.5.4.65",
        "role" => "2.5.4.72",
        "organizationIdentifier" => "2.5.4.97",
        "UID" => "0.9.2342.19200300.100.1.1",
        "DC" => "0.9.2342.19200300.100.1.25",
        "emailAddress" => "1.2.840.113549.1.9.1",
        "unstructuredName" => "1.2.840.113549.1.9.2",
        "unstructuredAddress" => "1.2.840.113549.1.9.8",
        "jurisdictionL" => "1.3.6.1.4.1.311.60.2.1.1",
        "jurisdictionST" => "1.3.6.1.4.1.311.60.2.1.2",
        "jurisdictionC" => "1.3.6.1.4.1.311.60.2.1.3",
        "OGRN" => "1.2.643.100.1",
        "INN" => "1.2.643.3.131.1.1",
        other => other,
    };
    known.to_owned()
}
