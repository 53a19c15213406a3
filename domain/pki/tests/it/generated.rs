//! Everything that is made here is checked by OpenSSL: each key type with each hash, requests, self-signed and issued certificates,
//! chains, keys, bundles.

use certyard_pki::{
    Certificate, Csr, CsrRequest, Hash, KeySpec, PrivateKey, Profile, San, SanKind, SignatureCheck, Subject, issue,
    issue_from_csr, make_csr, pkcs7, self_signed,
};

use crate::made::{Authority, HOUSE, days, subject};
use crate::openssl;

#[test]
fn every_key_signs_with_every_hash() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::root("Root of all", KeySpec::P256, Hash::Sha256);
    for spec in KeySpec::ALL {
        let key = PrivateKey::generate(spec).unwrap();
        openssl::must(&["pkey", "-check", "-noout"], key.to_pkcs8_pem().as_bytes());
        for hash in Hash::ALL {
            let name = format!("{spec:?} {hash:?}");
            let request = CsrRequest {
                hash,
                sans: vec![San::dns("a.example.org")],
                subject: subject(&name),
                ..CsrRequest::default()
            };
            let csr = make_csr(&key, &request).unwrap();
            let run = openssl::run(&["req", "-verify", "-noout", "-text"], csr.to_pem().as_bytes());
            assert!(run.ok && run.stderr.contains("verify OK"), "{name}: {}", run.stderr);
            assert!(
                csr.warnings.is_empty() && csr.key.bits == Some(spec.bits()) && csr.key.key_type == spec.key_type()
            );
            assert_eq!(Csr::from_pem(&csr.to_pem()).unwrap(), csr);

            let profile = Profile {
                hash,
                ..Profile::authority(subject(&name), Some(0), days(-1), days(100))
            };
            let own = self_signed(&key, &profile).unwrap();
            assert!(
                own.is_self_signed() && own.is_ca() && own.warnings.is_empty(),
                "{name}: {:?}",
                own.warnings
            );
            assert_eq!(own.verify_signature_by(&own), SignatureCheck::Valid, "{name}");
            openssl::verify(folder.path(), &own.to_pem(), "", &own.to_pem());

            // The key as an authority's: it signs a leaf below itself and below a root.
            let below = issue(&root.certificate, &root.key, key.spki_der(), &profile).unwrap();
            let leaf = issue_from_csr(&below, &key, &HOUSE.csr, days(-1), days(50), hash).unwrap();
            assert_eq!(leaf.verify_signature_by(&below), SignatureCheck::Valid, "{name}");
            assert_ne!(
                leaf.verify_signature_by(&root.certificate),
                SignatureCheck::Valid,
                "{name}"
            );
            openssl::verify(
                folder.path(),
                &leaf.to_pem(),
                &below.to_pem(),
                &root.certificate.to_pem(),
            );
        }
    }
}

#[test]
fn a_request_says_what_was_asked_for() {
    let request = CsrRequest {
        sans: vec![
            San::dns("*.example.org"),
            San::ip([192, 0, 2, 1].into()),
            San::ip("2001:db8::7".parse().unwrap()),
            San {
                kind: SanKind::Email,
                value: "admin@example.org".to_owned(),
            },
            San::uri("urn:certyard:org:agent"),
        ],
        key_usage: vec!["digitalSignature".to_owned(), "keyAgreement".to_owned()],
        extended_key_usage: vec!["serverAuth".to_owned(), "1.3.6.1.5.5.7.3.17".to_owned()],
        subject: Subject(vec![
            ("O".to_owned(), "Grüße, \"AG\"".to_owned()),
            ("CN".to_owned(), "a".to_owned()),
        ]),
        hash: Hash::Sha384,
    };
    let csr = make_csr(&HOUSE.key, &request).unwrap();
    assert_eq!(
        (csr.sans, csr.subject.as_str()),
        (request.sans, "CN=a,O=Grüße\\, \\\"AG\\\"")
    );
    assert_eq!(csr.key_usage.unwrap(), ["digitalSignature", "keyAgreement"]);
    assert_eq!(csr.extended_key_usage.unwrap(), request.extended_key_usage);
    assert_eq!(csr.signature_algorithm, "ecdsa-with-SHA384");
    let bare = make_csr(&HOUSE.key, &CsrRequest::default()).unwrap();
    assert_eq!(
        (bare.subject.as_str(), bare.sans.len(), bare.warnings.len()),
        ("", 0, 0)
    );
    assert!(
        openssl::run(&["req", "-verify", "-noout"], &bare.to_pem().into_bytes())
            .stderr
            .contains("verify OK")
    );
}

