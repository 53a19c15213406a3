//! Makes a key and a CSR on a node (R13).

use super::{Action, Outline, Refusal, purpose_of, refuse, wanted_by_csr};
use crate::catalogue::{KeyChoice, KeyFamily, Purpose, csr_fields, key_choices, limits_of, multi_server_way};
use crate::plans::coverage::{listed, others};
use crate::plans::facts::Facts;
use crate::plans::preview::{CsrBrief, Warning};
use crate::plans::request::{CsrOptions, is_host_name};
use crate::profiles::Effective;
use certyard_protocol::{CsrSpec, Expectation, Step, StepKind};

pub(super) struct GenerateCsr<'a> {
    pub options: &'a CsrOptions,
}

impl Action for GenerateCsr<'_> {
    type Checked = CsrSpec;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        purpose_of(facts)?;
        wanted_by_csr(facts)
    }

    fn check(&self, facts: &Facts<'_>) -> Result<CsrSpec, Refusal> {
        let info = purpose_of(facts)?;
        let wanted = &facts.wanted.effective;
        let version = facts.node.product_version.as_str();
        let (key_type, key_bits) = self.key(info, version, wanted);
        if !info.key.takes(key_type) {
            return refuse(
                "key_type_unsupported",
                format!("`{}` takes {} keys only", facts.purpose, info.key.as_str()),
            );
        }
        let choices = || key_choices(info, version).filter(|row| row.key_type == key_type);
        let Some(choice) = choices().find(|row| row.bits == key_bits) else {
            let known: Vec<String> = choices().map(|row| row.bits.to_string()).collect();
            return refuse(
                "key_bits_unsupported",
                format!(
                    "{key_type} keys of {key_bits} bits cannot be made for `{}`: {} can",
                    facts.purpose,
                    known.join(", ")
                ),
            );
        };
        let multi_server = self.multi_server(facts, info)?;
        let names = self.names(facts);
        let mut all_names = names.iter().chain(&self.options.common_name);
        if limits_of(&facts.node.product).is_some_and(|limits| !limits.wildcard)
            && let Some(name) = all_names.find(|name| name.contains('*'))
        {
            return refuse(
                "wildcard_unsupported",
                format!(
                    "{} takes no wildcard names: leave `{name}` out",
                    super::product_name(&facts.node.product)
                ),
            );
        }
        let takes = |hash: &&str| choice.hashes.contains(hash);
        let asked = self.options.hash.as_deref();
        let hash = asked
            .or_else(|| wanted.hash.as_deref().filter(takes))
            .or_else(|| choice.hashes.first().copied());
        let Some(hash) = hash.filter(takes) else {
            return refuse(
                "hash_unsupported",
                format!(
                    "a CSR for `{}` with an {key_type} key of {key_bits} bits is signed with {} on {}",
                    facts.purpose,
                    choice.hashes.join(" or "),
                    super::product_name(&facts.node.product)
                ),
            );
        };
        let common_name = match &self.options.common_name {
            Some(name) => name.clone(),
            // The node calls it after itself and says by it that the certificate is for all.
            None if multi_server => String::new(),
            // The field takes 64 characters.
            None => names.iter().find(|name| name.len() <= 64).cloned().unwrap_or_default(),
        };
        Ok(CsrSpec {
            purpose: facts.purpose.into(),
            common_name,
            names,
            key_type: key_type.into(),
            key_bits,
            hash: hash.to_string(),
            subject: match takes_subject(facts) {
                true => self.subject(wanted).to_vec(),
                false => Vec::new(),
            },
            multi_server,
        })
    }

    fn plan(&self, facts: &Facts<'_>, spec: CsrSpec) -> Outline {
        let unwanted = unwanted(facts, &spec);
        let brief = CsrBrief {
            common_name: spec.common_name.clone(),
            names: spec.names.clone(),
            key_type: spec.key_type.clone(),
            key_bits: spec.key_bits,
            hash: spec.hash.clone(),
            multi_server: spec.multi_server,
        };
        let multi_server = spec.multi_server;
        let mut outline = Outline::of(vec![Step::GenerateCsr(spec), Step::Inventory]);
        outline.csr = Some(brief);
        outline.expect = vec![Expectation {
            store: facts.purpose.into(),
            entry: facts.purpose.into(),
            sha256: facts.installed.map(|installed| installed.sha256.clone()),
            csr_spki_sha256: None,
        }];
        if multi_server {
            let nodes: Vec<&str> = facts.cluster.iter().map(|node| node.node.as_str()).collect();
            outline
                .notes
                .push(format!("covers {} nodes: {}", nodes.len(), nodes.join(", ")));
            // One for the whole cluster is made once, whatever the key.
            outline.spreads = Some("csr".into());
            outline.reaches = others(facts);
        }
        let replaced: Vec<&str> = facts
            .cluster
            .iter()
            .filter(|other| multi_server && other.node_id != facts.node.id && other.csr.is_some())
            .map(|other| other.node.as_str())
            .collect();
        if facts.csr.is_none() && !replaced.is_empty() {
            outline.warnings.push(Warning::consent(
                "csr_replaced",
                format!(
                    "open CSRs for `{}` on {} are replaced as well, and their answers can no longer be installed",
                    facts.purpose,
                    listed(&replaced)
                ),
            ));
        }
        outline.warnings.extend(self.subject_by_node(facts));
        outline.warnings.extend(self.chosen_by_node(facts));
        if let Some(csr) = facts.csr {
            outline.warnings.push(Warning::consent(
                "csr_replaced",
                format!(
                    "node `{}` has had an open CSR for `{}` since {}: the new one replaces it, and its answer can no longer be installed",
                    facts.node.name,
                    facts.purpose,
                    csr.created_at.format("%Y-%m-%d")
                ),
            ));
        }
        if !unwanted.is_empty() {
            outline.warnings.push(Warning::consent(
                "not_as_profile",
                format!(
                    "{} wants something else for `{}` on node `{}`: {}",
                    facts.wanted.who(),
                    facts.purpose,
                    facts.node.name,
                    unwanted.join("; ")
                ),
            ));
        }
        outline
    }
}

