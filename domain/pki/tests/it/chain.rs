//! Chains out of pools, tidy and hostile.

use certyard_pki::chain::build;
use certyard_pki::{Certificate, Hash, KeySpec, PrivateKey, Profile, issue, self_signed};

use crate::made::{Authority, HOUSE, days, subject};

#[test]
fn a_chain_is_found_in_any_order_among_strangers() {
    let stranger = Authority::root("Stranger", KeySpec::P256, Hash::Sha256).certificate;
    let (root, issuing) = (HOUSE.root.certificate.clone(), HOUSE.issuing.certificate.clone());
    let leaf = HOUSE.answer();
    for pool in [
        [root.clone(), issuing.clone(), stranger.clone(), leaf.clone()],
        [leaf.clone(), stranger.clone(), issuing.clone(), root.clone()],
    ] {
        let chain = build(&leaf, &pool);
        assert_eq!(
            (chain.issuers, chain.complete, chain.missing_issuer),
            (vec![issuing.clone(), root.clone()], true, None)
        );
    }
    assert!(build(&root, &[]).complete);
}

#[test]
fn a_missing_issuer_is_named() {
    let (root, issuing) = (&HOUSE.root.certificate, &HOUSE.issuing.certificate);
    let leaf = HOUSE.answer();
    for (pool, missing, length) in [
        (vec![], &issuing.subject, 0),
        (vec![root.clone()], &issuing.subject, 0),
        (vec![issuing.clone()], &root.subject, 1),
    ] {
        let chain = build(&leaf, &pool);
        assert_eq!(
            (chain.complete, chain.missing_issuer.as_ref(), chain.issuers.len()),
            (false, Some(missing), length)
        );
        assert!(!chain.bad_signature);
    }
}

#[test]
fn an_issuer_by_name_alone_is_none() {
    // The same name and another key, with and without saying so by its key identifier.
    let other = PrivateKey::generate(KeySpec::P256).unwrap();
    let profile = Profile::authority(subject("Test Issuing"), None, days(-1), days(1));
    let mut impostor = self_signed(&other, &profile).unwrap();
    let chain = build(&HOUSE.answer(), std::slice::from_ref(&impostor));
    assert!(!chain.complete && chain.issuers.is_empty() && !chain.bad_signature);
    impostor.ski = HOUSE.issuing.certificate.ski.clone();
    assert!(build(&HOUSE.answer(), &[impostor]).bad_signature);
}

#[test]
fn the_way_to_a_root_is_taken_round_a_dead_end() {
    // The issuing authority is certified by the root, and by another one that is not in the pool.
    let lost = Authority::root("Lost Root", KeySpec::P256, Hash::Sha256);
    let profile = Profile::authority(subject("Test Issuing"), Some(0), days(-1), days(5000));
    let crossed = issue(&lost.certificate, &lost.key, HOUSE.issuing.key.spki_der(), &profile).unwrap();
    let pool = [
        crossed,
        HOUSE.issuing.certificate.clone(),
        HOUSE.root.certificate.clone(),
    ];
    let chain = build(&HOUSE.answer(), &pool);
    assert!(chain.complete);
    assert_eq!(chain.issuers, pool[1..]);
}

#[test]
fn circles_and_crowds_end() {
    // Two authorities certify each other; then two hundred of one name.
    let (a, b) = (
        PrivateKey::generate(KeySpec::P256).unwrap(),
        PrivateKey::generate(KeySpec::P256).unwrap(),
    );
    let profile = |name: &str| Profile::authority(subject(name), None, days(-1), days(1));
    let own = self_signed(&a, &profile("A")).unwrap();
    let b_by_a = issue(&own, &a, b.spki_der(), &profile("B")).unwrap();
    let a_by_b = issue(&b_by_a, &b, a.spki_der(), &profile("A")).unwrap();
    let chain = build(&b_by_a, &[a_by_b.clone(), b_by_a.clone()]);
    assert!(!chain.complete && chain.issuers == [a_by_b]);

    let crowd: Vec<Certificate> = (0..200)
        .map(|_| {
            issue(
                &own,
                &a,
                PrivateKey::generate(KeySpec::P256).unwrap().spki_der(),
                &profile("A"),
            )
            .unwrap()
        })
        .collect();
    let started = std::time::Instant::now();
    assert!(!build(&b_by_a, &crowd).complete);
    assert!(started.elapsed().as_secs() < 5);
}
