//! The birth of a cluster: its identity certificates, its trust stores and what it serves, before anyone has touched it.

use crate::{
    fleet::{ClusterPlan, DOMAIN},
    keys::Pool,
    mix::{Age, Dice, Kind, Oddity},
    product::{Holder, Product, Service},
    rules::{company_subject, default_common_name, further_stores},
    state::{ClusterState, Identity, NodeState, Served, Shelf, Stored},
    world::World,
};
use anyhow::Context;
use certyard_pki::{Certificate, Hash, KeySpec, Profile, San, SanKind, Subject, self_signed};
use chrono::{DateTime, Utc};
use std::{collections::BTreeMap, sync::Arc};

/// What is needed to bear clusters.
pub(crate) struct Nursery<'a> {
    pub(crate) pool: &'a Pool<'a>,
    pub(crate) world: &'a World,
    pub(crate) shelf: &'a Shelf,
    pub(crate) seed: u64,
    pub(crate) now: DateTime<Utc>,
}

/// An identity at birth.
struct Born {
    certificate: Certificate,
    identity: Identity,
    signed: bool,
}

/// By node, then by service.
type Identities = Vec<BTreeMap<&'static str, Arc<Born>>>;

impl Nursery<'_> {
    pub(crate) fn bear(&self, plan: &ClusterPlan) -> anyhow::Result<ClusterState> {
        let mut identities: Identities = vec![BTreeMap::new(); plan.hosts.len()];
        for service in plan.product.services(plan.version) {
            self.bear_service(plan, service, &mut identities)
                .with_context(|| format!("cannot make the certificates of {} for {}", service.name, plan.name))?;
        }
        let shared = self.shared_stores(plan, &identities);
        let mut nodes = Vec::new();
        for (index, host) in plan.hosts.iter().enumerate() {
            let own = identities.get(index).context("a node without identities")?;
            let tomcat = own.get("tomcat").context("a node without `tomcat`")?;
            let mut chain = vec![Arc::clone(&tomcat.identity.certificate)];
            if tomcat.signed {
                chain.push(self.shelf.put(Stored::new(self.world.corporate.intermediate())));
            }
            nodes.push(NodeState {
                name: host.clone(),
                domain: DOMAIN.to_owned(),
                publisher: index == 0,
                user: "certadmin".to_owned(),
                password: uuid::Uuid::new_v4().simple().to_string(),
                port: 0,
                ssh_port: 0,
                served: Served {
                    chain,
                    key: tomcat.identity.key.clone(),
                },
                identities: own
                    .iter()
                    .map(|(name, born)| ((*name).to_owned(), born.identity.clone()))
                    .collect(),
                csrs: BTreeMap::new(),
                trusts: self.stores_of_node(plan, own, &shared),
            });
        }
        Ok(ClusterState {
            name: plan.name.clone(),
            product: plan.product,
            version: plan.version,
            nodes,
        })
    }

    fn bear_service(
        &self,
        plan: &ClusterPlan,
        service: &'static Service,
        identities: &mut Identities,
    ) -> anyhow::Result<()> {
        let mut dice = Dice::new(self.seed, &format!("{}/{}", plan.name, service.name));
        // Federation with other companies over XMPP is switched on in half of the clusters only.
        if service.name == "cup-xmpp-s2s-ECDSA" && dice.percent(50) {
            return Ok(());
        }
        let together = match service.holder {
            Holder::Cluster => true,
            // The first cluster has a certificate a node, so that the first steps of a newcomer touch one node.
            Holder::EachNodeOrAll => plan.index > 0 && dice.percent(30),
            Holder::EachNode | Holder::Publisher => false,
        };
        if together {
            let kind = Kind::roll(&mut dice, service.trust.is_some());
            let born = self.make(plan, service, None, kind, &mut dice)?;
            for node in identities.iter_mut() {
                node.insert(service.name, Arc::clone(&born));
            }
            return Ok(());
        }
        let holders = if service.holder == Holder::Publisher {
            1
        } else {
            plan.hosts.len()
        };
        for (index, node) in identities.iter_mut().enumerate().take(holders) {
            let mut kind = Kind::roll(&mut dice, service.trust.is_some());
            if plan.index == 0 && service.name == "tomcat" {
                // A story that is the same for every newcomer: one that is urgent, one that is due, one that can wait.
                let (age, signed) = match index {
                    0 => (Age::Week, false),
                    1 => (Age::Month, true),
                    _ => (Age::Valid, false),
                };
                kind = Kind {
                    age,
                    signed,
                    oddity: None,
                };
            }
            node.insert(service.name, self.make(plan, service, Some(index), kind, &mut dice)?);
        }
        Ok(())
    }

    /// Makes one certificate: of a node, or of all nodes together.
    fn make(
        &self,
        plan: &ClusterPlan,
        service: &Service,
        node: Option<usize>,
        kind: Kind,
        dice: &mut Dice,
    ) -> anyhow::Result<Arc<Born>> {
        let host = plan.hosts.get(node.unwrap_or(0)).context("a cluster without nodes")?;
        let fqdn = format!("{host}.{DOMAIN}");
        let multi_server = node.is_none() && service.holder == Holder::EachNodeOrAll;
        let common_name = match service.name {
            "CAPF" => format!("CAPF-{:08x}", dice.next() >> 32),
            "ITLRecovery" => format!("ITLRECOVERY_{fqdn}"),
            "AUTHZ" => format!("AUTHZ_{fqdn}"),
            "cup-xmpp-s2s" | "cup-xmpp-s2s-ECDSA" if !multi_server => {
                default_common_name(service, &format!("{host}-s2s"), DOMAIN, false)
            }
            _ => default_common_name(service, host, DOMAIN, multi_server),
        };
        let key = self.pool.key(key_kind(service, kind), dice.next())?;
        let days = match (kind.signed, kind.oddity) {
            (true, _) => 397,
            (false, Some(Oddity::TwentyYears)) => 20 * 365,
            (false, _) => 5 * 365,
        };
        let (not_before, not_after) = kind.age.dates(dice, self.now, days);
        let profile = Profile {
            subject: Subject(subject(&common_name, kind)),
            sans: names(plan, service, node, kind),
            ca: (service.name == "CAPF" && !kind.signed).then_some(Some(0)),
            key_usage: service.key_usage.to_vec(),
            extended_key_usage: service.extended_key_usage(),
            not_before,
            not_after,
            hash: if service.elliptic { Hash::Sha384 } else { Hash::Sha256 },
        };
        let certificate = if kind.signed {
            self.world.corporate.issue(key.key.spki_der(), &profile)?
        } else {
            self_signed(&key.key, &profile)?
        };
        let identity = Identity {
            certificate: self.shelf.put(Stored::new(&certificate)),
            key: key.id.clone(),
            multi_server,
        };
        Ok(Arc::new(Born {
            certificate,
            identity,
            signed: kind.signed,
        }))
    }

    /// The stores that are the same on every node of the cluster.
    fn shared_stores(&self, plan: &ClusterPlan, identities: &Identities) -> BTreeMap<&'static str, Collected> {
        let mut dice = Dice::new(self.seed, &format!("{}/trust", plan.name));
        let mut stores = BTreeMap::new();
        for store in plan.product.stores().iter().filter(|store| store.replicated) {
            let mut collected = Collected::default();
            for node in identities {
                self.collect(plan, store.name, node, &mut collected);
            }
            for certificate in self.world.vendors_in(plan.product, store.name) {
                collected.add(certificate, self.shelf.put(Stored::new(certificate)));
            }
            if store.name == "tomcat" && dice.percent(40) {
                let old = &self.world.forgotten_root;
                collected.add(old, self.shelf.put(Stored::new(old)));
            }
            stores.insert(store.name, collected);
        }
        stores
    }

    fn stores_of_node(
        &self,
        plan: &ClusterPlan,
        own: &BTreeMap<&'static str, Arc<Born>>,
        shared: &BTreeMap<&'static str, Collected>,
    ) -> BTreeMap<String, Vec<Arc<Stored>>> {
        let of_store = |name: &'static str| match shared.get(name) {
            Some(collected) => collected.stored(),
            None => {
                let mut collected = Collected::default();
                self.collect(plan, name, own, &mut collected);
                for certificate in self.world.vendors_in(plan.product, name) {
                    collected.add(certificate, self.shelf.put(Stored::new(certificate)));
                }
                collected.stored()
            }
        };
        plan.product
            .stores()
            .iter()
            .map(|store| (store.name.to_owned(), of_store(store.name)))
            .collect()
    }

    /// What a node's own certificates bring into a trust store.
    fn collect(&self, plan: &ClusterPlan, store: &str, own: &BTreeMap<&'static str, Arc<Born>>, into: &mut Collected) {
        for (name, born) in own {
            let by_rule = plan
                .product
                .service(plan.version, name)
                .and_then(|service| service.trust)
                == Some(store);
            let brought = by_rule || further_stores(name).contains(&store);
            if brought && born.signed {
                for issuer in [self.world.corporate.root(), self.world.corporate.intermediate()] {
                    into.add(issuer, self.shelf.put(Stored::new(issuer)));
                }
            } else if brought {
                into.add(&born.certificate, Arc::clone(&born.identity.certificate));
            }
        }
    }
}

