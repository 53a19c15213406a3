//! The largest fleet.

use crate::support::{Client, options};
use certyard_lab::Lab;
use std::time::Instant;

/// Resident memory of this process in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("0 kB");
    line.trim()
        .trim_end_matches(" kB")
        .trim()
        .parse::<f64>()
        .unwrap_or_default()
        / 1024.0
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_clusters_run_in_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let before = resident();
    let begin = Instant::now();
    let lab = Lab::start(options(dir.path(), 300)).await.unwrap();
    let first = begin.elapsed();
    assert_eq!(lab.nodes().len(), 1_200);
    let last = lab.nodes().pop().unwrap();
    assert_eq!(Client::new(last).get("/snapshot/server").await.0, 200);
    let memory = resident() - before;
    lab.shutdown().await;
    let begin = Instant::now();
    let lab = Lab::start(options(dir.path(), 300)).await.unwrap();
    println!(
        "1,200 nodes: first start {:.1} s, second start {:.1} s, {memory:.0} MiB",
        first.as_secs_f64(),
        begin.elapsed().as_secs_f64()
    );
    assert!(memory < 300.0, "{memory} MiB for 1,200 nodes");
    drop(lab);
}
