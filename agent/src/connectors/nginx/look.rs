//! Over the wire: what does nginx serve at each of its addresses and names?

use super::Nginx;
use super::pair::check_presented;
use super::sites::Site;
use crate::connector::StepError;
use crate::{pem_blocks, wire};
use certyard_pki::Certificate;
use certyard_protocol::Served;
use std::time::{Duration, Instant};

/// Old workers may answer for a while after a reload.
const WIRE_LIMIT: Duration = Duration::from_secs(10);
/// An inventory waits less for them: what is pending in truth stays so for long.
const SERVED_LIMIT: Duration = Duration::from_secs(3);
const WIRE_PAUSE: Duration = Duration::from_millis(100);
/// So many times in a row, since each worker answers for itself.
const WIRE_HITS: usize = 3;

impl Nginx {
    /// Looks at every address and name until each showed `expected` several times in a row, or the time is over.
    pub(super) async fn look_everywhere(&self, site: &Site, expected: &[Option<String>]) -> Result<usize, StepError> {
        let key_type = self.key_type(site);
        let deadline = Instant::now() + WIRE_LIMIT;
        let targets = site.targets();
        let mut looked = 0;
        for ((address, name), wanted) in targets.iter().zip(expected) {
            let Some(wanted) = wanted else { continue };
            looked += 1;
            let mut hits = 0;
            while hits < WIRE_HITS {
                let problem = match wire::look(address, name, key_type.as_deref()).await {
                    Ok(shown) if shown.sha256() == *wanted => match check_presented(&shown) {
                        Ok(()) => {
                            hits += 1;
                            continue;
                        }
                        Err(why) => why,
                    },
                    Ok(shown) => format!("it serves the certificate with SHA-256 {}", shown.sha256()),
                    Err(why) => why,
                };
                hits = 0;
                if Instant::now() > deadline {
                    let message = format!("{address} does not serve {wanted} for `{name}`: {problem}");
                    return Err(StepError::lasting("not_served", message));
                }
                tokio::time::sleep(WIRE_PAUSE).await;
            }
        }
        Ok(looked)
    }

    pub(super) async fn served_everywhere(&self, site: &Site) -> Vec<Option<String>> {
        let key_type = self.key_type(site);
        let targets = site.targets();
        let looks = targets
            .iter()
            .map(|(address, name)| wire::look(address, name, key_type.as_deref()));
        let shown = futures_util::future::join_all(looks).await;
        shown
            .into_iter()
            .map(|shown| shown.ok().map(|shown| shown.sha256()))
            .collect()
    }

    /// Kind of the configured key, to ask a server with two certificates for the right one.
    pub(super) fn key_type(&self, site: &Site) -> Option<String> {
        let chain = self.layout(site).configured_chain().ok()?;
        let leaf = Certificate::from_pem(pem_blocks::certificates(&chain).first()?).ok()?;
        Some(leaf.key.key_type)
    }

    /// Whether all that listens shows the installed certificate. What looks otherwise is looked at again for a moment: an old
    /// worker that is still at its end after a reload is no pending restart.
    pub(super) async fn served(&self, site: &Site, sha256: &str) -> Served {
        if site.listens.is_empty() {
            return Served::NotObservable;
        }
        let patience = Instant::now() + SERVED_LIMIT;
        let served = loop {
            let served = self.served_everywhere(site).await;
            let settled = served.iter().all(|served| served.as_deref() == Some(sha256));
            if settled || Instant::now() > patience {
                break served;
            }
            tokio::time::sleep(WIRE_PAUSE).await;
        };
        if let Some(other) = served.iter().flatten().find(|served| *served != sha256) {
            return Served::RestartPending {
                served_sha256: other.clone(),
            };
        }
        if served.iter().any(Option::is_some) {
            return Served::Served;
        }
        Served::Unknown {
            reason: format!("nothing answers at {}", site.listens.join(", ")),
        }
    }
}