/// What a request asks for although the profile says something else (R18).
fn unwanted(facts: &Facts<'_>, spec: &CsrSpec) -> Vec<String> {
    let wanted = &facts.wanted.effective;
    let mut found = Vec::new();
    let mut compare = |what: &str, want: Option<String>, asked: String| {
        if let Some(want) = want.filter(|want| *want != asked) {
            found.push(format!("{what} {want}, asked for is {asked}"));
        }
    };
    compare("key type", wanted.key_type.clone(), spec.key_type.clone());
    compare(
        "key bits",
        wanted.key_bits.map(|bits| bits.to_string()),
        spec.key_bits.to_string(),
    );
    compare("hash", wanted.hash.clone(), spec.hash.clone());
    let shown = |subject: &[(String, String)]| {
        let parts: Vec<String> = subject
            .iter()
            .map(|(field, value)| format!("{field}={value}"))
            .collect();
        parts.join(", ")
    };
    compare(
        "multi-server",
        wanted.multi_server.map(|multi| multi.to_string()),
        spec.multi_server.to_string(),
    );
    if !takes_subject(facts) {
        return found;
    }
    let lacks = wanted.subject.iter().any(|part| !spec.subject.contains(part));
    compare("subject", lacks.then(|| shown(&wanted.subject)), shown(&spec.subject));
    found
}

/// Whether the way to the node has a place for subject fields beside the common name. Where it has none the node takes them from
/// its installation (`set web-security`).
fn takes_subject(facts: &Facts<'_>) -> bool {
    let fields = facts.connector().and_then(csr_fields);
    fields.is_none_or(|fields| fields.subject)
}

