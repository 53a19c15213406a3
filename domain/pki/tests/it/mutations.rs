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

fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    let header = match value.len() {
        0..=0x7f => vec![tag, length[3]],
        0x80..=0xff => vec![tag, 0x81, length[3]],
        0x100..=0xffff => vec![tag, 0x82, length[2], length[3]],
        _ => vec![tag, 0x83, length[1], length[2], length[3]],
    };
    [&header[..], value].concat()
}

/// A certificate with this name, key and extensions; the signature is nothing.
fn assembled(name: &[u8], key: &[u8], extensions: &[u8]) -> Vec<u8> {
    let algorithm = element(0x30, &[0x06, 0x03, 0x2b, 0x65, 0x70]);
    let time = element(0x17, b"260101000000Z");
    let name = element(0x30, name);
    let signed = [
        vec![0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01],
        algorithm.clone(),
        name.clone(),
        element(0x30, &time.repeat(2)),
        name,
        element(
            0x30,
            &[algorithm.clone(), element(0x03, &[&[0], key].concat())].concat(),
        ),
        element(0xa3, &element(0x30, extensions)),
    ]
    .concat();
    element(
        0x30,
        &[element(0x30, &signed), algorithm, vec![0x03, 0x02, 0x00, 0x00]].concat(),
    )
}

#[test]
fn huge_fields_are_read_in_bounded_time_and_space() {
    let extension = |id: &[u8], value: &[u8]| element(0x30, &[element(0x06, id), element(0x04, value)].concat());
    let part = |value: u32| {
        element(
            0x30,
            &[
                element(0x06, &[0x55, 0x04, 0x0b]),
                element(0x0c, &value.to_be_bytes().map(|b| b & 0x7f)),
            ]
            .concat(),
        )
    };
    let one_set: Vec<u8> = element(0x31, &(0..30_000).rev().flat_map(part).collect::<Vec<u8>>());
    let sorted_set: Vec<u8> = element(0x31, &(0..30_000).flat_map(part).collect::<Vec<u8>>());
    let many_sets: Vec<u8> = (0..30_000).flat_map(|value| element(0x31, &part(value))).collect();
    let sans = |names: &[u8]| extension(&[0x55, 0x1d, 0x11], &element(0x30, names));
    let identifier = |number: u32| {
        [
            0x2a,
            0x81 | (number >> 14) as u8,
            0x81 | (number >> 7) as u8,
            (number & 0x7f) as u8,
        ]
    };
    let many_extensions: Vec<u8> = (0..60_000)
        .flat_map(|number| extension(&identifier(number), &[]))
        .collect();
    let long = [0x2a]
        .into_iter()
        .chain(std::iter::repeat_n(0xff, 300_000))
        .chain([0x01])
        .collect::<Vec<u8>>();
    for (what, der) in [
        ("an unsorted set", assembled(&one_set, &[1], &[])),
        ("a sorted set", assembled(&sorted_set, &[1], &[])),
        ("many parts", assembled(&many_sets, &[1], &[])),
        ("a long key", assembled(&[], &[0xff; 900_000], &[])),
        (
            "many names",
            assembled(&[], &[1], &sans(&[0x82, 0x01, b'a'].repeat(300_000))),
        ),
        (
            "many unreadable names",
            assembled(&[], &[1], &sans(&[0x89, 0x00].repeat(400_000))),
        ),
        (
            "a long unreadable name",
            assembled(&[], &[1], &sans(&element(0x89, &[0; 900_000]))),
        ),
        ("many extensions", assembled(&[], &[1], &many_extensions)),
        ("a long identifier", assembled(&[], &[1], &extension(&long, &[]))),
        (
            "nested names",
            assembled(&[], &[1], &sans(&[0xa4, 0x83, 0x0d, 0xbb, 0x9c].repeat(180_000))),
        ),
    ] {
        let started = Instant::now();
        let record = Certificate::from_der(&der);
        assert!(started.elapsed() < MOST, "{what}: {:?}", started.elapsed());
        println!(
            "{what}: {:?} {:?}",
            started.elapsed(),
            record.as_ref().map(|record| record.warnings.len())
        );
        if let Ok(record) = record {
            assert!(
                record.warnings.len() <= 51 && record.warnings.iter().all(|warning| warning.len() < 1_000),
                "{what}"
            );
        }
    }
    let refused = Certificate::from_der(&assembled(&[], &[0xff; 1_100_000], &[])).unwrap_err();
    assert!(refused.to_string().contains("larger than any real one"));
}
