//! Which actions are offered on a certificate that a list shows.

use super::{
    Action, Refusal, delete, delete_csr, distribute, generate_csr, managed, refresh, renew, replace, restart, restore,
    reuse_tomcat, upload,
};
use crate::plans::facts::Facts;

/// An action, and why it is not offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name, one of [`crate::plans::Action::NAMES`].
    pub action: &'static str,
    /// Why it cannot be asked for; `None`: it can.
    pub refusal: Option<Refusal>,
}

/// What can be asked for on an identity certificate.
pub(in crate::plans) fn offers_of_identity(facts: &Facts<'_>) -> Vec<Offer> {
    let renew = Default::default();
    vec![
        offer("refresh", &refresh::Refresh, facts),
        offer("renew", &renew::Renew { options: &renew }, facts),
        offer("reuse_tomcat", &reuse_tomcat::ReuseTomcat { options: &renew }, facts),
        offer(
            "generate_csr",
            &generate_csr::GenerateCsr {
                options: &Default::default(),
            },
            facts,
        ),
        offer(
            "upload_certificate",
            &upload::Upload {
                options: &Default::default(),
            },
            facts,
        ),
        offer("delete_csr", &delete_csr::DeleteCsr, facts),
        offer("distribute", &distribute::Distribute, facts),
        offer(
            "restart",
            &restart::Restart {
                options: &Default::default(),
            },
            facts,
        ),
    ]
}

/// What can be asked for on a certificate in a trust store.
pub(in crate::plans) fn offers_of_trust(facts: &Facts<'_>) -> Vec<Offer> {
    vec![
        offer("refresh", &refresh::Refresh, facts),
        offer("distribute", &distribute::Distribute, facts),
        offer("replace", &replace::Replace, facts),
        offer("delete", &delete::Delete, facts),
        offer("restore", &restore::Restore, facts),
    ]
}

fn offer<A: Action>(name: &'static str, action: &A, facts: &Facts<'_>) -> Offer {
    Offer {
        action: name,
        refusal: managed(facts).and_then(|()| action.available(facts)).err(),
    }
}
