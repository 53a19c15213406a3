//! A CA's answer against its request: each thing that can differ is named, alone and together.

use certyard_pki::answer::{Difference, check, pick_leaf};
use certyard_pki::{Certificate, CsrRequest, Hash, KeySpec, PrivateKey, San, issue_from_csr, make_csr};

use crate::made::{Authority, HOUSE, days, now, subject};

fn differences(leaf: &Certificate, upload: &[Certificate], known: &[Certificate]) -> Vec<Difference> {
    check(&HOUSE.csr, leaf, upload, known, now()).unwrap_err()
}

/// What the issuing authority answers to another request.
fn answer_to(request: &CsrRequest) -> Certificate {
    let csr = make_csr(&HOUSE.key, request).unwrap();
    issue_from_csr(
        &HOUSE.issuing.certificate,
        &HOUSE.issuing.key,
        &csr,
        days(-1),
        days(90),
        Hash::Sha256,
    )
    .unwrap()
}

fn pool() -> [Certificate; 2] {
    [HOUSE.issuing.certificate.clone(), HOUSE.root.certificate.clone()]
}

#[test]
fn a_good_answer_comes_with_its_chain_from_the_file_or_the_inventory() {
    let leaf = HOUSE.answer();
    let [issuing, root] = pool();
    for (upload, known) in [
        (vec![leaf.clone(), issuing.clone(), root.clone()], vec![]),
        (vec![leaf.clone(), issuing.clone()], vec![root.clone()]),
        (vec![], vec![root.clone(), issuing.clone()]),
    ] {
        let answer = check(&HOUSE.csr, &leaf, &upload, &known, now()).unwrap();
        assert_eq!(
            (answer.leaf, answer.chain),
            (leaf.clone(), vec![issuing.clone(), root.clone()])
        );
    }
}

#[test]
fn each_difference_is_named() {
    let leaf = HOUSE.answer();
    let issuing = &HOUSE.issuing;
    let timed = |from, to| {
        issue_from_csr(
            &issuing.certificate,
            &issuing.key,
            &HOUSE.csr,
            days(from),
            days(to),
            Hash::Sha256,
        )
        .unwrap()
    };
    let with_sans = |sans| {
        answer_to(&CsrRequest {
            sans,
            ..HOUSE.request.clone()
        })
    };
    let other_key = {
        let csr = make_csr(&PrivateKey::generate(KeySpec::P256).unwrap(), &HOUSE.request).unwrap();
        issue_from_csr(
            &issuing.certificate,
            &issuing.key,
            &csr,
            days(-1),
            days(90),
            Hash::Sha256,
        )
        .unwrap()
    };
    let mut more = HOUSE.request.sans.clone();
    more.push(San::dns("evil.example.org"));
    let no_eku = answer_to(&CsrRequest {
        extended_key_usage: vec!["serverAuth".to_owned()],
        ..HOUSE.request.clone()
    });
    let mut damaged = leaf.der.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (leaf, pool, code, words) in [
        (
            other_key,
            &pool()[..],
            "key_mismatch",
            "belongs to another key than the request",
        ),
        (
            with_sans(HOUSE.request.sans[..1].to_vec()),
            &pool(),
            "san_missing",
            "dns:node1, ip:192.0.2.7",
        ),
        (
            with_sans(more),
            &pool(),
            "san_added",
            "does not ask for: dns:evil.example.org",
        ),
        (timed(-90, -1), &pool(), "expired", "expired on 2026-11-21 12:00:00 UTC"),
        (
            timed(1, 90),
            &pool(),
            "not_yet_valid",
            "not valid before 2026-11-23 12:00:00 UTC",
        ),
        (no_eku, &pool(), "eku_missing", "asks for: clientAuth"),
        (
            leaf.clone(),
            &pool()[..1],
            "chain_incomplete",
            "no certificate of `CN=Test Root,O=Example AG,C=DE`",
        ),
        (
            leaf.clone(),
            &[],
            "chain_incomplete",
            "no certificate of `CN=Test Issuing,O=Example AG,C=DE`",
        ),
        (
            Certificate::from_der(&damaged).unwrap(),
            &pool(),
            "bad_signature",
            "by its issuer `CN=Test Issuing",
        ),
    ] {
        let found = differences(&leaf, pool, &[]);
        let codes: Vec<&str> = found.iter().map(Difference::code).collect();
        assert_eq!(codes, [code]);
        assert!(found[0].to_string().contains(words), "{}", found[0]);
    }
}

#[test]
fn all_differences_are_told_at_once() {
    let codes: Vec<&str> = differences(&HOUSE.issuing.certificate, &pool(), &[])
        .iter()
        .map(Difference::code)
        .collect();
    assert_eq!(codes, ["key_mismatch", "san_missing", "eku_missing", "is_ca"]);
}

#[test]
fn issuers_that_are_over_or_no_authorities_are_named() {
    let [issuing, root] = pool();
    let leaf = HOUSE.answer();
    let mut over = root.clone();
    over.not_after = days(-1);
    let codes = |pool: &[Certificate]| {
        differences(&leaf, pool, &[])
            .iter()
            .map(Difference::code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&[issuing.clone(), over]), ["issuer_not_valid"]);
    let mut humble = issuing;
    humble.basic_constraints = None;
    assert_eq!(codes(&[humble, root]), ["issuer_not_ca"]);
}

#[test]
fn names_are_compared_as_sets_without_case_and_a_repeated_common_name_is_fine() {
    let csr = make_csr(
        &HOUSE.key,
        &CsrRequest {
            sans: vec![],
            ..HOUSE.request.clone()
        },
    )
    .unwrap();
    let shouting = answer_to(&CsrRequest {
        sans: vec![San::dns("NODE1.example.org")],
        ..HOUSE.request.clone()
    });
    assert!(check(&csr, &shouting, &pool(), &[], now()).is_ok());
    let mut turned = HOUSE.request.sans.clone();
    turned.reverse();
    turned.push(turned[0].clone());
    let leaf = answer_to(&CsrRequest {
        sans: turned,
        ..HOUSE.request.clone()
    });
    assert!(check(&HOUSE.csr, &leaf, &pool(), &[], now()).is_ok());
}

#[test]
fn the_leaf_is_picked_by_its_key_else_by_its_place() {
    let leaf = HOUSE.answer();
    let [issuing, root] = pool();
    let file = [root.clone(), leaf.clone(), issuing.clone()];
    assert_eq!(pick_leaf(&HOUSE.csr, &file), Some(&leaf));
    let other = make_csr(
        &PrivateKey::generate(KeySpec::P256).unwrap(),
        &CsrRequest {
            subject: subject("x"),
            ..Default::default()
        },
    );
    assert_eq!(pick_leaf(other.as_ref().unwrap(), &file), Some(&leaf));
    assert_eq!(pick_leaf(&HOUSE.csr, &[root, issuing]), None);
    let two = [
        answer_to(&HOUSE.request),
        Authority::root("Server", KeySpec::P256, Hash::Sha256).certificate,
    ];
    assert_eq!(pick_leaf(&HOUSE.csr, &two), Some(&two[0]));
}
