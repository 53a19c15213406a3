//! The upload policy, case by case.

use std::sync::LazyLock;

use certyard_pki::upload::{Limits, Upload, read};
use certyard_pki::{Certificate, pem_text, pkcs7};

use crate::made::HOUSE;
use crate::openssl;

fn taken(bytes: &[u8]) -> Upload {
    read(bytes, &Limits::default(), true).unwrap_or_else(|refusal| panic!("{}: {refusal}", refusal.code))
}

fn refused(bytes: &[u8]) -> (&'static str, String) {
    let refusal = read(bytes, &Limits::default(), true).unwrap_err();
    (refusal.code, refusal.message)
}

fn chain() -> [Certificate; 3] {
    static CHAIN: LazyLock<[Certificate; 3]> = LazyLock::new(|| {
        [
            HOUSE.answer(),
            HOUSE.issuing.certificate.clone(),
            HOUSE.root.certificate.clone(),
        ]
    });
    CHAIN.clone()
}

fn pem() -> String {
    chain().iter().map(Certificate::to_pem).collect()
}

#[test]
fn every_envelope_gives_the_same_certificates_with_their_own_bytes() {
    let chain = chain();
    assert_eq!(taken(&chain[0].der).certificates, chain[..1]);
    let text: String = chain.iter().map(Certificate::to_pem).collect();
    assert_eq!(taken(text.as_bytes()).certificates, chain);
    let mut sorted = chain.to_vec();
    sorted.sort_by(|a, b| a.der.cmp(&b.der));
    let bundle = pkcs7::encode(&chain);
    assert_eq!(taken(&bundle).certificates, sorted);
    for label in ["PKCS7", "CMS", "PKCS #7 SIGNED DATA"] {
        assert_eq!(taken(pem_text::encode(label, &bundle).as_bytes()).certificates, sorted);
    }
    // Indefinite lengths, as OpenSSL streams them.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let leaf = file("leaf.pem", &chain[0].to_pem());
    let more = file("more.pem", &(chain[1].to_pem() + &chain[2].to_pem()));
    let key = file("key.pem", &HOUSE.key.to_pkcs8_pem());
    let data = file("data", "some data");
    let arguments = [
        "cms",
        "-sign",
        "-stream",
        "-nodetach",
        "-binary",
        "-outform",
        "DER",
        "-signer",
        &leaf,
        "-inkey",
        &key,
        "-certfile",
        &more,
        "-in",
        &data,
    ];
    let ber = openssl::run(&arguments, b"");
    assert!(ber.ok && ber.stdout.starts_with(&[0x30, 0x80]), "{}", ber.stderr);
    let mut found = taken(&ber.stdout).certificates;
    found.sort_by(|a, b| a.der.cmp(&b.der));
    assert_eq!(found, sorted);
}

#[test]
fn untidy_text_is_taken_and_duplicates_count_once() {
    let chain = chain();
    let pem = pem();
    for text in [
        format!("\u{feff}{pem}"),
        pem.replace('\n', "\r\n"),
        format!("subject=CN = a\nsome - text\n{pem}\nmore -- text -----\n"),
        format!("{pem}{pem}{}", chain[0].to_pem()),
        pem.replace("-----BEGIN CERTIFICATE-----", "  -----BEGIN CERTIFICATE-----  "),
        pem.replace("CERTIFICATE", "X509 CERTIFICATE"),
    ] {
        assert_eq!(taken(text.as_bytes()).certificates, chain);
    }
}

#[test]
fn secrets_are_refused_whole_and_named() {
    let chain = chain();
    let key = HOUSE.key.to_pkcs8_pem();
    let leaf = chain[0].to_pem();
    for text in [
        key.to_string(),
        format!("{leaf}{}", key.as_str()),
        format!("{}{leaf}", key.as_str()),
        format!("{leaf}-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"),
        format!("{leaf}-----BEGIN RSA PRIVATE KEY-----"),
        pem_text::encode("CERTIFICATE", HOUSE.key.to_pkcs8_der()),
    ] {
        let (code, message) = refused(text.as_bytes());
        assert_eq!(code, "private_key");
        assert!(message.contains("generate a CSR"), "{message}");
    }
    assert_eq!(refused(HOUSE.key.to_pkcs8_der()).0, "private_key");
    for arguments in [
        &["pkey", "-outform", "DER", "-traditional"][..],
        &["pkcs8", "-topk8", "-outform", "DER", "-passout", "pass:a"],
        &[
            "pkcs8",
            "-topk8",
            "-outform",
            "DER",
            "-passout",
            "pass:a",
            "-v1",
            "PBE-SHA1-3DES",
        ],
    ] {
        let run = openssl::run(arguments, key.as_bytes());
        assert!(run.ok, "{}", run.stderr);
        assert_eq!(refused(&run.stdout).0, "private_key", "{arguments:?}");
    }
    let rsa = openssl::must(&["genrsa", "-traditional", "1024"], b"");
    let der = openssl::run(&["rsa", "-outform", "DER", "-traditional"], rsa.as_bytes());
    assert_eq!(refused(&der.stdout).0, "private_key");
    let both = leaf + &key;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.pem");
    std::fs::write(&path, both).unwrap();
    let store = openssl::run(
        &["pkcs12", "-export", "-passout", "pass:a", "-in", path.to_str().unwrap()],
        b"",
    );
    assert!(store.ok, "{}", store.stderr);
    assert_eq!(refused(&store.stdout).0, "pkcs12");
    assert_eq!(refused(&store.stdout[..store.stdout.len() - 5]).0, "pkcs12");
}

