//! Profiles: what can be chosen, the built-in one, the default, which cluster has which.

use crate::fleet::*;
use certyard_domain::clusters::{self, NewCluster};
use certyard_domain::profiles::{
    self, Assignment, BUILT_IN, Field, NewProfile, ProfileChange, ProfileRow, Setting, Signing, effective, options,
};
use certyard_domain::{Error, FieldError, Role, Scope};
use uuid::Uuid;

pub fn setting(product: &str, purpose: &str) -> Setting {
    Setting {
        product: product.into(),
        purpose: purpose.into(),
        ..Setting::default()
    }
}

pub fn self_signed(product: &str, purpose: &str, years: u32) -> Setting {
    Setting {
        signing: Some(Signing::SelfSigned),
        validity_years: Some(years),
        ..setting(product, purpose)
    }
}

fn new(name: &str, settings: Vec<Setting>) -> NewProfile {
    NewProfile {
        name: name.into(),
        settings,
        ..NewProfile::default()
    }
}

pub async fn profile(fleet: &Fleet, name: &str, settings: Vec<Setting>) -> ProfileRow {
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let row = profiles::create(&tx, new(name, settings)).await.unwrap();
    tx.commit().await.unwrap();
    row
}

async fn cluster_of(fleet: &Fleet, name: &str, product: &str, version: &str) -> Uuid {
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let wanted = NewCluster {
        product: product.into(),
        product_version: version.into(),
        ..new_cluster(fleet.group, name)
    };
    let cluster = clusters::create(&tx, wanted).await.unwrap();
    tx.commit().await.unwrap();
    cluster.cluster.id
}

pub async fn assign(fleet: &Fleet, clusters: &[Uuid], to: Assignment) -> Result<u64, Error> {
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let changed = profiles::assign(&tx, clusters, to).await?;
    tx.commit().await.unwrap();
    Ok(changed)
}

/// Name of the profile of a cluster, and whether it is its own.
async fn profile_of(fleet: &Fleet, cluster: Uuid) -> (String, bool) {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let all = profiles::attached(&tx, &[cluster]).await.unwrap();
    let one = all.of(cluster);
    (one.name.clone(), one.own)
}

/// What is wrong with settings; nothing when they can be chosen.
async fn wrong(fleet: &Fleet, settings: Vec<Setting>) -> Vec<FieldError> {
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    match profiles::create(&tx, new("tried", settings)).await {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(fields)) => fields,
        Err(error) => panic!("{error:?}"),
    }
}

fn paths(fields: &[FieldError]) -> Vec<(&str, &str)> {
    fields.iter().map(|field| (field.field.as_str(), field.code)).collect()
}

#[tokio::test]
async fn r33_a_profile_holds_what_is_wanted_of_each_purpose() {
    let fleet = Fleet::new().await;
    let web = Setting {
        signing: Some(Signing::CaSigned),
        multi_server: Some(true),
        key_type: Some("RSA".into()),
        key_bits: Some(3072),
        hash: Some("SHA256".into()),
        subject: vec![("O".into(), "Example".into()), ("OU".into(), "Voice".into())],
        ..setting("cucm", "tomcat")
    };
    let reuse = Setting {
        use_tomcat: true,
        ..setting("cucm", "CallManager")
    };
    let settings = vec![web, reuse, self_signed("imp", "cup", 10), setting("server", "nginx:")];
    let made = profile(&fleet, "Campus", settings.clone()).await;
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let read = profiles::get(&tx, made.id).await.unwrap();
    assert_eq!((read.settings, read.version), (settings, 1));
}