impl GenerateCsr<'_> {
    /// Subject fields of the request, else those of the profile.
    fn subject<'a>(&'a self, wanted: &'a Effective) -> &'a [(String, String)] {
        if self.options.subject.is_empty() {
            &wanted.subject
        } else {
            &self.options.subject
        }
    }

    /// Names the fields that the node decides itself. Who asked for them in the request has to agree that they are not heard.
    fn subject_by_node(&self, facts: &Facts<'_>) -> Option<Warning> {
        let wanted = self.subject(&facts.wanted.effective);
        if takes_subject(facts) || wanted.is_empty() {
            return None;
        }
        let mut fields: Vec<&str> = wanted.iter().map(|(field, _)| field.as_str()).collect();
        fields.dedup();
        let message = format!(
            "node `{}` takes {} from its own installation, and nothing tells it otherwise: change them there with `set web-security`; \
             compliance shows what differs",
            facts.node.name,
            fields.join(", ")
        );
        Some(match self.options.subject.is_empty() {
            true => Warning::note("subject_by_node", message),
            false => Warning::consent("subject_by_node", message),
        })
    }

    /// Names what else the node chooses itself. Who asked for it in the request has to agree that it is not heard.
    fn chosen_by_node(&self, facts: &Facts<'_>) -> Option<Warning> {
        let fields = facts.connector().and_then(csr_fields)?;
        let wanted = &facts.wanted.effective;
        let (mut chosen, mut asked) = (Vec::new(), false);
        if !fields.names {
            chosen.push("its names");
            asked |= self.options.common_name.is_some() || !self.options.names.is_empty();
        }
        if !fields.key {
            chosen.push("the length of the key");
            chosen.push("the hash");
            asked |= self.options.key_bits.is_some() || self.options.hash.is_some();
        }
        if chosen.is_empty() {
            return None;
        }
        let by_profile = !fields.key && (wanted.key_bits.is_some() || wanted.hash.is_some());
        let heard = match (asked, by_profile) {
            (true, _) => "what the request says of them is not heard",
            (false, true) => "what the profile says of them is not heard",
            (false, false) => "what is foretold here is usual and not certain",
        };
        let message = format!(
            "the command line of node `{}` takes the purpose alone, and the node chooses {} of its CSR itself: {heard}; look at the CSR \
             before it is signed",
            facts.node.name,
            chosen.join(", ")
        );
        Some(match asked {
            true => Warning::consent("csr_by_node", message),
            false => Warning::note("csr_by_node", message),
        })
    }

    /// Whether one CSR is made for all nodes of the cluster: as the request says, else as the profile wants it.
    fn multi_server(&self, facts: &Facts<'_>, info: &Purpose) -> Result<bool, Refusal> {
        let wanted = facts.wanted.effective.multi_server;
        if !self.options.multi_server.or(wanted).unwrap_or(false) {
            return Ok(false);
        }
        let node = facts.node;
        let version = node.product_version.as_str();
        if !info.takes_multi_server(version) {
            return refuse(
                "multi_server_unsupported",
                format!(
                    "a CSR for `{}` is for one node on {} {version}: ask for one for each node",
                    facts.purpose,
                    super::product_name(&node.product)
                ),
            );
        }
        let way = facts
            .connector()
            .and_then(|connector| multi_server_way(&node.product, version, StepKind::GenerateCsr, connector));
        if way.is_none() {
            return refuse(
                "multi_server_unsupported",
                format!(
                    "the connector `{}` has no way to ask node `{}` for a multi-server CSR: make it on the node's own page, or ask \
                     for one for each node with `csr.multi_server` false",
                    node.connector, node.name
                ),
            );
        }
        Ok(true)
    }

    /// The key of the request, else that of the profile, else the first that the purpose takes.
    fn key<'a>(&'a self, info: &Purpose, version: &str, wanted: &'a Effective) -> (&'a str, u32) {
        let asked = (self.options.key_type.as_deref(), self.options.key_bits);
        let (key_type, bits) = match asked {
            (None, None) => (wanted.key_type.as_deref(), wanted.key_bits),
            // The profile's bits go with a key of its own type only.
            (Some(key_type), None) if wanted.key_type.as_deref() == Some(key_type) => (Some(key_type), wanted.key_bits),
            (key_type, bits) => (key_type, bits),
        };
        let choice = |fits: &dyn Fn(&KeyChoice) -> bool| key_choices(info, version).find(|row| fits(row));
        let key_type = match (key_type, info.key) {
            (Some(key_type), _) => key_type,
            (None, KeyFamily::Ec) => "EC",
            (None, KeyFamily::Rsa) => "RSA",
            (None, KeyFamily::Any) => bits
                .and_then(|bits| choice(&|row| row.bits == bits))
                .map_or("EC", |row| row.key_type),
        };
        let first = choice(&|row| row.key_type == key_type).map(|row| row.bits);
        (key_type, bits.or(first).unwrap_or_default())
    }

    /// The names of the request, else those of the installed certificate, else what an nginx server is called: a UC node
    /// knows its own.
    fn names(&self, facts: &Facts<'_>) -> Vec<String> {
        if !self.options.names.is_empty() {
            return self.options.names.clone();
        }
        if limits_of(&facts.node.product).is_some_and(|limits| limits.names_itself) {
            return Vec::new();
        }
        let installed = facts
            .installed
            .map(|installed| installed.names.clone())
            .unwrap_or_default();
        if !installed.is_empty() {
            return installed;
        }
        facts
            .purpose
            .split_once(':')
            .map(|(_, name)| name.to_string())
            .filter(|name| is_host_name(name))
            .into_iter()
            .collect()
    }
}
