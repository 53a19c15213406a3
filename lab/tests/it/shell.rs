//! The command line: sign-in, shapes of its answers by release, faults.

use crate::{
    ssh::{Terminal, sign_in},
    support::{Client, options, start, until},
};
use certyard_lab::{Lab, NodeInfo, Operation, Version};
use certyard_pki::{Certificate, Csr};

/// A fleet with every product and release.
async fn all() -> (tempfile::TempDir, Lab) {
    start(12).await
}

fn publisher(lab: &Lab, product: &str, version: Version) -> NodeInfo {
    let fits = |node: &NodeInfo| (node.product.as_str(), node.version.as_str()) == (product, version.as_str());
    lab.nodes()
        .into_iter()
        .find(|node| fits(node) && node.role == "publisher")
        .unwrap()
}

#[tokio::test]
async fn the_password_opens_it_and_the_host_key_stays_over_restarts() {
    let (dir, lab) = start(1).await;
    let node = lab.node("sto-cm-pub").unwrap();
    assert!(sign_in(&node, "wrong").await.is_none());
    assert_eq!(Terminal::of(&node).await.host_key, node.ssh_host_key);
    assert_ne!(lab.node("sto-cm-sub1").unwrap().ssh_host_key, node.ssh_host_key);
    lab.shutdown().await;
    let lab = Lab::start(options(dir.path(), 1)).await.unwrap();
    let again = lab.node("sto-cm-pub").unwrap();
    assert_eq!(Terminal::of(&again).await.host_key, node.ssh_host_key);
}

#[tokio::test]
async fn lists_have_the_shape_of_their_release_and_show_prints_the_certificate() {
    let (_dir, lab) = all().await;
    for version in Version::ALL {
        let node = publisher(&lab, "cucm", version);
        let mut terminal = Terminal::of(&node).await;
        let own = terminal.run("show cert list own").await;
        if version == Version::V15 {
            assert!(own.contains("tomcat/tomcat.pem: "), "{own}");
        } else {
            assert!(own.contains("Unit: tomcat\nType: own\nName: tomcat\nIssuer: "), "{own}");
        }
        let trust = terminal.run("show cert list trust").await;
        assert!(trust.contains("tomcat-trust"), "{trust}");
        let shown = terminal.run("show cert own tomcat/tomcat.pem").await;
        let at = shown.find("-----BEGIN").unwrap();
        let tomcat = Certificate::from_pem(&shown[at..]).unwrap();
        assert_eq!(tomcat.sha256_hex(), node.sha256, "it is what the port serves");
        let spelled = terminal.run("show version active").await;
        assert!(
            spelled.contains(&format!("Active Master Version: {}", version.as_str())),
            "{spelled}"
        );
    }
}

