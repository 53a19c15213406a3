//! Root changes: one CA certificate makes way for another, phase by phase, and no phase before the one it needs.

mod later;

use crate::fleet::audited;
use crate::machine::{Authority, Fleet, noon, own_certificate, request, result};
use certyard_domain::plans::{
    self, Action, Order, PhaseRequest, Plan, StoredTargetFilter, Target, Targets, UploadOptions,
};
use certyard_domain::root_changes::{
    self as rooms, CoverRow, CoverState, CoverageFilter, IdentityFilter, IdentityState, NewAuthority, NewRootChange,
    Next, Phase, PhaseState, Progress, RootChange, RootChangeUpdate, State, Within,
};
use certyard_domain::{Error, Result, Role, Scope};
use certyard_pki::{Certificate, Hash, KeySpec, PrivateKey, Profile, Subject, issue, pkcs7, self_signed};
use certyard_protocol::{ConnectorKind, Outcome};
use chrono::Duration;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

const STORE: &str = "tomcat-trust";

/// A cluster of three nodes whose certificates for tomcat chain to an old root that all of them trust.
struct Site {
    fleet: Fleet,
    agent: Uuid,
    cluster: Uuid,
    nodes: Vec<Uuid>,
    old: Authority,
    new: Authority,
    old_id: Uuid,
}

impl Site {
    async fn new() -> Self {
        let fleet = Fleet::new().await;
        let agent = fleet.agent(fleet.group).await;
        let mut site = Self {
            fleet,
            agent,
            cluster: Uuid::nil(),
            nodes: Vec::new(),
            old: Authority::new("Old"),
            new: Authority::new("New"),
            old_id: Uuid::nil(),
        };
        (site.cluster, site.nodes) = site.add("calls", "cucm", 3).await;
        for node in site.nodes.clone() {
            site.trust(site.cluster, node, STORE, &site.old.root).await;
            site.trust(site.cluster, node, STORE, &site.old.intermediate).await;
            let leaf = site.old.sign(&request("calls.example.org"), 90);
            site.fleet
                .install(site.cluster, node, "identity", "tomcat", &leaf)
                .await;
        }
        site.old_id = site.id_of(&site.old.root).await;
        site
    }

    /// Nodes that were read.
    async fn add(&self, name: &str, product: &str, count: usize) -> (Uuid, Vec<Uuid>) {
        let cluster = self.fleet.cluster(self.fleet.group, name, product, "14").await;
        let nodes = self
            .fleet
            .nodes(cluster, ConnectorKind::CiscoUc, count, self.agent, None)
            .await;
        for node in &nodes {
            self.fleet.set("node", *node, "inventory_at", noon()).await;
        }
        (cluster, nodes)
    }

    async fn trust(&self, cluster: Uuid, node: Uuid, store: &str, certificate: &Certificate) {
        self.fleet.install(cluster, node, "trust", store, certificate).await;
    }

    async fn id_of(&self, certificate: &Certificate) -> Uuid {
        let tx = self.fleet.test.db.read(self.owner()).await.expect("a transaction");
        let filter = certyard_domain::certificates::CertificateFilter {
            search: Some(certificate.sha256_hex()),
            ..Default::default()
        };
        let page = certyard_domain::certificates::list(&tx, &filter, None, 2).await;
        page.expect("a page").items.first().expect("it is known").id
    }

    fn owner(&self) -> &Scope {
        &self.fleet.org.owner
    }

    fn wanted(&self, new: &Certificate) -> NewRootChange {
        NewRootChange {
            name: String::new(),
            note: "change 4711".into(),
            old_certificate_id: self.old_id,
            new: NewAuthority::File(new.to_pem().into_bytes()),
            within: Within::default(),
        }
    }

    async fn begin(&self) -> RootChange {
        self.create(self.wanted(&self.new.root)).await.expect("it is begun")
    }

    async fn create(&self, wanted: NewRootChange) -> Result<RootChange> {
        rooms::create(&self.fleet.test.db, self.owner(), wanted).await
    }

    async fn progress(&self, id: Uuid) -> Progress {
        let tx = self.fleet.test.db.read(self.owner()).await.expect("a transaction");
        let change = rooms::get(&tx, id).await.expect("it is there");
        rooms::progress(&tx, &change).await.expect("numbers")
    }

