//! The lab as a program: commands from another process, and a lab that is killed.

use crate::support::{Client, openssl, pool_dir, served, until};
use certyard_lab::{LabFile, NodeInfo};
use std::{
    path::Path,
    process::{Output, Stdio},
};
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_certyard-lab");

struct Running {
    dir: tempfile::TempDir,
    child: Child,
}

async fn up(dir: tempfile::TempDir) -> Running {
    // The program keeps its pool in its folder; a copy of the shared one spares it the making of keys.
    let pool = dir.path().join("pool");
    if let (false, Ok(keys)) = (pool.exists(), std::fs::read_dir(pool_dir())) {
        std::fs::create_dir(&pool).unwrap();
        for key in keys
            .flatten()
            .filter(|key| key.path().extension().is_some_and(|ending| ending == "pem"))
        {
            std::fs::copy(key.path(), pool.join(key.file_name())).unwrap();
        }
    }
    // The file of a former start must not be taken for one of this start.
    let _ = std::fs::remove_file(dir.path().join("lab.json"));
    let child = Command::new(PROGRAM)
        .args(["up", "--clusters", "1", "--data"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let running = Running { dir, child };
    until("the lab answers", async || match running.read() {
        Some(file) => {
            let mut all = true;
            for node in &file.nodes {
                all &= tokio::net::TcpStream::connect(node.address).await.is_ok();
            }
            all
        }
        None => false,
    })
    .await;
    running
}

impl Running {
    fn read(&self) -> Option<LabFile> {
        serde_json::from_slice(&std::fs::read(self.dir.path().join("lab.json")).ok()?).ok()
    }

    fn node(&self, name: &str) -> NodeInfo {
        self.read()
            .unwrap()
            .nodes
            .into_iter()
            .find(|node| node.name == name)
            .unwrap()
    }

    async fn kill(mut self) -> tempfile::TempDir {
        // SIGKILL: no chance to write anything.
        self.child.kill().await.unwrap();
        self.dir
    }
}

async fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(arguments)
        .arg("--data")
        .arg(dir)
        .output()
        .await
        .unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test]
async fn the_way_of_a_certificate_by_commands_survives_a_kill_at_every_station() {
    let mut lab = up(tempfile::tempdir().unwrap()).await;
    let before = lab.read().unwrap().nodes;
    let csr = Client::new(lab.node("sto-cm-pub")).csr("tomcat").await;
    let file = lab.dir.path().join("tomcat.csr");
    std::fs::write(&file, csr.to_pem()).unwrap();

    lab = up(lab.kill().await).await;
    assert_eq!(lab.read().unwrap().nodes, before);
    let output = run(
        lab.dir.path(),
        &["sign", file.to_str().unwrap(), "--format", "pem", "--days", "30"],
    )
    .await;
    assert!(output.status.success(), "{}", text(&output));
    let signed = lab.dir.path().join("tomcat-signed.pem");
    assert!(
        text(&output).contains("tomcat-signed.pem written") && text(&output).contains("simulation"),
        "{}",
        text(&output)
    );
    let chain = std::fs::read(&signed).unwrap();
    let chain = certyard_pki::upload::read(&chain, &certyard_pki::upload::Limits::default(), false)
        .unwrap()
        .certificates;
    let client = Client::new(lab.node("sto-cm-pub"));
    assert_eq!(client.trust("tomcat", &[&chain[2], &chain[1]]).await.0, 201);

    lab = up(lab.kill().await).await;
    let client = Client::new(lab.node("sto-cm-pub"));
    assert_eq!(client.upload("tomcat", &chain[0].to_pem()).await.0, 200);

    lab = up(lab.kill().await).await;
    let node = lab.node("sto-cm-pub");
    assert_eq!(served(&node).await[0].sha256_hex(), node.sha256);
    assert_ne!(node.sha256, chain[0].sha256_hex());
    let output = run(lab.dir.path(), &["restart", "sto-cm-pub"]).await;
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(served(&node).await[0].sha256, chain[0].sha256);

    lab = up(lab.kill().await).await;
    assert_eq!(served(&lab.node("sto-cm-pub")).await[0].sha256, chain[0].sha256);
    let changes = std::fs::read_to_string(lab.dir.path().join("changes.ndjson")).unwrap();
    for step in ["csr-generate", "trust-upload", "identity-upload"] {
        assert_eq!(changes.matches(step).count(), 1, "{changes}");
    }
}

#[tokio::test]
async fn commands_to_a_lab_that_does_not_run_say_how_to_start_it() {
    let lab = up(tempfile::tempdir().unwrap()).await;
    let listed = run(lab.dir.path(), &["list"]).await;
    assert!(
        text(&listed).contains("sto-cm-sub2") && text(&listed).contains("the lab runs"),
        "{}",
        text(&listed)
    );
    let unknown = run(lab.dir.path(), &["restart", "nobody"]).await;
    assert!(
        !unknown.status.success() && text(&unknown).contains("nobody"),
        "{}",
        text(&unknown)
    );
    let dir = lab.kill().await;
    let listed = run(dir.path(), &["list"]).await;
    assert!(text(&listed).contains("does not run"), "{}", text(&listed));
    let refused = run(dir.path(), &["restart", "sto-cm-pub"]).await;
    assert!(
        !refused.status.success() && text(&refused).contains("certyard lab up"),
        "{}",
        text(&refused)
    );
    let empty = tempfile::tempdir().unwrap();
    for arguments in [&["list"][..], &["restart", "x"]] {
        let refused = run(empty.path(), arguments).await;
        assert!(
            !refused.status.success() && text(&refused).contains("certyard lab up"),
            "{}",
            text(&refused)
        );
    }
}

#[tokio::test]
async fn a_fault_is_set_and_ended_from_another_process() {
    let lab = up(tempfile::tempdir().unwrap()).await;
    let client = Client::new(lab.node("sto-cm-sub1"));
    assert!(
        run(lab.dir.path(), &["fault", "sto-cm-sub1:snapshot:503"])
            .await
            .status
            .success()
    );
    assert_eq!(client.get("/snapshot/server").await.0, 503);
    assert!(
        run(lab.dir.path(), &["fault", "sto-cm-sub1:none"])
            .await
            .status
            .success()
    );
    assert_eq!(client.get("/snapshot/server").await.0, 200);
    assert!(
        !run(lab.dir.path(), &["fault", "sto-cm-sub1:nap"])
            .await
            .status
            .success()
    );
}

#[tokio::test]
async fn a_command_without_the_token_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let lab = up(tempfile::tempdir().unwrap()).await;
    let control: serde_json::Value =
        serde_json::from_slice(&std::fs::read(lab.dir.path().join("control.json")).unwrap()).unwrap();
    let mut stream = tokio::net::TcpStream::connect(control["address"].as_str().unwrap())
        .await
        .unwrap();
    stream
        .write_all(b"{\"token\":\"x\",\"command\":\"restart\",\"target\":\"*\"}\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("the token is wrong"), "{answer}");
}

#[tokio::test]
async fn sign_reads_the_standard_input_and_writes_each_format() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.pem");
    let (content, csr) = openssl(
        &[
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key.to_str().unwrap(),
            "-subj",
            "/CN=any.example",
            "-addext",
            "subjectAltName=DNS:any.example",
        ],
        b"",
    )
    .await;
    assert!(content);
    let csr = &csr[csr.find("-----BEGIN").unwrap()..=csr.rfind("-----").unwrap() + 4];
    for (format, check) in [
        ("pem", &["x509", "-noout", "-subject"][..]),
        ("der", &["x509", "-inform", "der", "-noout", "-subject"]),
        ("p7b", &["pkcs7", "-inform", "der", "-print_certs", "-noout"]),
    ] {
        let out = dir.path().join(format!("out.{format}"));
        let mut child = Command::new(PROGRAM)
            .args([
                "sign",
                "-",
                "--format",
                format,
                "--out",
                out.to_str().unwrap(),
                "--data",
            ])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut input, csr.as_bytes())
            .await
            .unwrap();
        drop(input);
        assert!(child.wait().await.unwrap().success());
        let (content, text) = openssl(&[check, &["-in", out.to_str().unwrap()]].concat(), b"").await;
        assert!(content && text.contains("any.example"), "{text}");
    }
    let refused = run(dir.path(), &["sign", key.to_str().unwrap()]).await;
    assert!(
        !refused.status.success() && text(&refused).contains("certificate signing request"),
        "{}",
        text(&refused)
    );
}

#[tokio::test]
async fn help_teaches_and_says_that_it_is_a_simulation() {
    for command in ["up", "restart", "fault", "sign", "list"] {
        let output = Command::new(PROGRAM).args([command, "--help"]).output().await.unwrap();
        assert!(output.status.success());
    }
    let output = Command::new(PROGRAM).arg("--help").output().await.unwrap();
    assert!(text(&output).contains("simulat"), "{}", text(&output));
    let output = Command::new(PROGRAM).args(["up", "--help"]).output().await.unwrap();
    for part in ["NODE:STEP:lost[:TIMES]", "identity-upload", "lab.json"] {
        assert!(text(&output).contains(part), "{part}");
    }
}
