//! Damaged input of every kind: never a panic, never slow, and never a certificate whose bytes are not those handed in.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use certyard_pki::upload::{Limits, read};
use certyard_pki::{Certificate, Csr, pem_text, pkcs7};
use proptest::prelude::*;

use crate::made::HOUSE;

/// Debug builds on a loaded machine; a real hang takes minutes.
const MOST: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Append(Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        8 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
        2 => (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        2 => (any::<prop::sample::Index>(), 1..16_usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        1 => (any::<prop::sample::Index>(), 1..64_usize).prop_map(|(at, count)| Damage::Repeat(at, count)),
        1 => prop::collection::vec(any::<u8>(), 1..40).prop_map(Damage::Append),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    match damage {
        Damage::Flip(at, mask) => {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Damage::Insert(at, more) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Remove(at, count) => {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        Damage::Repeat(at, count) => {
            let at = at.index(bytes.len());
            let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
        Damage::Append(more) => bytes.extend(more),
    }
}

/// Files to damage: each envelope, a request, a root of another key type.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let chain = [
        HOUSE.answer(),
        HOUSE.issuing.certificate.clone(),
        HOUSE.root.certificate.clone(),
    ];
    let bundle = pkcs7::encode(&chain);
    let mut indefinite = bundle.clone();
    // SEQUENCE with an indefinite length: header of four bytes replaced, two zeros behind.
    indefinite.splice(0..4, [0x30, 0x80]);
    indefinite.extend([0, 0]);
    vec![
        chain[0].der.clone(),
        chain[2].der.clone(),
        chain.iter().map(Certificate::to_pem).collect::<String>().into_bytes(),
        pem_text::encode("PKCS7", &bundle).into_bytes(),
        bundle,
        indefinite,
        HOUSE.csr.der.clone(),
        HOUSE.csr.to_pem().into_bytes(),
        HOUSE.key.to_pkcs8_der().to_vec(),
    ]
});

#[test]
fn the_seeds_are_what_they_should_be() {
    let verdicts: Vec<bool> = SEEDS
        .iter()
        .map(|seed| read(seed, &Limits::default(), true).is_ok())
        .collect();
    assert_eq!(verdicts, [true, true, true, true, true, true, true, true, false]);
}

fn exercise(bytes: &[u8]) {
    let started = Instant::now();
    if let Ok(upload) = read(bytes, &Limits::default(), true) {
        for certificate in &upload.certificates {
            assert_eq!(Certificate::from_der(&certificate.der).as_ref(), Ok(certificate));
            assert_eq!(&Certificate::from_pem(&certificate.to_pem()).unwrap(), certificate);
            let _ = (certificate.is_self_signed(), certificate.is_ca());
            assert!(!certificate.subject.contains('\n') && !certificate.issuer.contains('\n'));
        }
    }
    let _ = (
        Certificate::from_der(bytes),
        Csr::from_der(bytes),
        pkcs7::certificates(bytes),
        pem_text::scan(bytes).is_ok(),
    );
    assert!(
        started.elapsed() < MOST,
        "{:?} for {} bytes",
        started.elapsed(),
        bytes.len()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic(seed in 0..9_usize, damages in prop::collection::vec(damage(), 1..6)) {
        let mut bytes = SEEDS[seed].clone();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        exercise(&bytes);
    }

    #[test]
    fn damaged_certificates_in_good_pem_never_panic(damages in prop::collection::vec(damage(), 1..4)) {
        let mut der = HOUSE.root.certificate.der.clone();
        for damage in &damages {
            apply(&mut der, damage);
        }
        exercise(pem_text::encode("CERTIFICATE", &der).as_bytes());
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), start in 0..4_usize) {
        let start: &[u8] = [&[][..], &[0x30, 0x82, 0x01, 0x00], b"-----BEGIN CERTIFICATE-----", &[0x30, 0x80, 0x06, 0x09]][start];
        exercise(&[start, &bytes].concat());
    }
}