    /// All rows, two at a time.
    async fn coverage(&self, id: Uuid, filter: &CoverageFilter) -> Vec<CoverRow> {
        let tx = self.fleet.test.db.read(self.owner()).await.expect("a transaction");
        let change = rooms::get(&tx, id).await.expect("it is there");
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = rooms::coverage(&tx, &change, filter, after, 2).await.expect("a page");
            rows.extend(page.items);
            after = page.next;
            if after.is_none() {
                return rows;
            }
        }
    }

    /// Node, store, state and code of all places.
    async fn places(&self, id: Uuid) -> Vec<(String, String, &'static str, Option<String>)> {
        let rows = self.coverage(id, &CoverageFilter::default()).await;
        rows.into_iter()
            .map(|row| (row.node_name, row.store, row.state.as_str(), row.code))
            .collect()
    }

    async fn plan(&self, id: Uuid, phase: Phase, reason: &str) -> Result<Plan> {
        let wanted = PhaseRequest {
            phase,
            order: Order::default(),
            override_reason: reason.into(),
        };
        plans::plan_root_change(&self.fleet.test.db, self.owner(), id, wanted).await
    }

    /// What the plan does, without what is read beside.
    async fn targets(&self, plan: &Plan) -> Vec<Target> {
        let tx = self.fleet.test.db.read(self.owner()).await.expect("a transaction");
        let page = plans::targets(&tx, plan.id, StoredTargetFilter::default(), None, 200).await;
        let all = page.expect("targets").items;
        all.into_iter().filter(|target| !target.purpose.is_empty()).collect()
    }

    /// Has the agent do all that is open; on `failing` it fails.
    async fn work(&self, failing: &[Uuid]) {
        loop {
            let claimed = self.fleet.claim(self.agent, 100).await;
            if claimed.is_empty() {
                return;
            }
            for task in claimed {
                let node = crate::machine::payload(&task).node_id;
                let outcome = match failing.contains(&node) {
                    true => Outcome::Failed,
                    false => Outcome::Succeeded,
                };
                self.fleet
                    .report(self.agent, task.task.task_id, &result(task.task.epoch, outcome))
                    .await
                    .expect("recorded");
            }
        }
    }

    /// What a reading would find that an upload has changed: all identities are of the new CA.
    async fn switch_all(&self) {
        self.sql("DELETE FROM installation WHERE kind = 'identity'").await;
        self.sql("UPDATE csr SET state = 'answered'").await;
        for node in &self.nodes {
            // It comes with the answer of the CA.
            self.trust(self.cluster, *node, STORE, &self.new.intermediate).await;
            let leaf = self.new.sign(&request("calls.example.org"), 365);
            self.fleet
                .install(self.cluster, *node, "identity", "tomcat", &leaf)
                .await;
        }
    }

    async fn sql(&self, text: &str) {
        self.fleet.rows.execute_unprepared(text).await.expect("it runs");
    }

    async fn close(&self, id: Uuid, reason: &str) -> Result<RootChange> {
        let tx = self.fleet.test.db.write(self.owner()).await.expect("a transaction");
        let change = rooms::close(&tx, id, reason).await?;
        tx.commit().await.expect("it is kept");
        Ok(change)
    }
}

