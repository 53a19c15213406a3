//! Starts that go wrong end at once and say why; what is lost can be set anew from the command line.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn certyard(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certyard"));
    // Made by the program itself, for nobody else to read.
    command.args(words).arg("--data").arg(data.join("data"));
    command
}

fn server(data: &Path) -> Command {
    let any = [
        "--listen",
        "127.0.0.1:0",
        "--agent-listen",
        "127.0.0.1:0",
        "--ops-listen",
        "off",
    ];
    let mut command = certyard(data, &["serve"]);
    command.args(any);
    command
}

/// The end of a program that has to end by itself.
fn ends(command: &mut Command) -> Output {
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > limit {
            let _ = child.kill();
            panic!("{command:?} goes on: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().unwrap()
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn a_server_whose_certificate_cannot_be_used_ends_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("tls.pem"), dir.path().join("tls.key"));
    std::fs::write(&chain, "").unwrap();
    for (what, reason) in [("no key", "tls.key"), ("no certificate", "there is none in the file")] {
        let ended = ends(
            server(dir.path())
                .arg("--tls-cert")
                .arg(&chain)
                .arg("--tls-key")
                .arg(&key),
        );
        let text = says(&ended);
        assert!(!ended.status.success(), "{what}: {text}");
        assert!(text.contains(reason), "{what}: {text}");
        assert!(!text.contains("Certyard listens"), "{what}: {text}");
        std::fs::write(&key, "").unwrap();
    }
}

#[test]
fn one_folder_has_one_server() {
    let dir = tempfile::tempdir().unwrap();
    let log = std::fs::File::create(dir.path().join("first.log")).unwrap();
    let mut first = server(dir.path())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    while !dir.path().join("data/setup-code").exists() {
        assert!(Instant::now() < limit, "the first one does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    let second = ends(&mut server(dir.path()));
    let worker = ends(certyard(dir.path(), &["worker"]).args(["--ops-listen", "off"]));
    first.kill().unwrap();
    first.wait().unwrap();
    for ended in [second, worker] {
        assert!(!ended.status.success());
        assert!(says(&ended).contains("another Certyard runs on"), "{}", says(&ended));
    }
}

#[test]
fn a_lost_password_is_set_anew_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "the first one of ada\n").unwrap();
    let reset = |email: &str| {
        ends(&mut certyard(
            dir.path(),
            &["admin", "reset-password", email, "--password-file", name],
        ))
    };

    let nothing = reset("ada@example.org");
    assert!(says(&nothing).contains("there is no database in"), "{}", says(&nothing));
    assert!(!dir.path().join("data/certyard.db").exists(), "looking makes none");

    let owner = ["--owner", "ada@example.org", "--owner-password-file", name];
    let made = ends(certyard(dir.path(), &["admin", "org", "create", "Example"]).args(owner));
    assert!(made.status.success(), "{}", says(&made));
    std::fs::write(&file, "aaaaaaaaaaaa").unwrap();
    let simple = reset("ada@example.org");
    assert!(
        !simple.status.success() && says(&simple).contains("5 different characters"),
        "{}",
        says(&simple)
    );
    std::fs::write(&file, "another one for ada\n").unwrap();
    let stranger = reset("bob@example.org");
    assert!(
        !stranger.status.success() && says(&stranger).contains("member"),
        "{}",
        says(&stranger)
    );
    let done = reset(" Ada@Example.org ");
    assert!(done.status.success(), "{}", says(&done));
}
