//! CPU time and memory of processes, from /proc.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Ticks a second of /proc: fixed at 100 on Linux.
const TICKS: f64 = 100.0;

/// CPU seconds that a process has used.
pub fn seconds(pid: u32) -> f64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0.0;
    };
    // The name in brackets may hold blanks.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = [11, 12]
        .iter()
        .filter_map(|index| fields.get(*index)?.parse::<f64>().ok())
        .sum();
    ticks / TICKS
}

/// Resident memory in MB.
pub fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

/// CPU seconds of the backends of a database, but not of the connection that asks.
pub async fn of_database(owner: &DatabaseConnection) -> f64 {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let rows = owner
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .expect("backends are listed");
    rows.iter()
        .filter_map(|row| row.try_get::<i32>("", "pid").ok())
        .map(|pid| seconds(pid.unsigned_abs()))
        .sum()
}