#[test]
fn broken_files_are_refused_with_the_place() {
    let chain = chain();
    let leaf = &chain[0];
    let bad = pem_text::encode("CERTIFICATE", &leaf.der[..leaf.der.len() - 1]);
    let trailing = [&leaf.der[..], b"\n"].concat();
    let truncated = leaf.to_pem().replace("-----END CERTIFICATE-----", "");
    let mut broken_member = pkcs7::encode(&chain);
    let at = broken_member
        .windows(4)
        .position(|window| window == &chain[1].der[..4])
        .unwrap();
    broken_member[at + 5] = 0x05;
    for (bytes, code, words) in [
        (trailing.clone(), "trailing_bytes", "bytes behind the end"),
        (
            [&leaf.der[..], &chain[1].der].concat(),
            "trailing_bytes",
            "bytes behind the end",
        ),
        (
            pem_text::encode("CERTIFICATE", &trailing).into_bytes(),
            "trailing_bytes",
            "bytes behind the end",
        ),
        ((pem() + &bad).into_bytes(), "broken_der", "(block 4 of 4)"),
        (
            (pem() + &truncated).into_bytes(),
            "broken_pem",
            "block 4 has no END line",
        ),
        (
            pem_text::encode("X509 CRL", &leaf.der).into_bytes(),
            "unexpected_block",
            "a block `X509 CRL`",
        ),
        (
            pem_text::encode("certificate", &leaf.der).into_bytes(),
            "unexpected_block",
            "a block `certificate`",
        ),
        (
            pem_text::encode("CERTIFICATE", &HOUSE.csr.der).into_bytes(),
            "broken_der",
            "labelled as a certificate",
        ),
        (
            pem_text::encode("CERTIFICATE REQUEST", &leaf.der).into_bytes(),
            "broken_der",
            "not a readable certificate signing request",
        ),
        (
            pem_text::encode("PKCS7", &leaf.der).into_bytes(),
            "broken_pkcs7",
            "not a readable PKCS#7 bundle",
        ),
        (broken_member, "broken_der", "of 3 in the bundle)"),
        (leaf.der[..100].to_vec(), "broken_der", "not a readable certificate"),
        (pkcs7::encode(&[]), "no_certificate", "there is no certificate"),
        (vec![], "no_certificate", "there is no certificate"),
        (b"hello".to_vec(), "no_certificate", "there is no certificate"),
        (
            b"\x89PNG\r\n\x1a\n".to_vec(),
            "no_certificate",
            "there is no certificate",
        ),
        (
            pem().encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "no_certificate",
            "there is no certificate",
        ),
        (
            [0xff, 0xfe]
                .into_iter()
                .chain(pem().encode_utf16().flat_map(u16::to_le_bytes))
                .collect(),
            "broken_pem",
            "UTF-16",
        ),
    ] {
        let (found, message) = refused(&bytes);
        assert!(
            found == code && message.contains(words),
            "{code} {words}: {found} {message}"
        );
    }
}

#[test]
fn limits_are_kept() {
    let pem = pem();
    let limits = |max_bytes, max_certificates| Limits {
        max_bytes,
        max_certificates,
    };
    assert!(read(pem.as_bytes(), &limits(pem.len(), 3), true).is_ok());
    assert_eq!(
        read(pem.as_bytes(), &limits(pem.len() - 1, 3), true).unwrap_err().code,
        "too_large"
    );
    assert_eq!(
        read(pem.as_bytes(), &limits(pem.len(), 2), true).unwrap_err().code,
        "too_many"
    );
    assert_eq!(
        read(&pkcs7::encode(&chain()), &limits(100_000, 2), true)
            .unwrap_err()
            .code,
        "too_many"
    );
    let started = std::time::Instant::now();
    let flood = "-----BEGIN A-----\n-----END A-----\n".repeat(300_000);
    assert_eq!(refused(flood.as_bytes()).0, "too_many");
    for bomb in [
        [0x30, 0x80].repeat(5_000_000),
        b"-".repeat(10_000_000),
        [0x30, 0x84, 0, 0x90, 0, 0].repeat(1_000_000),
    ] {
        assert!(read(&bomb, &Limits::default(), true).is_err());
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn requests_are_taken_where_allowed_and_only_with_a_good_signature() {
    let upload = taken(HOUSE.csr.to_pem().as_bytes());
    assert_eq!((upload.csrs, upload.certificates), (vec![HOUSE.csr.clone()], vec![]));
    assert_eq!(taken(&HOUSE.csr.der).csrs.len(), 1);
    let old = HOUSE
        .csr
        .to_pem()
        .replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert_eq!(taken((old + &pem()).as_bytes()).certificates.len(), 3);
    let refusal = read(&HOUSE.csr.der, &Limits::default(), false).unwrap_err();
    assert_eq!(refusal.code, "csr_not_allowed");
    let mut der = HOUSE.csr.der.clone();
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&der).0, "bad_csr_signature");
}
