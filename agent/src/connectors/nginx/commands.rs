//! The two commands: check and reload. Fixed by the operator on this host; no shell, nothing from the server.

use crate::connector::StepError;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs a command to its end and gives what it printed.
///
/// # Errors
/// What it printed, when it failed; or that it did not end in time.
pub(super) async fn run(argv: &[String]) -> Result<String, String> {
    let (program, args) = argv.split_first().ok_or("the command is empty")?;
    let child = Command::new(program)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(TIMEOUT, child).await {
        Err(_) => return Err(format!("`{}` did not end within 30 seconds", argv.join(" "))),
        Ok(Err(error)) => return Err(format!("cannot run `{}`: {error}", argv.join(" "))),
        Ok(Ok(output)) => output,
    };
    let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stdout));
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words: String = lines
        .join(" | ")
        .chars()
        .filter(|c| !c.is_control())
        .take(800)
        .collect();
    if output.status.success() { Ok(words) } else { Err(words) }
}

/// A failed command as the failure of a step.
pub(super) fn failed(code: &'static str, what: &str) -> impl FnOnce(String) -> StepError {
    let what = what.to_owned();
    move |words| StepError::lasting(code, format!("{what}: {words}"))
}