#[tokio::test]
async fn r33_what_a_purpose_cannot_have_is_refused_by_its_path() {
    let fleet = Fleet::new().await;
    let cases: Vec<(Setting, &str, &str)> = vec![
        (setting("windows", "tomcat"), "settings[0].product", "unknown"),
        (setting("cucm", "cup"), "settings[0].purpose", "unknown"),
        (setting("cer", "tomcat-ECDSA"), "settings[0].purpose", "unknown"),
        (
            Setting {
                signing: Some(Signing::CaSigned),
                ..setting("cucm", "ITLRecovery")
            },
            "settings[0].signing",
            "not_possible",
        ),
        (
            Setting {
                signing: Some(Signing::SelfSigned),
                ..setting("server", "nginx:www.example.org")
            },
            "settings[0].signing",
            "not_possible",
        ),
        (
            Setting {
                multi_server: Some(true),
                ..setting("cucm", "ipsec")
            },
            "settings[0].multi_server",
            "not_possible",
        ),
        (
            Setting {
                key_type: Some("EC".into()),
                ..setting("cucm", "tomcat")
            },
            "settings[0].key_type",
            "unsupported",
        ),
        (
            Setting {
                key_bits: Some(1024),
                ..setting("cucm", "tomcat")
            },
            "settings[0].key_bits",
            "unsupported",
        ),
        (
            Setting {
                key_bits: Some(384),
                hash: Some("SHA256".into()),
                ..setting("cucm", "tomcat-ECDSA")
            },
            "settings[0].hash",
            "unsupported",
        ),
        (
            Setting {
                subject: vec![("C".into(), "Germany".into())],
                ..setting("cucm", "tomcat")
            },
            "settings[0].subject[0]",
            "invalid_value",
        ),
        (
            Setting {
                signing: Some(Signing::CaSigned),
                validity_years: Some(5),
                ..setting("cucm", "tomcat")
            },
            "settings[0].validity_years",
            "not_possible",
        ),
    ];
    for (setting, path, code) in cases {
        let fields = wrong(&fleet, vec![setting.clone()]).await;
        assert_eq!(paths(&fields), [(path, code)], "{setting:?}");
    }
    let twice = vec![setting("cucm", "tomcat"), setting("cucm", "tomcat")];
    assert_eq!(
        paths(&wrong(&fleet, twice).await),
        [("settings[1].purpose", "duplicate")]
    );
}

#[tokio::test]
async fn r34_the_built_in_profile_is_looked_at_and_copied_only() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let built_in = profiles::get(&tx, BUILT_IN).await.unwrap();
    assert!(built_in.is_built_in() && built_in.is_default && built_in.settings.is_empty());
    assert_eq!(built_in.clusters, 1, "every cluster is attached to it");
    let refused = [
        profiles::update(&tx, BUILT_IN, None, ProfileChange::default())
            .await
            .err(),
        profiles::retire(&tx, BUILT_IN, None, true).await.err(),
    ];
    for error in refused {
        assert!(
            matches!(
                error,
                Some(Error::Refused {
                    code: "profile_built_in",
                    ..
                })
            ),
            "{error:?}"
        );
    }
    let copy = profiles::copy(&tx, BUILT_IN, None).await.unwrap();
    assert_eq!((copy.name.as_str(), copy.is_built_in()), ("copy of Default", false));
    tx.commit().await.unwrap();
    assert_eq!(profile_of(&fleet, cluster).await, ("Default".into(), false));
    // It offers both ways for whatever can be had both ways.
    let open = effective(&built_in.settings, "cucm", "14", "tomcat");
    assert_eq!(open, profiles::Effective::default());
}

