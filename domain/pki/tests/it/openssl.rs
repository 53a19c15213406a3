//! Runs the `openssl` command (3.0 or newer): the second opinion.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run printed.
pub struct Run {
    pub ok: bool,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs `openssl` with arguments and standard input.
pub fn run(arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the openssl command must be installed for these tests");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A closed pipe means that openssl has seen enough.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        ok: output.status.success(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `openssl` and wants success; returns what it printed.
pub fn must(arguments: &[&str], input: &[u8]) -> String {
    let run = run(arguments, input);
    assert!(
        run.ok,
        "openssl {arguments:?}: {}{}",
        String::from_utf8_lossy(&run.stdout),
        run.stderr
    );
    String::from_utf8(run.stdout).unwrap()
}

/// Verifies a chain as `openssl verify` does: leaf, intermediates, root, all in PEM.
pub fn verify(folder: &Path, leaf: &str, intermediates: &str, root: &str) {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (leaf, between, root) = (
        file("leaf.pem", leaf),
        file("between.pem", intermediates),
        file("root.pem", root),
    );
    let mut arguments = vec!["verify", "-x509_strict", "-check_ss_sig", "-CAfile", &root];
    if !intermediates.is_empty() {
        arguments.extend(["-untrusted", &between]);
    }
    arguments.push(&leaf);
    assert!(must(&arguments, b"").ends_with(": OK\n"));
}