/// A trust store in the making: one certificate a subject, the one that starts last.
#[derive(Clone, Default)]
struct Collected(Vec<(Vec<u8>, DateTime<Utc>, Arc<Stored>)>);

impl Collected {
    fn add(&mut self, certificate: &Certificate, stored: Arc<Stored>) {
        match self
            .0
            .iter_mut()
            .find(|(subject, ..)| *subject == certificate.subject_der)
        {
            None => self
                .0
                .push((certificate.subject_der.clone(), certificate.not_before, stored)),
            Some(slot) if certificate.not_before > slot.1 => {
                slot.1 = certificate.not_before;
                slot.2 = stored;
            }
            Some(_) => {}
        }
    }

    fn stored(&self) -> Vec<Arc<Stored>> {
        self.0.iter().map(|(_, _, stored)| Arc::clone(stored)).collect()
    }
}

fn key_kind(service: &Service, kind: Kind) -> KeySpec {
    match (service.elliptic, kind.oddity == Some(Oddity::LongKey)) {
        (false, false) => KeySpec::Rsa2048,
        (false, true) => KeySpec::Rsa3072,
        (true, false) => KeySpec::P384,
        (true, true) => KeySpec::P521,
    }
}

fn subject(common_name: &str, kind: Kind) -> Vec<(String, String)> {
    if kind.oddity == Some(Oddity::RichSubject) {
        let parts = [
            ("CN", common_name),
            ("OU", "Växel & telefoni, plan 3"),
            ("OU", "Unified \"Communications\""),
            ("O", "Holmgård Logistics AB"),
            ("C", "SE"),
        ];
        return parts.map(|(kind, value)| (kind.to_owned(), value.to_owned())).to_vec();
    }
    company_subject(common_name)
}

fn names(plan: &ClusterPlan, service: &Service, node: Option<usize>, kind: Kind) -> Vec<San> {
    if service.trust.is_none() || service.name == "CAPF" || kind.oddity == Some(Oddity::NoNames) {
        return Vec::new();
    }
    let mut hosts: Vec<&String> = match node {
        Some(index) => plan.hosts.get(index).into_iter().collect(),
        None => plan.hosts.iter().collect(),
    };
    if node.is_none() && kind.oddity == Some(Oddity::NodeMissing) {
        hosts.pop();
    }
    let mut names: Vec<San> = hosts
        .iter()
        .map(|host| San {
            kind: SanKind::Dns,
            value: format!("{host}.{DOMAIN}"),
        })
        .collect();
    if kind.oddity == Some(Oddity::MoreNames) {
        names.push(San {
            kind: SanKind::Dns,
            value: DOMAIN.to_owned(),
        });
        names.push(San {
            kind: SanKind::Ip,
            value: format!("192.0.2.{}", plan.index % 250 + 1),
        });
    }
    if plan.product == Product::Imp && service.name.starts_with("cup-xmpp") {
        names.push(San {
            kind: SanKind::Dns,
            value: format!("conference-1.{DOMAIN}"),
        });
    }
    names
}
