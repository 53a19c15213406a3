//! Has a node make a new key and a self-signed certificate (R11).

use super::{Action, Outline, Refusal, purpose_on_node, refuse, take_up};
use crate::catalogue::{not_renewed, renews_multi_server, self_signed_of};
use crate::plans::facts::Facts;
use crate::plans::options::RenewOptions;
use crate::plans::preview::Warning;
use crate::profiles::Signing;
use certyard_protocol::{Expectation, Step};

pub(super) struct Renew<'a> {
    pub options: &'a RenewOptions,
}

impl Action for Renew<'_> {
    type Checked = ();

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        purpose_on_node(facts)?;
        let node = facts.node;
        if self_signed_of(&node.product, &node.product_version).is_none() {
            return refuse(
                "renew_not_supported",
                format!("node `{}` signs no certificates for itself: generate a CSR", node.name),
            );
        }
        if let Some(row) = not_renewed(&node.product, facts.purpose) {
            return refuse(
                "renew_not_supported",
                format!(
                    "`{}` is made anew on the node itself, with `{}`",
                    facts.purpose, row.how
                ),
            );
        }
        wanted_self_signed(facts)
    }

    fn check(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        let node = facts.node;
        if !facts.sharing.is_empty() && !renews_multi_server(&node.product, &node.product_version) {
            return refuse(
                "multi_server_not_renewed",
                format!(
                    "the certificate for `{}` covers other nodes, too ({}), and version {} cannot renew such a one: have it signed by a CA",
                    facts.purpose,
                    facts.sharing.join(", "),
                    node.product_version
                ),
            );
        }
        take_up::check(facts, self.options.restart)
    }

    fn plan(&self, facts: &Facts<'_>, (): ()) -> Outline {
        let (node, purpose) = (facts.node, facts.purpose);
        let mut outline = Outline::of(vec![Step::Regenerate {
            purpose: purpose.into(),
            replaces_sha256: facts.installed.map(|installed| installed.sha256.clone()),
        }]);
        outline.expect = vec![Expectation {
            store: purpose.into(),
            entry: purpose.into(),
            sha256: facts.installed.map(|installed| installed.sha256.clone()),
            csr_spki_sha256: None,
        }];
        outline.warnings.push(Warning::consent(
            "trusted_anew",
            format!(
                "node `{}` makes a new key and certificate for `{purpose}`: whoever trusts the present one by itself has to be given the new one",
                node.name
            ),
        ));
        if facts.installed.is_some_and(|installed| !installed.self_signed) {
            outline.warnings.push(Warning::consent(
                "ca_signed_replaced",
                format!(
                    "the certificate for `{purpose}` on node `{}` is signed by a CA: a self-signed one takes its place",
                    node.name
                ),
            ));
        }
        if !facts.sharing.is_empty() {
            outline.warnings.push(Warning::consent(
                "one_node_only",
                format!(
                    "the certificate for `{purpose}` covers several nodes and is renewed on `{}` alone: {} keep the present one until they are renewed, too",
                    node.name,
                    facts.sharing.join(", ")
                ),
            ));
        }
        let wanted = &facts.wanted.effective;
        if let Some(years) = wanted.validity_years
            && years != NODE_YEARS
        {
            outline.warnings.push(Warning::consent(
                "not_as_profile",
                format!(
                    "{} wants {years} years for `{purpose}`: the command line of node `{}` makes it for {NODE_YEARS}",
                    facts.wanted.who(),
                    node.name
                ),
            ));
        }
        take_up::add(&mut outline, facts, self.options.restart);
        outline.steps.push(Step::Inventory);
        outline
    }
}

/// Years for which a node makes its certificate where nobody can tell it otherwise (cisco.md 2.3).
const NODE_YEARS: u32 = 5;

/// R11: the way that the profile wants decides.
fn wanted_self_signed(facts: &Facts<'_>) -> Result<(), Refusal> {
    let wanted = &facts.wanted;
    let cluster = &facts.node.cluster_name;
    if let Some(of) = wanted.effective.reuse {
        return refuse(
            "profile_uses_tomcat",
            format!(
                "{} wants `{}` to take the certificate of `{of}`: reuse that one, or give cluster `{cluster}` a profile that wants a self-signed certificate",
                wanted.who(),
                facts.purpose
            ),
        );
    }
    match wanted.effective.signing {
        Some(Signing::CaSigned) => refuse(
            "profile_ca_signed",
            format!(
                "{} wants a CA-signed certificate for `{}`: generate a CSR, or give cluster `{cluster}` a profile that wants a self-signed one, or leaves it open",
                wanted.who(),
                facts.purpose
            ),
        ),
        Some(Signing::SelfSigned) | None => Ok(()),
    }
}
