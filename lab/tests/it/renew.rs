//! Renewal, reuse and deletion, by the command line.

use crate::{
    ssh::Terminal,
    support::{Client, start},
};
use certyard_lab::{Lab, Operation};
use certyard_pki::Certificate;
use serde_json::json;

async fn regenerate(terminal: &mut Terminal, unit: &str) -> String {
    terminal
        .try_until(&format!("set cert regen {unit}"), "(yes|no)?")
        .await
        .unwrap();
    terminal.run("yes").await
}

async fn file_of(client: &Client, store: &str, sha256: &str) -> Option<String> {
    let (_, body) = client.get(&format!("/trust/certificate?service={store}")).await;
    let files = body["certificates"].as_array().unwrap();
    let pem = |file: &serde_json::Value| Certificate::from_pem(file["certificate"].as_str().unwrap()).unwrap();
    let found = files.iter().find(|file| pem(file).sha256_hex() == sha256)?;
    Some(found["filename"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_renewal_makes_another_self_signed_certificate_which_the_cluster_trusts() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-sub1");
    let before = client.identity("tomcat").await;
    let mut terminal = Terminal::of(&client.node).await;
    let text = regenerate(&mut terminal, "tomcat").await;
    assert!(
        text.contains("Successfully Regenerated Certificate for tomcat"),
        "{text}"
    );
    let after = client.identity("tomcat").await;
    assert_ne!(after.sha256, before.sha256);
    assert_ne!(after.spki_der, before.spki_der);
    assert!(after.is_self_signed());
    assert_eq!((after.not_after - after.not_before).num_days(), 5 * 365);
    let other = Client::of(&lab, "sto-cm-pub");
    assert!(other.trusted("tomcat").await.contains(&after.sha256_hex()));
    assert_eq!(lab.effects("sto-cm-sub1", Operation::Regenerate), 1);
}

#[tokio::test]
async fn capf_and_itl_recovery_are_renewed_on_the_publisher_and_the_oauth_key_is_not() {
    let (_dir, lab) = start(1).await;
    let mut publisher = Terminal::of(&lab.node("sto-cm-pub").unwrap()).await;
    let mut subscriber = Terminal::of(&lab.node("sto-cm-sub1").unwrap()).await;
    for unit in ["CAPF", "ITLRecovery"] {
        let text = regenerate(&mut subscriber, unit).await;
        assert!(text.contains("on the publisher only"), "{text}");
        let text = regenerate(&mut publisher, unit).await;
        assert!(text.contains("Successfully"), "{text}");
    }
    let text = regenerate(&mut publisher, "AUTHZ").await;
    assert!(text.contains("set key regen authz signing"), "{text}");
    assert!(regenerate(&mut publisher, "nothing").await.contains("Invalid service"));
}

/// Gives a cluster one `tomcat` certificate for all nodes, signed by the outside CA.
async fn multi_server_tomcat(lab: &Lab, node: &str) -> Certificate {
    let client = Client::of(lab, node);
    let csr = client
        .csr_by(json!({ "service": "tomcat", "distribution": "multi-server" }))
        .await;
    let answer = lab.outside_ca().sign(&csr.to_pem(), 30).unwrap();
    assert_eq!(
        client.trust("tomcat", &[&answer.root, &answer.intermediate]).await.0,
        201
    );
    assert_eq!(client.upload("tomcat", &answer.leaf.to_pem()).await.0, 200);
    let (_, body) = client.trust("CallManager", &[&answer.root, &answer.intermediate]).await;
    assert!(body["message"].is_string());
    answer.leaf
}

#[tokio::test]
async fn r39_tomcat_is_reused_by_call_manager_on_every_node_from_release_14_on() {
    let (_dir, lab) = start(3).await;
    let node = lab.node("sto-cc-pub").unwrap();
    let mut terminal = Terminal::of(&node).await;
    for unit in ["TVS", "ipsec"] {
        let text = terminal.run(&format!("set cert reuse tomcat {unit}")).await;
        assert!(text.contains("cannot be reused"), "{text}");
    }
    let leaf = multi_server_tomcat(&lab, &node.name).await;
    let text = terminal.run("set cert reuse tomcat CallManager").await;
    assert!(text.contains("Successfully"), "{text}");
    for name in ["sto-cc-pub", "sto-cc-sub4"] {
        let client = Client::of(&lab, name);
        assert_eq!(client.identity("CallManager").await.sha256, leaf.sha256, "{name}");
    }
    terminal.run("set cert reuse tomcat CallManager").await;
    assert_eq!(lab.effects("sto-cc-pub", Operation::ReuseTomcat), 1, "twice is once");
    let mut presence = Terminal::of(&lab.node("sto-im-pub").unwrap()).await;
    let text = presence.run("set cert reuse tomcat cup").await;
    assert!(text.contains("cannot be reused"), "{text}");
}

#[tokio::test]
async fn r39_an_old_release_reuses_nothing_and_renews_for_one_node_alone() {
    let (_dir, lab) = start(6).await;
    let node = lab.node("got-cm-pub").unwrap();
    assert_eq!(node.version, "12.5");
    let mut terminal = Terminal::of(&node).await;
    let text = terminal.run("set cert reuse tomcat CallManager").await;
    assert!(text.contains("12.5"), "{text}");
    let show = async |name: &str| {
        let mut terminal = Terminal::of(&lab.node(name).unwrap()).await;
        terminal.run("show cert own tomcat").await
    };
    let neighbour = show("got-cm-sub1").await;
    assert!(regenerate(&mut terminal, "tomcat").await.contains("Successfully"));
    assert_eq!(show("got-cm-sub1").await, neighbour);
}

#[tokio::test]
async fn r23_what_is_deleted_is_gone_everywhere_and_once_more_says_that_it_is_not_there() {
    let (_dir, lab) = start(1).await;
    let (publisher, subscriber) = (Client::of(&lab, "sto-cm-pub"), Client::of(&lab, "sto-cm-sub1"));
    let ca = lab
        .outside_ca()
        .sign(&publisher.csr("tomcat").await.to_pem(), 30)
        .unwrap()
        .root;
    let sha256 = ca.sha256_hex();
    for store in ["tomcat", "TVS"] {
        for client in [&publisher, &subscriber] {
            assert_eq!(client.trust(store, &[&ca]).await.0, 201);
        }
    }
    let mut terminal = Terminal::of(&publisher.node).await;
    for (store, stays) in [("tomcat", false), ("TVS", true)] {
        let file = file_of(&publisher, store, &sha256).await.unwrap();
        let command = format!("set cert delete {store}-trust {file}");
        assert!(terminal.run(&command).await.contains("Successfully deleted"));
        let again = terminal.run(&command).await;
        assert!(
            again.contains("Certificate cannot be deleted as it does not exist on this node"),
            "{again}"
        );
        assert_eq!(file_of(&subscriber, store, &sha256).await.is_some(), stays, "{store}");
    }
    assert_eq!(lab.effects("sto-cm-pub", Operation::TrustDelete), 2);
    let own = terminal.run("set cert delete tomcat tomcat.pem").await;
    assert!(own.contains("Only trust certificates"), "{own}");
}
