//! CPU time and memory of processes, from /proc.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Ticks a second of /proc: fixed at 100 on Linux.
const TICKS: f64 = 100.0;

/// CPU seconds that a process has used.
pub fn seconds(pid: u32) -> f64 {
    sum(pid, &[11, 12])
}

/// CPU seconds of the children of a process that have ended.
fn of_ended_children(pid: u32) -> f64 {
    sum(pid, &[13, 14])
}

/// Fields of /proc/PID/stat after the name, which in its brackets may hold blanks.
fn fields(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default();
    rest.split_whitespace().map(str::to_string).collect()
}

fn sum(pid: u32, which: &[usize]) -> f64 {
    let fields = fields(pid);
    let ticks = which.iter().filter_map(|index| fields.get(*index)?.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
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

/// CPU seconds of the backends of a database, those that have ended included, but not of the connection that asks.
pub async fn of_database(owner: &DatabaseConnection) -> f64 {
    let sql = "SELECT pid, pid = pg_backend_pid() AS own FROM pg_stat_activity WHERE datname = current_database()";
    let rows = owner
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .expect("backends are listed");
    let mut total = 0.0;
    for row in rows {
        let pid = row
            .try_get::<i32>("", "pid")
            .expect("an id of a process")
            .unsigned_abs();
        if row.try_get::<bool>("", "own").expect("a truth") {
            let parent = fields(pid).get(1).and_then(|parent| parent.parse().ok());
            total += parent.map_or(0.0, of_ended_children);
        } else {
            total += seconds(pid);
        }
    }
    total
}