#[tokio::test]
async fn before_release_14_the_path_of_the_api_is_a_page_that_is_not_there() {
    let (_dir, lab) = all().await;
    for version in Version::ALL {
        let client = Client::new(publisher(&lab, "cucm", version));
        let answered = client.try_send("GET", "/snapshot/server", None).await;
        assert_eq!(
            answered.is_ok(),
            version.has_rest(),
            "{version:?}: an old node answers no JSON"
        );
    }
    let node = publisher(&lab, "cucm", Version::V12_5);
    assert!(
        !crate::support::served(&node).await.is_empty(),
        "its web server is there"
    );
    let refused = lab
        .requests()
        .into_iter()
        .filter(|request| request.status == 404)
        .count();
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn the_network_lists_every_node_of_the_cluster_with_its_role() {
    let (_dir, lab) = start(1).await;
    let text = Terminal::of(&lab.node("sto-cm-sub1").unwrap())
        .await
        .run("show network cluster")
        .await;
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(
        lines[0][..6],
        [
            "127.0.0.1",
            "sto-cm-pub.holmgard.example",
            "sto-cm-pub",
            "Publisher",
            "callmanager",
            "DBPub"
        ]
    );
    assert_eq!(lines[1][3], "Subscriber");
}

#[tokio::test]
async fn a_csr_is_made_shown_answered_and_gone() {
    let (_dir, lab) = all().await;
    let node = publisher(&lab, "cucm", Version::V12_5);
    let mut terminal = Terminal::of(&node).await;
    let made = terminal.run("set csr gen tomcat").await;
    assert!(made.contains("Successfully Generated CSR  for tomcat"), "{made}");
    assert_eq!(terminal.run("show csr list own").await, "tomcat/tomcat.csr\n");
    let csr = Csr::from_pem(&terminal.run("show csr own tomcat").await).unwrap();
    let answer = lab.outside_ca().sign(&csr.to_pem(), 30).unwrap();
    let early = terminal
        .paste("set cert import own tomcat", &answer.leaf.to_pem())
        .await;
    assert!(early.contains("CA certificate is not available"), "{early}");
    for issuer in [&answer.root, &answer.intermediate] {
        let done = terminal.paste("set cert import trust tomcat", &issuer.to_pem()).await;
        assert!(done.contains("Successfully imported"), "{done}");
    }
    let done = terminal
        .paste("set cert import own tomcat", &answer.leaf.to_pem())
        .await;
    assert!(done.contains("Successfully imported"), "{done}");
    assert_eq!(terminal.run("show csr list own").await, "");
    assert_eq!(
        lab.node(&node.name).unwrap().sha256,
        node.sha256,
        "the old one is served"
    );
    let restarted = terminal.run("utils service restart Cisco Tomcat").await;
    assert!(restarted.contains("Cisco Tomcat[STARTED]"), "{restarted}");
    assert_eq!(lab.node(&node.name).unwrap().sha256, answer.leaf.sha256_hex());
    assert_eq!(crate::support::served(&node).await[0].sha256, answer.leaf.sha256);
    assert_eq!(lab.effects(&node.name, Operation::ServiceRestart), 1);
}

#[tokio::test]
async fn from_release_14_on_a_csr_has_its_question_and_can_be_deleted() {
    let (_dir, lab) = start(1).await;
    let node = lab.node("sto-cm-pub").unwrap();
    let mut terminal = Terminal::of(&node).await;
    let question = terminal.try_until("set csr gen tomcat", "(yes|no)?").await.unwrap();
    assert!(question.starts_with("Include OU in CSR"), "{question}");
    assert!(terminal.run("no").await.contains("Successfully Generated"));
    assert!(
        terminal
            .run("set csr delete tomcat")
            .await
            .contains("Successfully deleted")
    );
    assert!(terminal.run("set csr delete tomcat").await.contains("does not exist"));
    assert_eq!(lab.effects("sto-cm-pub", Operation::CsrDelete), 1);
}

#[tokio::test]
async fn faults_hold_on_the_command_line_too() {
    let (_dir, lab) = start(1).await;
    let node = lab.node("sto-cm-pub").unwrap();
    lab.fault("sto-cm-pub:trust-delete:500:1").await.unwrap();
    lab.fault("sto-cm-pub:regenerate:drop:1").await.unwrap();
    lab.fault("sto-cm-pub:service-restart:lost:1").await.unwrap();
    let mut terminal = Terminal::of(&node).await;
    let text = terminal.run("set cert delete tomcat-trust x.pem").await;
    assert!(text.contains("told to fail here (500)"), "{text}");
    terminal.try_until("set cert regen tomcat", "(yes|no)?").await.unwrap();
    assert!(terminal.try_until("yes", "admin:").await.is_none(), "it hangs up");
    assert_eq!(lab.effects("sto-cm-pub", Operation::Regenerate), 0);
    let mut terminal = Terminal::of(&node).await;
    assert!(
        terminal
            .try_until("utils service restart Cisco TFTP", "admin:")
            .await
            .is_none()
    );
    assert_eq!(lab.effects("sto-cm-pub", Operation::ServiceRestart), 1);
    lab.fault("sto-cm-pub:offline").await.unwrap();
    assert!(sign_in(&node, &node.password).await.is_none());
    lab.clear_faults("*").await.unwrap();
    until("the node is back", async || {
        sign_in(&node, &node.password).await.is_some()
    })
    .await;
}

#[tokio::test]
async fn the_command_line_takes_no_certificate_for_several_nodes_from_14su2_on() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let csr = client
        .csr_by(serde_json::json!({ "service": "tomcat", "distribution": "multi-server" }))
        .await;
    let answer = lab.outside_ca().sign(&csr.to_pem(), 90).unwrap();
    client.trust("tomcat", &answer.issuers()).await;
    let mut terminal = Terminal::of(&lab.node("sto-cm-pub").unwrap()).await;
    let told = terminal.paste("set cert import own tomcat", &answer.pem_leaf()).await;
    assert!(told.contains("not supported through the CLI"), "{told}");
    assert_eq!(lab.effects("sto-cm-pub", Operation::IdentityUpload), 0);
    let (status, _) = client.upload("tomcat", &answer.pem_leaf()).await;
    assert_eq!(status, 200, "its API takes it");
}

#[tokio::test]
async fn r23_what_somebody_else_has_deleted_is_absent_in_the_words_of_the_release() {
    let (_dir, lab) = start(6).await;
    for version in [Version::V12_5, Version::V14] {
        let node = publisher(&lab, "cucm", version);
        let held = || {
            lab.stores(&node.name)
                .unwrap()
                .trusts
                .remove("TVS-trust")
                .unwrap()
                .len()
        };
        let before = held();
        let mut terminal = Terminal::of(&node).await;
        let list = terminal.run("show cert list trust").await;
        let block = list.split("Unit: ").find(|block| block.starts_with("TVS-trust"));
        let name = block
            .and_then(|block| block.lines().find_map(|line| line.strip_prefix("Name: ")))
            .unwrap();
        lab.fault(&format!("{}:trust-delete:absent:1", node.name))
            .await
            .unwrap();
        // With the fault, and once more where it is gone indeed.
        for _ in 0..2 {
            let text = terminal.run(&format!("set cert delete TVS-trust {name}.pem")).await;
            assert_eq!(text.contains("File not found"), version < Version::V14, "{text}");
            assert!(text.contains("does not exist on this node"), "{text}");
            assert_eq!(held(), before - 1);
        }
        assert_eq!(
            lab.effects(&node.name, Operation::TrustDelete),
            0,
            "somebody else did it"
        );
    }
}
