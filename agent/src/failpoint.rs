//! Points at which a debug build can be made to die, to prove that nothing is lost and no effect is repeated.
//!
//! `CERTYARD_FAILPOINT=install_identity:after` aborts the process once, right after that step took effect. A marker file in
//! the data folder makes it fire only once. Release builds ignore the variable.

use certyard_protocol::StepKind;
use std::path::Path;

/// Where in the life of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The journal says `started`, the effect has not begun.
    Before,
    /// The effect is there, the journal does not say `done` yet.
    After,
    /// The server was told: the progress of a step in between, or the result after the last step, before the agent noted
    /// the answer.
    Reported,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Reported];

    /// Its spelling in the variable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Reported => "reported",
        }
    }
}

/// One point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillPoint {
    /// The step.
    pub step: StepKind,
    /// The moment.
    pub phase: Phase,
}

impl std::fmt::Display for KillPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.step.as_str(), self.phase.as_str())
    }
}

/// All points: every kind of step × every phase.
pub fn kill_points() -> Vec<KillPoint> {
    StepKind::ALL
        .into_iter()
        .flat_map(|step| Phase::ALL.into_iter().map(move |phase| KillPoint { step, phase }))
        .collect()
}

/// Dies here when the variable names this point and it has not fired in this data folder yet.
pub fn reach(data: &Path, step: StepKind, phase: Phase) {
    #[cfg(debug_assertions)]
    {
        let point = KillPoint { step, phase };
        if std::env::var("CERTYARD_FAILPOINT").is_ok_and(|wanted| wanted == point.to_string()) {
            let marker = data.join(format!("failpoint-{}-{}.fired", step.as_str(), phase.as_str()));
            if crate::folder::write_new(&marker, b"", 0o600).is_ok() {
                std::process::abort();
            }
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = (data, step, phase);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_three_points_each_once() {
        let mut names: Vec<String> = kill_points().iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 33);
    }
}
