//! Several certificates in one text.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Each certificate of a text in PEM, in order; what stands between them is left out.
pub fn certificates(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let Some((body, after)) = after.split_once(END) else {
            break;
        };
        blocks.push(format!("{BEGIN}{body}{END}\n"));
        rest = after;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_around_and_a_torn_end_are_left_out() {
        let text = format!("# leaf\n{BEGIN}\nAA\n{END}\r\nkey: x\n{BEGIN}\nBB\n{END}{BEGIN}\nCC");
        let blocks = certificates(&text);
        assert_eq!(blocks.len(), 2);
        assert!(blocks[1].contains("BB"));
    }
}
