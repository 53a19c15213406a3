//! Addresses of recipients (RFC 5321 section 4.1.2), in the one form in which they are stored and compared.

use crate::fields::Fields;

/// An address that mail can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The part before the `@`, as it was typed.
    pub local: String,
    /// The domain, in lower case and in the form of the DNS (`xn--…`).
    pub domain: String,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl Address {
    /// What two spellings of one mailbox have in common: hardly any server tells letters of another case apart, and nobody wants
    /// the same mail twice.
    pub fn key(&self) -> String {
        self.to_string().to_lowercase()
    }
}

/// Octets of the part before the `@` (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Octets of an address, from the limit of a path with its angle brackets (RFC 5321 section 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

/// Reads an address: a dot-atom in ASCII before the `@`, a host name behind it, which may be international.
///
/// # Errors
/// One sentence that says what is wrong.
pub fn parse_address(text: &str) -> Result<Address, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("has a control character or a line end");
    }
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err("is an address like ops@example.org");
    };
    let atext = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(letter);
    if local.is_empty() || local.len() > MAX_LOCAL {
        return Err("has 1 to 64 characters before the @");
    }
    if !local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext)) {
        return Err("has only ASCII letters, digits, single dots and !#$%&'*+/=?^_`{|}~- before the @");
    }
    let Ok(domain) = idna::domain_to_ascii_strict(domain.trim_end_matches('.')) else {
        return Err("has a host name behind the @, like example.org");
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    };
    if domain.is_empty() || !domain.split('.').all(label) {
        return Err("has a host name behind the @, like example.org");
    }
    if domain
        .rsplit('.')
        .next()
        .is_some_and(|last| last.chars().all(|letter| letter.is_ascii_digit()))
    {
        return Err("has a host name behind the @, not an IP address");
    }
    if local.len() + 1 + domain.len() > MAX_ADDRESS {
        return Err("has at most 254 characters");
    }
    Ok(Address {
        local: local.into(),
        domain,
    })
}

/// Most recipients of a rule (R40).
pub(super) const MAX_RECIPIENTS: usize = 25;

/// Reads the recipients of a rule; names each that is wrong by its place.
pub(super) fn check_recipients(field: &str, typed: &[String], errors: &mut Fields) -> Vec<Address> {
    if typed.len() > MAX_RECIPIENTS {
        errors.refuse(
            field,
            "too_many",
            format!("has {} addresses: at most {MAX_RECIPIENTS}", typed.len()),
        );
    }
    let mut found: Vec<Address> = Vec::new();
    // More than the first few of a huge list need not be named.
    for (index, text) in typed.iter().enumerate().take(4 * MAX_RECIPIENTS) {
        let path = format!("{field}[{index}]");
        match parse_address(text) {
            Err(why) => errors.refuse(&path, "bad_address", why),
            Ok(address) => match found.iter().position(|known| known.key() == address.key()) {
                Some(first) => errors.refuse(&path, "duplicate", format!("is the same mailbox as `{field}[{first}]`")),
                None => found.push(address),
            },
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_one_form_or_refused() {
        let good = [
            ("ops@example.org", "ops@example.org"),
            (" Ops@Example.ORG ", "Ops@example.org"),
            ("o'brien+alerts@sub.example.org.", "o'brien+alerts@sub.example.org"),
            ("ops@bücher.example", "ops@xn--bcher-kva.example"),
            ("ops@BÜCHER.example", "ops@xn--bcher-kva.example"),
            ("root@localhost", "root@localhost"),
        ];
        for (typed, stored) in good {
            assert_eq!(
                parse_address(typed).map(|address| address.to_string()).as_deref(),
                Ok(stored)
            );
        }
        let long_local = format!("{}@example.org", "a".repeat(65));
        let long = format!("a@{}.org", vec!["b".repeat(60); 5].join("."));
        for typed in [
            "",
            "ops",
            "@example.org",
            "ops@",
            "ops@@example.org",
            "a b@example.org",
            "ops@exa mple.org",
            "ops@example..org",
            "ops@-example.org",
            "ops@192.0.2.1",
            "ops@[192.0.2.1]",
            ".ops@example.org",
            "ops.@example.org",
            "o..ps@example.org",
            "\"ops\"@example.org",
            "Ops <ops@example.org>",
            "ops@example.org,eve@example.org",
            "ops@example.org;eve@example.org",
            "ops@example.org\r\nBcc: eve@example.org",
            "ops\n@example.org",
            "ops@example.org\0",
            "grüße@example.org",
            &long_local,
            &long,
        ] {
            assert!(parse_address(typed).is_err(), "{typed:?} is taken");
        }
    }

    #[test]
    fn the_same_mailbox_in_another_spelling_is_one() {
        let typed = ["a@bücher.example", "A@XN--BCHER-KVA.example"].map(String::from);
        let mut errors = Fields::default();
        assert_eq!(check_recipients("recipients", &typed, &mut errors).len(), 1);
        let told = errors.finish().unwrap_err().to_string();
        assert!(told.starts_with("recipients[1]: "), "{told}");
    }
}