#[tokio::test]
async fn r35_a_profile_is_copied_edited_and_deleted_after_a_warning() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let campus = profile(&fleet, "Campus", vec![self_signed("cucm", "tomcat", 10)]).await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let copy = profiles::copy(&tx, campus.id, None).await.unwrap();
    assert_eq!(
        (copy.name.as_str(), &copy.settings),
        ("copy of Campus", &campus.settings)
    );
    let second = profiles::copy(&tx, campus.id, None).await.unwrap();
    assert_eq!(second.name, "copy of Campus 2");
    let taken = profiles::copy(&tx, campus.id, Some("Campus")).await;
    assert!(
        matches!(&taken, Err(Error::Invalid(fields)) if fields[0].code == "taken"),
        "{taken:?}"
    );
    drop(tx);
    assign(&fleet, &[cluster], Assignment::Own(campus.id)).await.unwrap();

    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = ProfileChange {
        description: Some("for the campus".into()),
        settings: Some(vec![self_signed("cucm", "tomcat", 20)]),
        ..ProfileChange::default()
    };
    let after = profiles::update(&tx, campus.id, Some(1), change.clone()).await.unwrap();
    assert_eq!((after.version, after.clusters), (2, 1));
    let late = profiles::update(&tx, campus.id, Some(1), change).await;
    assert!(
        matches!(&late, Err(Error::Conflict { code: "version_mismatch", detail: Some(detail), .. }) if detail["version"] == 2),
        "{late:?}"
    );
    let unconfirmed = profiles::retire(&tx, campus.id, Some(2), false).await;
    assert!(
        matches!(&unconfirmed, Err(Error::Conflict { code: "confirmation_required", detail: Some(detail), .. })
            if detail["clusters"] == 1 && detail["falls_back_to"] == "Default"),
        "{unconfirmed:?}"
    );
    profiles::retire(&tx, campus.id, Some(2), true).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(profile_of(&fleet, cluster).await, ("Default".into(), false));
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    assert!(matches!(
        profiles::get(&tx, campus.id).await,
        Err(Error::NotFound { what: "profile" })
    ));
    // The name is free again.
    profiles::create(&tx, new("Campus", Vec::new())).await.unwrap();
    drop(tx);
    let log = audited(&fleet.test, fleet.owner()).await;
    assert!(
        log.ends_with(&[
            "cluster.profile".into(),
            "profile.update".into(),
            "profile.retire".into()
        ]),
        "{log:?}"
    );
}

#[tokio::test]
async fn r36_at_most_one_profile_is_the_default_and_unticking_it_returns_to_the_built_in_one() {
    let fleet = Fleet::new().await;
    let follower = fleet.cluster("alpha").await.cluster.id;
    let fixed = fleet.cluster("beta").await.cluster.id;
    assign(&fleet, &[fixed], Assignment::Own(BUILT_IN)).await.unwrap();
    let first = profile(&fleet, "First", Vec::new()).await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let second = NewProfile {
        is_default: true,
        ..new("Second", Vec::new())
    };
    let second = profiles::create(&tx, second).await.unwrap();
    assert!(second.is_default && second.clusters == 1);
    tx.commit().await.unwrap();
    assert_eq!(profile_of(&fleet, follower).await, ("Second".into(), false));
    assert_eq!(profile_of(&fleet, fixed).await, ("Default".into(), true));

    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    assert!(profiles::set_default(&tx, first.id).await.unwrap().is_default);
    tx.commit().await.unwrap();
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let defaults: Vec<String> = profiles::list(&tx, None, None, 200)
        .await
        .unwrap()
        .items
        .into_iter()
        .filter(|row| row.is_default)
        .map(|row| row.name)
        .collect();
    assert_eq!(defaults, ["First"]);
    drop(tx);

    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let untick = ProfileChange {
        is_default: Some(false),
        ..ProfileChange::default()
    };
    assert!(!profiles::update(&tx, first.id, None, untick).await.unwrap().is_default);
    assert!(profiles::get(&tx, BUILT_IN).await.unwrap().is_default);
    // A default that is deleted leaves its role to the built-in one, after a warning.
    profiles::set_default(&tx, second.id).await.unwrap();
    let warned = profiles::retire(&tx, second.id, None, false).await;
    assert!(
        matches!(
            warned,
            Err(Error::Conflict {
                code: "confirmation_required",
                ..
            })
        ),
        "{warned:?}"
    );
    profiles::retire(&tx, second.id, None, true).await.unwrap();
    assert!(profiles::get(&tx, BUILT_IN).await.unwrap().is_default);
    tx.commit().await.unwrap();
    assert_eq!(profile_of(&fleet, follower).await, ("Default".into(), false));
}