#[test]
fn an_answer_takes_only_what_is_on_the_list() {
    let request = CsrRequest {
        key_usage: ["digitalSignature", "keyCertSign", "cRLSign"]
            .map(str::to_owned)
            .to_vec(),
        ..HOUSE.request.clone()
    };
    let csr = make_csr(&HOUSE.key, &request).unwrap();
    let issuing = &HOUSE.issuing;
    let leaf = issue_from_csr(
        &issuing.certificate,
        &issuing.key,
        &csr,
        days(-1),
        days(90),
        Hash::Sha256,
    )
    .unwrap();
    assert_eq!(leaf.key_usage.as_deref(), Some(&["digitalSignature"][..]));
    assert_eq!(
        (leaf.sans.clone(), leaf.subject.clone(), leaf.spki_der.clone()),
        (csr.sans, csr.subject, csr.spki_der)
    );
    assert!(!leaf.is_ca() && leaf.version == 3 && leaf.basic_constraints.is_some());
    assert_eq!((leaf.not_before, leaf.not_after), (days(-1), days(90)));
    assert_eq!(
        (leaf.aki.as_ref(), leaf.issuer_der.as_slice()),
        (issuing.certificate.ski.as_ref(), &issuing.certificate.subject_der[..])
    );
    assert!(leaf.ski.is_some() && leaf.serial_hex.len() == 32 && !leaf.serial_hex.starts_with('-'));
}

#[test]
fn a_certificate_says_what_its_profile_says() {
    let profile = Profile {
        key_usage: vec!["keyCertSign", "cRLSign"],
        extended_key_usage: vec!["ipsecEndSystem".to_owned()],
        sans: vec![San::dns("ca.example.org")],
        not_after: "2051-01-01T00:00:00Z".parse().unwrap(),
        ..Profile::authority(
            Subject::common_name("To 2051"),
            Some(3),
            "1999-12-31T23:59:59Z".parse().unwrap(),
            days(1),
        )
    };
    let made = self_signed(&HOUSE.key, &profile).unwrap();
    assert_eq!(
        (made.not_before, made.not_after),
        (profile.not_before, profile.not_after)
    );
    assert_eq!(made.basic_constraints.unwrap().path_len, Some(3));
    assert_eq!(made.extended_key_usage.as_ref().unwrap(), &profile.extended_key_usage);
    let text = openssl::must(
        &["x509", "-noout", "-text", "-fingerprint", "-sha1"],
        made.to_pem().as_bytes(),
    );
    for words in [
        "Not Before: Dec 31 23:59:59 1999 GMT",
        "Not After : Jan  1 00:00:00 2051 GMT",
        "CA:TRUE, pathlen:3",
        "X509v3 Basic Constraints: critical",
        "X509v3 Key Usage: critical",
        "Certificate Sign, CRL Sign",
        "IPSec End System",
        "DNS:ca.example.org",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let sha1 = text
        .lines()
        .find_map(|line| line.strip_prefix("sha1 Fingerprint="))
        .unwrap()
        .replace(':', "");
    assert_eq!(hex::encode_upper(made.sha1), sha1);
    let nameless = Profile {
        subject: Subject::default(),
        ..profile
    };
    let text = openssl::must(
        &["x509", "-noout", "-text"],
        self_signed(&HOUSE.key, &nameless).unwrap().to_pem().as_bytes(),
    );
    assert!(text.contains("X509v3 Subject Alternative Name: critical"));
}

#[test]
fn what_cannot_be_made_is_refused_in_words() {
    let root = &HOUSE.root;
    let good = Profile::end_entity(subject("a"), vec![San::dns("a")], days(0), days(1));
    let wrong_san = Profile {
        sans: vec![San {
            kind: SanKind::Ip,
            value: "300.1.1.1".to_owned(),
        }],
        ..good.clone()
    };
    let wide = Profile {
        sans: vec![San::dns("ä.example.org")],
        ..good.clone()
    };
    let backwards = Profile {
        not_after: days(-1),
        ..good.clone()
    };
    let usage = Profile {
        key_usage: vec!["everything"],
        ..good.clone()
    };
    let old = Profile {
        not_before: "1969-01-01T00:00:00Z".parse().unwrap(),
        ..good.clone()
    };
    for (profile, words) in [
        (wrong_san, "`300.1.1.1` is not usable as a name of kind ip"),
        (wide, "`ä.example.org` is not usable as a name of kind dns"),
        (backwards, "the certificate would end before it begins"),
        (usage, "the key usage `everything` is not known"),
        (old, "the time 1969-01-01 00:00:00 UTC does not fit into a certificate"),
    ] {
        let refused = issue(&root.certificate, &root.key, HOUSE.key.spki_der(), &profile).unwrap_err();
        assert_eq!(refused.to_string(), format!("cannot be made: {words}"));
    }
    let refused = issue(&root.certificate, &HOUSE.key, HOUSE.key.spki_der(), &good).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot be made: the key is not the key of the issuing certificate"
    );
}

