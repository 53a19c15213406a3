//! What can go wrong with an nginx, and that it goes on serving.

use crate::conformance::{Desk, Free, payload};
use crate::nginx::{NAME, OTHER, PURPOSE, TestNginx, install_steps};
use async_trait::async_trait;
use certyard_agent::connector::Connector;
use certyard_agent::execute::Lease;
use certyard_agent::nodes::NginxSettings;
use certyard_lab::{Answer, Mistake};
use certyard_protocol::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

fn task(steps: Vec<Step>) -> TaskPayload {
    payload(ConnectorKind::Nginx, steps)
}

/// An nginx with an open CSR and the answer to it.
async fn asked() -> (TestNginx, Desk, Answer) {
    let nginx = TestNginx::start().await;
    let desk = Desk::new();
    let result = desk.run(&nginx.connector(), &task(vec![nginx.csr_step()])).await;
    let answer = nginx.ca.sign(&result.csr_pem.unwrap(), 30).unwrap();
    (nginx, desk, answer)
}

async fn assert_untouched(nginx: &TestNginx, old: &str) {
    assert_eq!(nginx.served(NAME).await, old, "the old certificate is served");
    nginx.assert_working_pair();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_served_on_all_addresses_and_leaves_the_other_site_alone() {
    let (nginx, desk, answer) = asked().await;
    let other = nginx.served(OTHER).await;
    let result = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    assert_eq!(result.steps[2].note, "served at 4 of 4 addresses and names");
    assert_eq!(nginx.served(NAME).await, answer.leaf.sha256_hex());
    assert_eq!(nginx.served(OTHER).await, other);
    let shown = certyard_agent::wire::look(&format!("127.0.0.1:{}", nginx.second_port), NAME, None)
        .await
        .unwrap();
    assert_eq!(
        shown.chain,
        [answer.leaf.der.clone(), answer.intermediate.der.clone()],
        "leaf and intermediate, no root"
    );
    nginx.assert_working_pair();
    let config = std::fs::read_to_string(nginx.temp.path().join("sites/a.conf")).unwrap();
    assert!(
        config.contains(&format!("ssl_certificate ssl/{NAME}.pem")),
        "no configuration was rewritten"
    );
    let link = std::fs::read_link(nginx.temp.path().join(format!("ssl/{NAME}.key"))).unwrap();
    assert_eq!(link, nginx.folder().join("current/key.pem"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_rolled_back_and_the_old_certificate_stays_served() {
    let (nginx, desk, answer) = asked().await;
    let old = nginx.served(NAME).await;
    let broken = nginx.temp.path().join("sites/broken.conf");
    std::fs::write(&broken, "no_such_directive on;").unwrap();
    let result = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(
        (result.outcome, result.node_state),
        (Outcome::Failed, NodeState::RolledBack)
    );
    let failure = result.failure.unwrap();
    assert_eq!(failure.code, "config_check_failed");
    assert!(
        failure.message.contains("no_such_directive"),
        "nginx's own words: {}",
        failure.message
    );
    std::fs::remove_file(&broken).unwrap();
    assert_untouched(&nginx, &old).await;
    let csrs = nginx.connector().inventory().await.unwrap().csrs;
    assert_eq!(csrs.len(), 1, "the CSR is open again");
    let again = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(again.outcome, Outcome::Succeeded, "{:?}", again.failure);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_fails_or_does_nothing_is_rolled_back() {
    let (nginx, desk, answer) = asked().await;
    let old = nginx.served(NAME).await;
    for (argv, code) in [(vec!["/bin/false"], "reload_failed"), (vec!["/bin/true"], "not_served")] {
        let settings = NginxSettings {
            reload_argv: argv.into_iter().map(String::from).collect(),
            ..nginx.settings()
        };
        let connector = certyard_agent::connectors::nginx::Nginx::new("web", settings);
        let result = desk.run(&connector, &task(install_steps(PURPOSE, &answer))).await;
        assert_eq!(result.outcome, Outcome::Failed);
        assert_eq!(result.failure.unwrap().code, code);
        let wanted = if code == "not_served" {
            NodeState::RolledBack
        } else {
            NodeState::RollbackFailed
        };
        assert_eq!(result.node_state, wanted, "{code}");
        assert_untouched(&nginx, &old).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_key_or_out_of_its_time_or_chain_touches_nothing() {
    let (nginx, desk, answer) = asked().await;
    let old = nginx.served(NAME).await;
    let csr = nginx.connector().inventory().await.unwrap().csrs[0].csr_pem.clone();
    let mut wrong = vec![];
    for (mistake, code) in [
        (Mistake::WrongKey, "key_mismatch"),
        (Mistake::Expired, "chain_broken"),
        (Mistake::NotYetValid, "chain_broken"),
    ] {
        wrong.push((nginx.ca.sign_badly(&csr, 30, Some(&mistake)).unwrap(), code));
    }
    let swapped = Answer {
        intermediate: answer.root.clone(),
        root: answer.intermediate.clone(),
        ..answer
    };
    wrong.push((swapped, "chain_broken"));
    for (answer, code) in wrong {
        let result = desk
            .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
            .await;
        assert_eq!(
            (result.outcome, result.node_state),
            (Outcome::Failed, NodeState::NotStarted),
            "{code}"
        );
        assert_eq!(result.failure.unwrap().code, code);
        assert_untouched(&nginx, &old).await;
    }
    assert_eq!(nginx.count("releases"), 0, "not even adopted");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_folders_of_others_are_refused() {
    let (nginx, desk, answer) = asked().await;
    let old = nginx.served(NAME).await;
    let file = nginx.temp.path().join(format!("ssl/{NAME}.pem"));
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("www.pem");
    std::fs::rename(&file, &target).unwrap();
    std::os::unix::fs::symlink(&target, &file).unwrap();
    let refused = |result: TaskResult| {
        assert_eq!(result.node_state, NodeState::NotStarted);
        assert_eq!(result.failure.unwrap().code, "path_not_allowed");
    };
    refused(
        desk.run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
            .await,
    );
    // The same file in the configuration itself, in a folder that was not allowed; then it is.
    let site = nginx.temp.path().join("sites/a.conf");
    let config = std::fs::read_to_string(&site).unwrap();
    let outside = config.replace(&format!("ssl/{NAME}.pem"), target.to_str().unwrap());
    std::fs::write(&site, outside).unwrap();
    refused(
        desk.run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
            .await,
    );
    assert_eq!(nginx.served(NAME).await, old);
    assert!(!target.is_symlink(), "nothing was written there");
    let settings = NginxSettings {
        allowed: vec![elsewhere.path().into()],
        ..nginx.settings()
    };
    let allowed = certyard_agent::connectors::nginx::Nginx::new("web", settings);
    let result = desk.run(&allowed, &task(install_steps(PURPOSE, &answer))).await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    // A link in place of the agent's own folder leads nowhere.
    let certyard = nginx.temp.path().join("certyard");
    std::fs::rename(&certyard, elsewhere.path().join("moved")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("moved"), &certyard).unwrap();
    refused(desk.run(&nginx.connector(), &task(vec![nginx.csr_step()])).await);
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .output()
        .is_ok_and(|output| output.status.success())
}

struct Mount<'a>(&'a Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_readonly_disk_fails_cleanly_and_recovers() {
    let (nginx, desk, answer) = asked().await;
    let old = nginx.served(NAME).await;
    let folder = nginx.temp.path().join("certyard");
    let kept = nginx.temp.path().join("kept");
    run("cp", &["-a", folder.to_str().unwrap(), kept.to_str().unwrap()]);
    if !run(
        "mount",
        &[
            "-t",
            "tmpfs",
            "-o",
            "size=64k,mode=755",
            "tmpfs",
            folder.to_str().unwrap(),
        ],
    ) {
        println!("not proven here: no right to mount a small disk");
        return;
    }
    let mount = Mount(&folder);
    run(
        "cp",
        &["-a", kept.join(NAME).to_str().unwrap(), folder.to_str().unwrap()],
    );
    let filler = folder.join("filler");
    let _ = std::fs::write(&filler, vec![0u8; 1 << 20]);
    let result = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(
        (result.outcome, result.node_state),
        (Outcome::Failed, NodeState::NotStarted),
        "{:?}",
        result.failure
    );
    assert_eq!(result.failure.unwrap().code, "node_disk");
    assert_untouched(&nginx, &old).await;
    std::fs::remove_file(&filler).unwrap();
    assert!(run("mount", &["-o", "remount,ro", folder.to_str().unwrap()]));
    let result = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(result.node_state, NodeState::NotStarted);
    assert_untouched(&nginx, &old).await;
    assert!(run("mount", &["-o", "remount,rw", folder.to_str().unwrap()]));
    let result = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(
        result.outcome,
        Outcome::Succeeded,
        "space came back: {:?}",
        result.failure
    );
    drop(mount);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_releases_are_kept_and_keys_are_private() {
    let (nginx, desk, _) = asked().await;
    for _ in 0..5 {
        let result = desk.run(&nginx.connector(), &task(vec![nginx.csr_step()])).await;
        let answer = nginx.ca.sign(&result.csr_pem.unwrap(), 30).unwrap();
        let result = desk
            .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
            .await;
        assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    }
    assert_eq!(nginx.count("releases"), 3);
    assert!(nginx.count("requests") <= 3);
    for kind in ["releases", "requests"] {
        for entry in std::fs::read_dir(nginx.folder().join(kind)).unwrap() {
            let key = entry.unwrap().path().join("key.pem");
            assert_eq!(std::fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_that_was_cut_off_between_its_two_links_goes_on() {
    let (nginx, desk, answer) = asked().await;
    let old = nginx.served(NAME).await;
    let ssl = nginx.temp.path().join("ssl");
    let key = std::fs::read(ssl.join(format!("{NAME}.key"))).unwrap();
    let installed = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(installed.outcome, Outcome::Succeeded);
    // As it stood after the first link: `current` at the adopted pair, the key still a plain file.
    let link = nginx.folder().join("current");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(format!("releases/{old}"), &link).unwrap();
    let file = ssl.join(format!("{NAME}.key"));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, key).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    nginx.assert_working_pair();
    let result = desk
        .run(&nginx.connector(), &task(install_steps(PURPOSE, &answer)))
        .await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    assert!(file.is_symlink());
    nginx.assert_working_pair();
    assert_eq!(nginx.served(NAME).await, answer.leaf.sha256_hex());
}

/// Asks to stop as soon as a step was done.
struct StopAfterFirst(AtomicBool);

#[async_trait]
impl Lease for StopAfterFirst {
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    fn lost(&self) -> bool {
        Free.lost()
    }
    async fn progress(&self, _step: StepKind, _message: &str) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_puts_the_old_certificate_back() {
    let (nginx, desk, answer) = asked().await;
    let old = nginx.served(NAME).await;
    let lease = StopAfterFirst(AtomicBool::new(false));
    let result = desk
        .run_with(&nginx.connector(), &task(install_steps(PURPOSE, &answer)), &lease)
        .await;
    assert_eq!(
        (result.outcome, result.node_state),
        (Outcome::Failed, NodeState::RolledBack)
    );
    assert_eq!(result.failure.unwrap().code, "cancelled");
    assert_untouched(&nginx, &old).await;
    let early = StopAfterFirst(AtomicBool::new(true));
    let result = desk
        .run_with(&nginx.connector(), &task(install_steps(PURPOSE, &answer)), &early)
        .await;
    assert_eq!(
        (result.outcome, result.node_state),
        (Outcome::Cancelled, NodeState::NotStarted)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_read_is_told_and_not_taken_for_gone() {
    let nginx = TestNginx::start().await;
    let other = format!("nginx:{OTHER}");
    let file = nginx.temp.path().join(format!("ssl/{OTHER}.pem"));
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, told) in [(Some(odd), odd), (Some("a note"), ""), (None, "")] {
        match text {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let found = nginx.connector().inventory().await.unwrap();
        let entry = found.entries.iter().find(|entry| entry.store == other).unwrap();
        assert_eq!(entry.certificate_pem, told);
        assert_eq!(
            crate::conformance::installed(&found, PURPOSE),
            nginx.served(NAME).await,
            "the other one is read"
        );
    }
    let site = nginx.temp.path().join("sites/a.conf");
    let text = std::fs::read_to_string(&site).unwrap();
    let bundle = "ssl_client_certificate ssl/none.pem; location /";
    std::fs::write(&site, text.replacen("location /", bundle, 1)).unwrap();
    let error = nginx.connector().inventory().await.unwrap_err();
    assert_eq!(error.code, "trust_unreadable");
    assert!(error.message.contains("ssl/none.pem"), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_rsa_and_an_ec_certificate_in_one_block_are_found_and_renewed_each_for_itself() {
    let nginx = TestNginx::start().await;
    nginx.add_rsa().await;
    let (connector, desk) = (nginx.connector(), Desk::new());
    let rsa = format!("{PURPOSE}#2");
    let pairs = [(PURPOSE, "EC", 256), (rsa.as_str(), "RSA", 2048)];
    let mut served = std::collections::HashMap::new();
    for (_, key_type, _) in pairs {
        served.insert(key_type, nginx.served_of(Some(key_type)).await.unwrap());
    }
    let found = connector.inventory().await.unwrap();
    for (purpose, key_type, _) in pairs {
        assert_eq!(crate::conformance::installed(&found, purpose), served[key_type]);
        let entry = found.entries.iter().find(|entry| entry.store == purpose).unwrap();
        assert_eq!(entry.served, Served::Served, "{purpose}");
    }
    let csr = |purpose: &str, key_type: &str, key_bits| {
        Step::GenerateCsr(CsrSpec {
            purpose: purpose.into(),
            common_name: NAME.into(),
            names: vec![NAME.into(), format!("alt-{NAME}")],
            key_type: key_type.into(),
            key_bits,
            hash: "SHA256".into(),
            subject: vec![],
            multi_server: false,
        })
    };
    // Twice: the first time adopts the files.
    for round in 1..=2 {
        for (purpose, key_type, bits) in pairs {
            let made = desk.run(&connector, &task(vec![csr(purpose, key_type, bits)])).await;
            assert_eq!(made.outcome, Outcome::Succeeded, "{:?}", made.failure);
            let answer = nginx.ca.sign(&made.csr_pem.unwrap(), 30).unwrap();
            let result = desk.run(&connector, &task(install_steps(purpose, &answer))).await;
            assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
            assert_eq!(result.steps[2].note, "served at 4 of 4 addresses and names");
            served.insert(key_type, answer.leaf.sha256_hex());
            for (_, key_type, _) in pairs {
                let now = nginx.served_of(Some(key_type)).await.unwrap();
                assert_eq!(now, served[key_type], "round {round}: {key_type} after {purpose}");
            }
        }
    }
    // A key of the other's type would take its place.
    for (purpose, other, bits) in [(PURPOSE, "RSA", 2048), (rsa.as_str(), "EC", 256)] {
        let result = desk.run(&connector, &task(vec![csr(purpose, other, bits)])).await;
        assert_eq!(result.node_state, NodeState::NotStarted);
        assert_eq!(result.failure.unwrap().code, "key_type_taken");
    }
    nginx.assert_working_pair();
}