#[tokio::test]
async fn r37_only_what_a_version_has_is_offered_and_assigned() {
    let old = options("cucm", "12.5");
    let new = options("cucm", "14");
    let find = |all: &[profiles::PurposeOptions], purpose: &str| {
        all.iter()
            .find(|row| row.purpose == purpose)
            .cloned()
            .expect("a purpose")
    };
    assert_eq!(find(&old, "CallManager").reuse, None);
    assert_eq!(find(&new, "CallManager").reuse, Some("tomcat"));
    assert!(!find(&old, "tomcat").multi_server_self_signed);
    assert!(find(&new, "tomcat").multi_server_self_signed);
    assert!(find(&old, "tomcat").multi_server_ca_signed);
    let years = |row: profiles::PurposeOptions| row.self_signed.map(|own| own.always_years);
    assert_eq!(years(find(&old, "tomcat")), Some(Some(5)));
    assert_eq!(years(find(&new, "tomcat")), Some(None));
    assert!(options("cer", "14").iter().all(|row| row.purpose != "tomcat-ECDSA"));

    let fleet = Fleet::new().await;
    let newer = cluster_of(&fleet, "newer", "cucm", "14SU2").await;
    let older = cluster_of(&fleet, "older", "cucm", "12.5(1)SU6").await;
    let imp = cluster_of(&fleet, "imp", "imp", "12.5").await;
    let reuse = Setting {
        use_tomcat: true,
        ..setting("cucm", "CallManager")
    };
    let modern = profile(&fleet, "Modern", vec![reuse.clone()]).await;
    let refused = assign(&fleet, &[newer, older], Assignment::Own(modern.id)).await;
    let Err(Error::Invalid(fields)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(paths(&fields), [("cluster_ids[1]", "not_in_version")]);
    assert_eq!(
        profile_of(&fleet, newer).await,
        ("Default".into(), false),
        "all or none"
    );
    // Another product is not concerned.
    let changed = assign(&fleet, &[newer, imp], Assignment::Own(modern.id)).await.unwrap();
    assert_eq!(changed, 2);
    assert_eq!(
        assign(&fleet, &[newer], Assignment::Own(modern.id)).await.unwrap(),
        0,
        "it has it already"
    );

    // An edit is held against the clusters that have the profile.
    let plain = profile(&fleet, "Plain", Vec::new()).await;
    assign(&fleet, &[older], Assignment::Own(plain.id)).await.unwrap();
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = ProfileChange {
        settings: Some(vec![setting("cucm", "tomcat"), reuse]),
        ..ProfileChange::default()
    };
    let refused = profiles::update(&tx, plain.id, None, change).await;
    let Err(Error::Invalid(fields)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(paths(&fields), [("settings[1]", "not_in_version")]);
    assert!(fields[0].message.contains("older"), "{}", fields[0].message);
}

#[tokio::test]
async fn r38_validity_is_5_to_20_years_from_14_and_always_5_before() {
    let fleet = Fleet::new().await;
    for (years, taken) in [(4, false), (5, true), (20, true), (21, false)] {
        let fields = wrong(&fleet, vec![self_signed("cucm", "tomcat", years)]).await;
        assert_eq!(fields.is_empty(), taken, "{years}: {fields:?}");
        if !taken {
            assert_eq!(paths(&fields), [("settings[0].validity_years", "out_of_range")]);
        }
    }
    let settings = vec![self_signed("cucm", "tomcat", 20)];
    for (version, years) in [("11.5", 5), ("12.5", 5), ("12.5(1)SU6", 5), ("14", 20), ("15", 20)] {
        let wanted = effective(&settings, "cucm", version, "tomcat");
        assert_eq!(wanted.validity_years, Some(years), "{version}");
        let gated: Vec<Field> = wanted.gates.iter().map(|gate| gate.field).collect();
        assert_eq!(
            gated,
            if years == 5 { vec![Field::ValidityYears] } else { vec![] },
            "{version}"
        );
    }
    // What has no effect is no reason to refuse the assignment.
    let older = cluster_of(&fleet, "older", "cucm", "12.5").await;
    let long = profile(&fleet, "Long", settings).await;
    assert_eq!(assign(&fleet, &[older], Assignment::Own(long.id)).await.unwrap(), 1);
}

#[tokio::test]
async fn r39_reuse_is_for_call_manager_of_unified_cm_only() {
    let fleet = Fleet::new().await;
    for (product, purpose) in [("cuc", "tomcat"), ("imp", "cup"), ("cer", "tomcat"), ("cucm", "TVS")] {
        let reuse = Setting {
            use_tomcat: true,
            ..setting(product, purpose)
        };
        let fields = wrong(&fleet, vec![reuse]).await;
        assert_eq!(
            paths(&fields),
            [("settings[0].use_tomcat", "not_possible")],
            "{product} {purpose}"
        );
    }
    let both = Setting {
        use_tomcat: true,
        ..self_signed("cucm", "CallManager", 5)
    };
    assert_eq!(
        paths(&wrong(&fleet, vec![both]).await),
        [("settings[0].use_tomcat", "not_with_others")]
    );
    let settings = vec![Setting {
        use_tomcat: true,
        ..setting("cucm", "CallManager")
    }];
    assert_eq!(effective(&settings, "cucm", "14", "CallManager").reuse, Some("tomcat"));
    assert_eq!(effective(&settings, "cucm", "12.5", "CallManager").reuse, None);
}

#[tokio::test]
async fn pages_hold_each_profile_once_and_the_built_in_one_first() {
    let fleet = Fleet::new().await;
    for index in 0..4 {
        profile(&fleet, &format!("profile {index}"), Vec::new()).await;
    }
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    for size in [1, 2, 5, 200] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = profiles::list(&tx, None, after, size).await.unwrap();
            assert!(page.items.len() as u64 <= size);
            seen.extend(page.items.into_iter().map(|row| row.name));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(
            seen,
            ["Default", "profile 0", "profile 1", "profile 2", "profile 3"],
            "pages of {size}"
        );
    }
    let found = profiles::list(&tx, Some("FILE 2"), None, 50).await.unwrap();
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn a_role_of_some_groups_gives_its_clusters_profiles_and_changes_none() {
    let fleet = Fleet::new().await;
    let mine = fleet.cluster("mine").await.cluster.id;
    let south = group(&fleet.test, fleet.owner(), "South").await;
    let theirs = cluster(&fleet.test, fleet.owner(), south, "theirs").await.cluster.id;
    let made = profile(&fleet, "Campus", Vec::new()).await;
    let bound: Scope = fleet.org.member(Role::Admin, Some(vec![fleet.group]));
    let tx = fleet.test.db.write(&bound).await.unwrap();
    let edited = profiles::update(&tx, made.id, None, ProfileChange::default()).await;
    assert!(matches!(edited, Err(Error::Forbidden { .. })), "{edited:?}");
    let created = profiles::create(&tx, new("Own", Vec::new())).await;
    assert!(matches!(created, Err(Error::Forbidden { .. })), "{created:?}");
    let refused = profiles::assign(&tx, &[mine, theirs], Assignment::Own(made.id)).await;
    assert!(
        matches!(refused, Err(Error::NotFound { what: "cluster" })),
        "{refused:?}"
    );
    assert_eq!(
        profiles::assign(&tx, &[mine], Assignment::Own(made.id)).await.unwrap(),
        1
    );
    assert_eq!(profiles::get(&tx, made.id).await.unwrap().clusters, 1);
    assert_eq!(
        profiles::get(&tx, BUILT_IN).await.unwrap().clusters,
        0,
        "of its own groups"
    );
    drop(tx);
    let operator = fleet.org.member(Role::Operator, None);
    let tx = fleet.test.db.write(&operator).await.unwrap();
    let refused = profiles::assign(&tx, &[mine], Assignment::Default).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
}

#[tokio::test]
async fn keys_that_trouble_phones_are_told_of() {
    let large = Setting {
        key_bits: Some(4096),
        ..setting("cucm", "CallManager")
    };
    let found = profiles::warnings(&[large, setting("cucm", "tomcat")]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].purpose.as_str(), found[0].field),
        ("CallManager", Field::KeyBits)
    );
    let usual = Setting {
        key_bits: Some(2048),
        ..setting("cucm", "CallManager")
    };
    assert!(profiles::warnings(&[usual]).is_empty());
}
