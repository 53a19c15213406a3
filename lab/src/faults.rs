//! Faults that a node can be told to have.
//!
//! On the command line a fault is `NODE:WHAT`, where NODE is a node, a cluster or `*`:
//!
//! | text | effect |
//! |---|---|
//! | `NODE:offline` | nobody listens on the node's port |
//! | `NODE:slow:MILLISECONDS` | every answer comes that much later |
//! | `NODE:STEP:STATUS[:TIMES]` | the step is refused with that HTTP status and nothing is done |
//! | `NODE:STEP:drop[:TIMES]` | the connection breaks before anything is done |
//! | `NODE:STEP:lost[:TIMES]` | the step is done, and the connection breaks before the answer |
//! | `NODE:trust-delete:absent[:TIMES]` | somebody else is faster: what is to be deleted is gone, and the node says so (R23) |

use crate::record::Operation;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// A fault of some nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of a node or a cluster, or `*` for all nodes.
    pub target: String,
    /// What goes wrong.
    pub trouble: Trouble,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens on the port.
    Offline,
    /// Every answer comes later by this time.
    Slow(Duration),
    /// One operation fails.
    Step {
        /// The operation.
        operation: Operation,
        /// How it fails.
        failure: Failure,
        /// How many times; without end if absent.
        times: Option<u32>,
    },
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// It is refused with this HTTP status, before anything is done.
    Status(u16),
    /// The connection breaks before anything is done.
    Drop,
    /// It is done, and the connection breaks before the answer.
    LoseAnswer,
    /// Somebody else did it a moment before, and the node answers as its release does where there is nothing to do.
    /// A trusted certificate is deleted this way alone.
    Absent,
}

/// Why a text is no fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is no fault: {reason}")]
pub struct BadFault {
    text: String,
    reason: String,
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let bad = |reason: &str| BadFault {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        let mut parts = text.split(':');
        let (Some(target), Some(what)) = (parts.next(), parts.next()) else {
            return Err(bad("write NODE:offline, NODE:slow:MILLISECONDS or NODE:STEP:FAILURE"));
        };
        if target.is_empty() {
            return Err(bad("the node is missing; `*` means every node"));
        }
        let argument = parts.next();
        let trouble = match (what, argument) {
            ("offline", None) => Trouble::Offline,
            ("slow", Some(text)) => Trouble::Slow(Duration::from_millis(
                text.parse().map_err(|_| bad("the delay is a number of milliseconds"))?,
            )),
            (step, Some(failure)) => {
                let operation = Operation::parse(step).ok_or_else(|| {
                    bad(&format!(
                        "the step is one of {}",
                        Operation::ALL.map(Operation::as_str).join(", ")
                    ))
                })?;
                let failure = parse_failure(failure)
                    .ok_or_else(|| bad("the failure is an HTTP status from 400 to 599, `drop`, `lost` or `absent`"))?;
                if failure == Failure::Absent && operation != Operation::TrustDelete {
                    return Err(bad("only what trust-delete is to delete can be `absent`"));
                }
                Trouble::Step {
                    operation,
                    failure,
                    times: parts
                        .next()
                        .map(|times| times.parse().map_err(|_| bad("the last part is a number of times")))
                        .transpose()?,
                }
            }
            _ => return Err(bad("write NODE:offline, NODE:slow:MILLISECONDS or NODE:STEP:FAILURE")),
        };
        match parts.next() {
            None => Ok(Self {
                target: target.to_owned(),
                trouble,
            }),
            Some(_) => Err(bad("there is something after its end")),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.target)?;
        match &self.trouble {
            Trouble::Offline => out.write_str("offline"),
            Trouble::Slow(delay) => write!(out, "slow:{}", delay.as_millis()),
            Trouble::Step {
                operation,
                failure,
                times,
            } => {
                out.write_str(operation.as_str())?;
                match failure {
                    Failure::Status(status) => write!(out, ":{status}")?,
                    Failure::Drop => out.write_str(":drop")?,
                    Failure::LoseAnswer => out.write_str(":lost")?,
                    Failure::Absent => out.write_str(":absent")?,
                }
                match times {
                    Some(times) => write!(out, ":{times}"),
                    None => Ok(()),
                }
            }
        }
    }
}

fn parse_failure(text: &str) -> Option<Failure> {
    match text {
        "drop" => Some(Failure::Drop),
        "lost" => Some(Failure::LoseAnswer),
        "absent" => Some(Failure::Absent),
        status => status
            .parse()
            .ok()
            .filter(|status| (400..600).contains(status))
            .map(Failure::Status),
    }
}

/// The faults of one node, as its server asks for them.
#[derive(Debug, Default)]
pub(crate) struct NodeFaults {
    troubles: Vec<Trouble>,
}

impl NodeFaults {
    pub(crate) fn add(&mut self, trouble: Trouble) {
        self.troubles.push(trouble);
    }

    pub(crate) fn offline(&self) -> bool {
        self.troubles.contains(&Trouble::Offline)
    }

    pub(crate) fn clear(&mut self) {
        self.troubles.clear();
    }

    /// The delay before an answer, in sum.
    pub(crate) fn delay(&self) -> Duration {
        let delay = |trouble: &Trouble| match trouble {
            Trouble::Slow(delay) => *delay,
            Trouble::Offline | Trouble::Step { .. } => Duration::ZERO,
        };
        self.troubles.iter().map(delay).sum()
    }

    /// The failure that meets this operation now; uses one of its times up.
    pub(crate) fn take(&mut self, wanted: Operation) -> Option<Failure> {
        for trouble in &mut self.troubles {
            if let Trouble::Step {
                operation,
                failure,
                times,
            } = trouble
                && *operation == wanted
            {
                match times {
                    None => return Some(*failure),
                    Some(0) => {}
                    Some(left) => {
                        *left -= 1;
                        return Some(*failure);
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_it_is_written() {
        for text in [
            "a:offline",
            "*:slow:250",
            "a:identity-upload:500",
            "a:csr-generate:lost:1",
            "a:trust-upload:drop:3",
            "a:trust-delete:absent:1",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_fault_is_refused_with_the_way_to_write_one() {
        for text in [
            "",
            "a",
            ":offline",
            "a:slow",
            "a:slow:x",
            "a:nap:500",
            "a:csr-read:200",
            "a:csr-delete:absent",
            "a:offline:1",
            "a:csr-read:500:1:2",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_counted_failure_ends() {
        let mut faults = NodeFaults::default();
        let fault: Fault = "a:csr-read:503:2".parse().unwrap();
        faults.add(fault.trouble);
        assert_eq!(faults.take(Operation::CsrGenerate), None);
        assert_eq!(faults.take(Operation::CsrRead), Some(Failure::Status(503)));
        assert_eq!(faults.take(Operation::CsrRead), Some(Failure::Status(503)));
        assert_eq!(faults.take(Operation::CsrRead), None);
    }
}