#[test]
fn bundles_are_read_by_openssl_and_back() {
    let members = [
        HOUSE.answer(),
        HOUSE.issuing.certificate.clone(),
        HOUSE.root.certificate.clone(),
    ];
    let bundle = pkcs7::encode(&members);
    let printed = openssl::must(&["pkcs7", "-inform", "DER", "-print_certs"], &bundle);
    assert_eq!(printed.matches("-----BEGIN CERTIFICATE-----").count(), 3);
    let mut back: Vec<Vec<u8>> = pkcs7::certificates(&bundle).unwrap();
    let mut sent: Vec<Vec<u8>> = members.iter().map(|certificate| certificate.der.clone()).collect();
    back.sort();
    sent.sort();
    assert_eq!(back, sent);
    assert!(pkcs7::certificates(&pkcs7::encode(&[])).unwrap().is_empty());
}

#[test]
fn openssl_keys_and_requests_are_read() {
    for arguments in [
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..],
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
        &["genrsa", "-traditional", "2048"],
        &["ecparam", "-name", "secp384r1", "-genkey"],
    ] {
        let text = openssl::must(arguments, b"");
        let key = PrivateKey::from_pem(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        let public = openssl::must(&["pkey", "-pubout"], key.to_pkcs8_pem().as_bytes());
        assert_eq!(public, openssl::must(&["pkey", "-pubout"], text.as_bytes()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let request = openssl::must(
            &[
                "req",
                "-new",
                "-key",
                path,
                "-subj",
                "/CN=a",
                "-addext",
                "subjectAltName=DNS:a,IP:::1",
            ],
            b"",
        );
        let csr = Csr::from_pem(&request).unwrap();
        assert_eq!((csr.spki_der.as_slice(), csr.sans.len()), (key.spki_der(), 2));
        let own = openssl::must(&["req", "-x509", "-key", path, "-subj", "/CN=a", "-days", "2"], b"");
        assert!(Certificate::from_pem(&own).unwrap().is_self_signed());
    }
}

#[test]
fn what_cannot_be_checked_is_unknown_and_what_is_wrong_invalid() {
    let folder = tempfile::tempdir().unwrap();
    let make = |bits: &str, hash: &str| {
        let path = folder.path().join("key.pem");
        std::fs::write(&path, openssl::must(&["genrsa", bits], b"")).unwrap();
        let arguments = [
            "req",
            "-x509",
            "-key",
            path.to_str().unwrap(),
            "-subj",
            "/CN=weak",
            "-days",
            "2",
            hash,
        ];
        Certificate::from_pem(&openssl::must(&arguments, b"")).unwrap()
    };
    for weak in [make("1024", "-sha256"), make("2048", "-sha1")] {
        assert_eq!(weak.verify_signature_by(&weak), SignatureCheck::Unknown);
        assert!(weak.is_self_signed());
    }
    let leaf = HOUSE.answer();
    let mut der = leaf.der.clone();
    *der.last_mut().unwrap() ^= 1;
    let damaged = Certificate::from_der(&der).unwrap();
    assert_eq!(
        damaged.verify_signature_by(&HOUSE.issuing.certificate),
        SignatureCheck::Invalid
    );
    let mut der = HOUSE.csr.der.clone();
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(
        Csr::from_der(&der).unwrap_err(),
        certyard_pki::PkiError::BadCsrSignature
    );
}