#[track_caller]
fn code<T: std::fmt::Debug>(answer: Result<T>) -> &'static str {
    match answer {
        Err(Error::Refused { code, message }) => {
            assert!(message.len() > 30, "{message}");
            code
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn field<T: std::fmt::Debug>(answer: Result<T>) -> Vec<(String, &'static str)> {
    match answer {
        Err(Error::Invalid(wrong)) => wrong.into_iter().map(|one| (one.field, one.code)).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn from_the_old_root_to_the_new_one_and_no_phase_before_its_time() {
    let site = Site::new().await;
    let change = site.begin().await;
    assert_eq!(change.name, "Old root → New root");
    let progress = site.progress(change.id).await;
    assert_eq!((progress.coverage.total(), progress.coverage.holding_old), (3, 3));
    assert_eq!(progress.coverage.of(CoverState::Missing), 3);
    assert_eq!(
        (progress.identities.old, progress.identities.new),
        (3, 0),
        "by way of the issuing CA"
    );
    assert_eq!(progress.next(), Next::Distribute);

    // Neither is possible yet; with a reason it is, and the plan says what it overrides.
    assert_eq!(
        code(site.plan(change.id, Phase::Switch, "").await),
        "coverage_incomplete"
    );
    assert_eq!(
        code(site.plan(change.id, Phase::Retire, "  ").await),
        "coverage_incomplete"
    );
    let forced = site.plan(change.id, Phase::Switch, "a lab").await.expect("a plan");
    let warning = forced.warnings.iter().find(|one| one.code == "coverage_incomplete");
    let warning = warning.expect("it is told");
    assert!(
        warning.consent && warning.targets == 3 && warning.message.contains("a lab"),
        "{warning:?}"
    );

    // One node fails: the others are covered once they were read, and only that one is tried again.
    let plan = site.plan(change.id, Phase::Distribute, "").await.expect("a plan");
    assert_eq!((plan.action.as_str(), plan.targets, plan.refused), ("distribute", 3, 0));
    let job = site.fleet.start(&plan).await.expect("a job");
    assert_eq!(job.root_change_id, Some(change.id));
    assert_eq!(site.progress(change.id).await.next(), Next::Wait);
    assert_eq!(code(site.plan(change.id, Phase::Distribute, "").await), "nothing_to_do");
    site.work(&[site.nodes[2]]).await;
    for node in &site.nodes[..2] {
        site.trust(site.cluster, *node, STORE, &site.new.root).await;
    }
    let failed = Some("node_unreachable".to_string());
    assert_eq!(
        site.places(change.id).await,
        [
            ("node-00000".into(), STORE.into(), "covered", None),
            ("node-00001".into(), STORE.into(), "covered", None),
            ("node-00002".into(), STORE.into(), "failed", failed),
        ]
    );
    let only = CoverageFilter {
        states: vec![CoverState::Failed, CoverState::Missing],
        clusters: vec![site.cluster],
    };
    let row = site.coverage(change.id, &only).await.pop().expect("a row");
    assert_eq!(
        (row.job_id, row.holds_old, row.read_at),
        (Some(job.id), true, Some(noon()))
    );
    assert!(row.message.is_some_and(|text| text.contains("does not answer")));
    assert_eq!(
        code(site.plan(change.id, Phase::Switch, "").await),
        "coverage_incomplete"
    );
    let again = site.plan(change.id, Phase::Distribute, "").await.expect("a plan");
    let targets = site.targets(&again).await;
    assert_eq!(
        targets.iter().map(|one| one.node_id).collect::<Vec<_>>(),
        [site.nodes[2]]
    );

    // An ordinary upload of a certificate of the new CA is warned of until all have it.
    let csr = request("calls.example.org");
    site.fleet.open_csr(site.cluster, site.nodes[0], "tomcat", &csr).await;
    let upload = async || {
        let leaf = site.new.sign(&csr, 365);
        let text = format!(
            "{}{}{}",
            leaf.to_pem(),
            site.new.intermediate.to_pem(),
            site.new.root.to_pem()
        );
        let options = UploadOptions {
            purpose: Some("tomcat".into()),
            files: vec![text.into_bytes()],
            ..UploadOptions::default()
        };
        let plan = site
            .fleet
            .plan(
                Action::UploadCertificate(options),
                Targets::Nodes(vec![site.nodes[0]]),
                Order::default(),
            )
            .await
            .expect("a plan");
        assert_eq!(plan.refused, 0, "{:?}", site.targets(&plan).await);
        plan.warnings
            .iter()
            .any(|warning| warning.code == "root_not_distributed" && warning.consent)
    };
    assert!(upload().await);

    site.fleet.start(&again).await.expect("a job");
    site.work(&[]).await;
    site.trust(site.cluster, site.nodes[2], STORE, &site.new.root).await;
    assert!(!upload().await);
    let progress = site.progress(change.id).await;
    assert_eq!(progress.state(Phase::Verify), PhaseState::Done);
    assert_eq!((progress.identities.old, progress.identities.csr_pending), (2, 1));

    // CSRs for what has none; then the answers.
    let switch = site.plan(change.id, Phase::Switch, "").await.expect("a plan");
    assert_eq!(switch.action, "generate_csr");
    let nodes: Vec<Uuid> = site.targets(&switch).await.iter().map(|one| one.node_id).collect();
    assert_eq!(nodes, site.nodes[1..]);
    assert_eq!(code(site.plan(change.id, Phase::Retire, "").await), "identities_on_old");
    site.switch_all().await;
    let progress = site.progress(change.id).await;
    assert_eq!((progress.identities.new, progress.next()), (3, Next::Retire));

    // What was true when it was planned is looked at again.
    let retire = site.plan(change.id, Phase::Retire, "").await.expect("a plan");
    assert_eq!((retire.action.as_str(), retire.targets), ("delete", 3));
    let late = site.old.sign(&request("late.example.org"), 90);
    let late = site
        .fleet
        .install(site.cluster, site.nodes[1], "identity", "TVS", &late)
        .await;
    assert_eq!(code(site.fleet.start(&retire).await), "identities_on_old");
    site.fleet.set("installation", late, "gone_at", noon()).await;
    site.fleet.start(&retire).await.expect("a job");
    site.work(&[]).await;
    assert_eq!(field(site.close(change.id, "").await), [("reason".into(), "required")]);
    site.sql("UPDATE installation SET gone_at = installed_at WHERE common_name = 'Old root'")
        .await;
    let progress = site.progress(change.id).await;
    assert!(progress.is_complete() && progress.next() == Next::Close, "{progress:?}");
    let closed = site.close(change.id, "").await.expect("it is closed");
    assert_eq!((closed.state, closed.closed_at), (State::Completed, Some(noon())));
    assert_eq!(code(site.close(change.id, "").await), "root_change_closed");
    assert_eq!(
        code(site.plan(change.id, Phase::Verify, "").await),
        "root_change_closed"
    );

    let told = audited(&site.fleet.test, site.owner()).await;
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|one| one.starts_with("root"))
        .collect();
    assert_eq!(
        told,
        [
            "root_change.create",
            "root_change.plan",
            "root_change.plan",
            "root_change.plan",
            "root_change.plan",
            "root_change.plan",
            "root_change.complete"
        ]
    );
}

#[tokio::test]
async fn what_cannot_take_the_place_of_a_root_is_refused_with_the_field() {
    let site = Site::new().await;
    let leaf = own_certificate("leaf.example.org", 900);
    let with = |new: NewAuthority| NewRootChange {
        new,
        ..site.wanted(&site.new.root)
    };
    let ca = |name: &str, days: i64, usage: &'static str| {
        let key = PrivateKey::generate(KeySpec::P256).expect("a key");
        let profile = Profile {
            subject: Subject(vec![("CN".into(), name.into())]),
            sans: Vec::new(),
            ca: Some(None),
            key_usage: vec![usage],
            extended_key_usage: Vec::new(),
            not_before: noon() - Duration::days(900),
            not_after: noon() + Duration::days(days),
            hash: Hash::Sha256,
        };
        self_signed(&key, &profile).expect("a root")
    };
    let p7 = pkcs7::encode(&[site.new.root.clone(), site.new.intermediate.clone()]);
    for (wanted, name, code) in [
        (site.wanted(&leaf), "new_certificate", "not_an_authority"),
        (
            site.wanted(&ca("Ended", -1, "keyCertSign")),
            "new_certificate",
            "expired",
        ),
        (
            site.wanted(&ca("Signs nothing", 900, "cRLSign")),
            "new_certificate",
            "key_usage",
        ),
        (site.wanted(&site.old.root), "new_certificate", "same_certificate"),
        (
            with(NewAuthority::Known(site.old_id)),
            "new_certificate_id",
            "same_certificate",
        ),
        (with(NewAuthority::File(p7)), "new_certificate", "too_many"),
        // One certificate for each name is kept: the phases could not be apart.
        (
            site.wanted(&ca("Old root", 4000, "keyCertSign")),
            "new_certificate",
            "same_subject",
        ),
        (
            NewRootChange {
                within: Within {
                    product: Some("cuc".into()),
                    ..Within::default()
                },
                ..site.wanted(&site.new.root)
            },
            "old_certificate_id",
            "not_held",
        ),
        (
            NewRootChange {
                within: Within {
                    cluster_ids: vec![Uuid::now_v7()],
                    ..Within::default()
                },
                ..site.wanted(&site.new.root)
            },
            "scope.cluster_ids",
            "unknown",
        ),
    ] {
        let wrong = field(site.create(wanted).await);
        assert!(wrong.contains(&(name.into(), code)), "{code}: {wrong:?}");
    }
    assert!(!field(site.create(with(NewAuthority::File(b"nothing".to_vec()))).await).is_empty());
    let tx = site.fleet.test.db.read(site.owner()).await.expect("a transaction");
    let none = rooms::list(&tx, &[], None, None, 50).await.expect("a page");
    assert_eq!(none.items, [], "nothing of it is kept");
    drop(tx);

    // Who may not, and who would not see all of it.
    let db = &site.fleet.test.db;
    let change = site.begin().await;
    for scope in [
        site.fleet.org.member(Role::Viewer, None),
        site.fleet.org.member(Role::Operator, Some(vec![site.fleet.group])),
    ] {
        let refused = rooms::create(db, &scope, site.wanted(&site.new.root)).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
        let tx = db.read(&scope).await.expect("a transaction");
        assert_eq!(rooms::get(&tx, change.id).await.is_ok(), scope.groups().is_none());
    }
    let operator = site.fleet.org.member(Role::Operator, None);
    assert!(rooms::create(db, &operator, site.wanted(&site.new.root)).await.is_ok());
    let theirs = site.fleet.test.org("Theirs").await;
    let unknown = rooms::create(db, &theirs.owner, site.wanted(&site.new.root)).await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })), "{unknown:?}");
    let tx = db.read(&theirs.owner).await.expect("a transaction");
    assert!(matches!(rooms::get(&tx, change.id).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn r4_r22_what_cannot_be_brought_from_here_and_what_nobody_has_read_leave_it_open() {
    let site = Site::new().await;
    let (responders, nodes) = site.add("responders", "cer", 1).await;
    site.trust(responders, nodes[0], STORE, &site.old.root).await;
    for node in &site.nodes[..2] {
        site.trust(site.cluster, *node, "CAPF-trust", &site.old.root).await;
    }
    let elsewhere = site.fleet.cluster(site.fleet.group, "unread", "cucm", "14").await;
    let unread = site
        .fleet
        .nodes(elsewhere, ConnectorKind::CiscoUc, 1, site.agent, None)
        .await;
    site.fleet.set("node", unread[0], "name", "unread").await;
    site.fleet
        .set("node", site.nodes[2], "fault_message", "no answer")
        .await;
    let servers = site.fleet.servers(1).await.1;
    let change = site.begin().await;
    let told: Vec<(String, String, &str, String)> = site
        .places(change.id)
        .await
        .into_iter()
        .map(|(node, store, state, code)| (node, store, state, code.unwrap_or_default()))
        .collect();
    let row =
        |node: &str, store: &str, state, code: &str| (node.to_string(), store.to_string(), state, code.to_string());
    assert_eq!(
        told,
        [
            row("node-00000", "CAPF-trust", "missing", "missing"),
            row("node-00000", STORE, "missing", "missing"),
            row("node-00001", "CAPF-trust", "refused", "publisher_only"),
            row("node-00001", STORE, "missing", "missing"),
            row("node-00002", STORE, "unreachable", "unreachable"),
            row("node-00000", STORE, "refused", "product_excluded"),
            row("unread", "", "never_read", "never_read"),
        ],
        "servers without trust stores are none of it: {servers}"
    );
    let progress = site.progress(change.id).await;
    assert_eq!((progress.coverage.total(), progress.coverage.lacking()), (7, 7));

    // The plan says the same of each, and nothing is planned where nothing is known.
    let plan = site.plan(change.id, Phase::Distribute, "").await.expect("a plan");
    let mut refused: Vec<String> = site
        .targets(&plan)
        .await
        .into_iter()
        .filter_map(|target| target.refusal_code)
        .collect();
    refused.sort();
    assert_eq!(refused, ["product_excluded", "publisher_only"]);
    let verify = site.plan(change.id, Phase::Verify, "").await.expect("a plan");
    assert_eq!(
        (verify.action.as_str(), verify.targets + verify.refused),
        ("refresh", 5)
    );

    // A scope leaves out what is not meant, and says what hangs on it.
    let tx = site.fleet.test.db.write(site.owner()).await.expect("a transaction");
    let narrowed = RootChangeUpdate {
        within: Some(Within {
            cluster_ids: vec![responders],
            ..Within::default()
        }),
        ..RootChangeUpdate::default()
    };
    let stale = rooms::update(&tx, change.id, Some(9), narrowed.clone()).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    let changed = rooms::update(&tx, change.id, Some(1), narrowed)
        .await
        .expect("it is changed");
    assert_eq!(changed.version, 2);
    tx.commit().await.expect("it is kept");
    site.trust(responders, nodes[0], STORE, &site.new.root).await;
    let progress = site.progress(change.id).await;
    assert_eq!((progress.coverage.total(), progress.coverage.lacking()), (1, 0));
    assert_eq!((progress.identities.old, progress.identities.outside), (0, 3));
    assert_eq!(
        code(site.plan(change.id, Phase::Retire, "").await),
        "identities_outside_scope"
    );
    assert_eq!(field(site.close(change.id, "").await), [("reason".into(), "required")]);
    let closed = site
        .close(change.id, "the CA keeps its root")
        .await
        .expect("it is closed");
    assert_eq!(closed.state, State::Cancelled);
}

#[tokio::test]
async fn a_root_that_was_lost_meanwhile_is_missed_and_a_cross_signed_one_is_not_taken_for_the_old() {
    let site = Site::new().await;
    let change = site.begin().await;
    // A person took the old one from a node by hand, before the new one was there.
    let row = site.coverage(change.id, &CoverageFilter::default()).await;
    site.sql("UPDATE installation SET gone_at = installed_at WHERE kind = 'trust'")
        .await;
    assert_eq!(site.places(change.id).await, []);
    let lost = vec![
        ("id", Uuid::now_v7().into()),
        ("certificate_id", site.old_id.into()),
        ("node_id", row[0].node_id.into()),
        ("cluster_id", site.cluster.into()),
        ("product", "cucm".into()),
        ("store", STORE.into()),
        ("entry", "a".into()),
        ("sha256", "".into()),
        ("common_name", "".into()),
        ("removed_at", noon().into()),
    ];
    site.fleet.insert("quarantine", vec![lost]).await;
    assert_eq!(
        site.places(change.id).await,
        [("node-00000".into(), STORE.into(), "missing", Some("missing".into()))]
    );

    // The old root has signed the new CA across: what that has signed chains to both, and counts as new.
    site.switch_all().await;
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    let profile = |subject: &str| Profile {
        subject: Subject(vec![("CN".into(), subject.into())]),
        sans: Vec::new(),
        ca: Some(None),
        key_usage: vec!["keyCertSign"],
        extended_key_usage: Vec::new(),
        not_before: noon() - Duration::days(10),
        not_after: noon() + Duration::days(900),
        hash: Hash::Sha256,
    };
    let old = self_signed(&key, &profile("Old root")).expect("a root");
    let cross = issue(&old, &key, &site.new.root.spki_der, &profile("New root")).expect("a cross certificate");
    site.trust(site.cluster, site.nodes[0], STORE, &cross).await;
    let tx = site.fleet.test.db.read(site.owner()).await.expect("a transaction");
    let change = rooms::get(&tx, change.id).await.expect("it is there");
    let page = rooms::identities(&tx, &change, &IdentityFilter::default(), None, 2)
        .await
        .expect("a page");
    assert!(page.next.is_some());
    let rest = rooms::identities(&tx, &change, &IdentityFilter::default(), page.next, 2)
        .await
        .expect("a page");
    let all: Vec<IdentityState> = page.items.iter().chain(&rest.items).map(|row| row.state).collect();
    assert_eq!(all, [IdentityState::New; 3]);
    let old = IdentityFilter {
        states: vec![IdentityState::Old],
        ..IdentityFilter::default()
    };
    assert_eq!(
        rooms::identities(&tx, &change, &old, None, 2)
            .await
            .expect("a page")
            .items,
        []
    );
}
