//! What was asked of the nodes and what came of it: the proof that an effect happened once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    fs::File,
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// An operation of a node, by its REST API or its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// `GET /snapshot/server`, `show cert list`.
    Snapshot,
    /// `POST /csr`, `set csr gen`.
    CsrGenerate,
    /// `GET /csr`, `show csr own`, `show csr list`.
    CsrRead,
    /// `DELETE /csr`, `set csr delete`.
    CsrDelete,
    /// `POST /identity/certificates`, `set cert import own`.
    IdentityUpload,
    /// `GET /identity/certificate`, `show cert own`.
    IdentityRead,
    /// `POST /trust/certificates`, `set cert import trust`.
    TrustUpload,
    /// `GET /trust/certificate`, `show cert trust`.
    TrustRead,
    /// `set cert delete`.
    TrustDelete,
    /// `set cert regen`.
    Regenerate,
    /// `set cert reuse`.
    ReuseTomcat,
    /// `utils service restart`.
    ServiceRestart,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 12] = [
        Self::Snapshot,
        Self::CsrGenerate,
        Self::CsrRead,
        Self::CsrDelete,
        Self::IdentityUpload,
        Self::IdentityRead,
        Self::TrustUpload,
        Self::TrustRead,
        Self::TrustDelete,
        Self::Regenerate,
        Self::ReuseTomcat,
        Self::ServiceRestart,
    ];

    /// Its name on the command line and in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::CsrGenerate => "csr-generate",
            Self::CsrRead => "csr-read",
            Self::CsrDelete => "csr-delete",
            Self::IdentityUpload => "identity-upload",
            Self::IdentityRead => "identity-read",
            Self::TrustUpload => "trust-upload",
            Self::TrustRead => "trust-read",
            Self::TrustDelete => "trust-delete",
            Self::Regenerate => "regenerate",
            Self::ReuseTomcat => "reuse-tomcat",
            Self::ServiceRestart => "service-restart",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == text)
    }
}

/// One request that a node has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// When it was answered.
    pub at: DateTime<Utc>,
    /// The node.
    pub node: String,
    /// What was asked; absent for a path that is none of the API's or a failed sign-in.
    pub operation: Option<Operation>,
    /// The service or, for trust stores, the services with commas between; for a restart the service that was restarted.
    pub service: String,
    /// The HTTP status, for the command line the one that the API would answer; 0 where the connection was broken instead.
    pub status: u16,
    /// The stores of the node were changed. Stands also where the answer was lost.
    pub changed: bool,
}

/// The requests since the lab was started, newest last.
#[derive(Debug)]
pub(crate) struct Record {
    requests: Mutex<VecDeque<Request>>,
    /// Changes alone, one JSON object a line, kept over restarts.
    changes: Mutex<File>,
}

/// More than any test makes, little enough for a demo that runs for weeks.
const KEPT: usize = 50_000;

impl Record {
    pub(crate) fn open(file: &Path) -> std::io::Result<Self> {
        let changes = File::options().create(true).append(true).open(file)?;
        Ok(Self {
            requests: Mutex::new(VecDeque::new()),
            changes: Mutex::new(changes),
        })
    }

    pub(crate) fn add(&self, request: Request) {
        if request.changed {
            let written = serde_json::to_string(&request)
                .map_err(std::io::Error::other)
                .and_then(|line| {
                    let mut file = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
                    file.write_all(format!("{line}\n").as_bytes())
                });
            if let Err(error) = written {
                tracing::warn!(%error, "cannot write the record of changes");
            }
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}
