//! A running lab: the fleet of a folder, with its nodes on the wire.

use crate::{
    birth::Nursery,
    cluster::Cluster,
    control::Control,
    faults::{Fault, Trouble},
    files::{make_private_dir, write_private},
    fleet::{ClusterPlan, plan},
    keys::{Keys, Pool},
    node::{Node, Sockets, bind},
    outside_ca::OutsideCa,
    record::{Operation, Record, Request},
    rules::served_now,
    ssh,
    state::{ClusterState, Shelf},
    stores::NodeStores,
    world::World,
};
use anyhow::{Context, bail};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, TryLockError},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpSocket;

/// How to start a lab.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// Folder of its state; made where there is none.
    pub data_dir: PathBuf,
    /// Number of clusters, 1 to 300. Every third has three nodes, the others four and five.
    pub clusters: usize,
    /// Address of all nodes; each has a port of its own.
    pub listen: IpAddr,
    /// Faults from the start on.
    pub faults: Vec<Fault>,
    /// Decides the mix of certificates of clusters that are new.
    pub seed: u64,
    /// How many keys of a kind the certificates of new clusters share.
    pub pool_size: usize,
    /// Folder of these keys, which several labs may share; by default in the data folder.
    pub pool_dir: Option<PathBuf>,
}

impl LabOptions {
    /// The smallest fleet with both products and both versions, in that folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            clusters: 3,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            faults: Vec::new(),
            seed: 1,
            pool_size: 8,
            pool_dir: None,
        }
    }
}

/// What is written about a lab into `lab.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LabFile {
    /// Says that none of this is real.
    pub note: String,
    /// Number of clusters.
    pub clusters: usize,
    /// All nodes.
    pub nodes: Vec<NodeInfo>,
}

/// One node of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its name in the lab: the host's name without its domain.
    pub name: String,
    /// The host's full name, as it stands in its certificates.
    pub fqdn: String,
    /// Its cluster.
    pub cluster: String,
    /// `cucm`, `imp`, `cuc` or `cer`.
    pub product: String,
    /// `11.5`, `12.5`, `14` or `15`.
    pub version: String,
    /// `publisher` or `subscriber`.
    pub role: String,
    /// Where it listens: address and port.
    pub address: SocketAddr,
    /// Where its command line listens over SSH.
    pub ssh: SocketAddr,
    /// SHA-256 of its SSH host key, as SSH programs show it.
    pub ssh_host_key: String,
    /// The connector of Certyard's agent for it: `cisco_uc`, or `cisco_cli` where the release has no REST API.
    pub connector: String,
    /// User of the node's REST API and command line.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// SHA-256 of the certificate that the port serves, lower-case hex.
    pub sha256: String,
}

/// A running lab. It ends with [`Lab::shutdown`], or less orderly when it is dropped.
#[derive(Debug)]
pub struct Lab {
    inner: Arc<Inner>,
    control: Control,
}

#[derive(Debug)]
pub(crate) struct Inner {
    dir: PathBuf,
    nodes: Vec<Arc<Node>>,
    clusters: usize,
    record: Arc<Record>,
    outside_ca: OutsideCa,
    /// One writer of `lab.json` at a time.
    writing: Mutex<()>,
    /// Held as long as the lab runs: two labs in one folder would spoil it.
    _lock: File,
}

/// `lab.json` in a lab's folder.
pub(crate) fn lab_file(dir: &Path) -> PathBuf {
    dir.join("lab.json")
}

/// Takes the lock of a lab's folder; none where a lab runs in it.
pub(crate) fn lock(dir: &Path) -> anyhow::Result<Option<File>> {
    let path = dir.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

impl Lab {
    /// Starts a lab: makes what its folder lacks, opens the ports and writes `lab.json`.
    ///
    /// # Errors
    /// Where the folder cannot be used or another lab runs in it, or no ports are left.
    pub async fn start(options: LabOptions) -> anyhow::Result<Self> {
        // Where another provider was installed before, that one holds; the nodes name theirs themselves.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let clusters = options.clusters;
        if !(1..=300).contains(&clusters) {
            bail!("a lab has 1 to 300 clusters, not {clusters}");
        }
        make_private_dir(&options.data_dir)?;
        let dir = options.data_dir.canonicalize()?;
        let Some(lock) = lock(&dir)? else {
            bail!("another lab runs in {}", dir.display())
        };
        let folder = dir.clone();
        let settled = options.clone();
        let (clusters, outside_ca) = tokio::task::spawn_blocking(move || settle(&folder, &settled)).await??;

        let record = Arc::new(Record::open(&dir.join("changes.ndjson"))?);
        allow_many_files(
            clusters
                .iter()
                .map(|cluster| cluster.read(|state| state.nodes.len()))
                .sum(),
        );
        let nodes = place_nodes(&clusters, options.listen, &dir.join("ssh"), &record)?;
        let inner = Arc::new(Inner {
            dir,
            nodes,
            clusters: clusters.len(),
            record,
            outside_ca,
            writing: Mutex::new(()),
            _lock: lock,
        });
        for node in &inner.nodes {
            // Set once: the node was made for this lab.
            let _ = node.home.set(Arc::downgrade(&inner));
        }
        for fault in options.faults {
            inner.add_fault(&fault).await?;
        }
        for node in inner.nodes.iter().filter(|node| !node.is_offline()) {
            node.open().await?;
        }
        let control = Control::start(&inner).await?;
        // Last: who finds the file finds a lab that answers.
        inner.write_file()?;
        Ok(Self { inner, control })
    }

    /// All nodes, cluster by cluster, publishers first.
    pub fn nodes(&self) -> Vec<NodeInfo> {
        self.inner.infos()
    }

    /// The node of that name, with or without its domain.
    pub fn node(&self, name: &str) -> Option<NodeInfo> {
        self.nodes()
            .into_iter()
            .find(|node| node.name == name || node.fqdn == name)
    }

    /// The folder of its state.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The CA that plays the outside CA for this lab.
    pub fn outside_ca(&self) -> &OutsideCa {
        &self.inner.outside_ca
    }

    /// Restarts the service of a node, of a cluster's nodes or, by `*`, of all: from then on the port serves the node's present `tomcat`
    /// certificate. Answers the restarted nodes.
    ///
    /// # Errors
    /// Where nothing has that name.
    pub async fn restart(&self, target: &str) -> anyhow::Result<Vec<NodeInfo>> {
        self.inner.restart(target)
    }

    /// Gives nodes a fault, see [`Fault`].
    ///
    /// # Errors
    /// Where nothing has that name.
    pub async fn add_fault(&self, fault: Fault) -> anyhow::Result<()> {
        self.inner.add_fault(&fault).await
    }

    /// Gives nodes a fault as it is written on the command line, for instance `sto-cm-pub:identity-upload:500:1`.
    ///
    /// # Errors
    /// Where the text is no fault or nothing has that name.
    pub async fn fault(&self, text: &str) -> anyhow::Result<()> {
        self.inner.add_fault(&text.parse()?).await
    }

    /// Takes all faults from a node, a cluster's nodes or, by `*`, from all; what was offline is reachable again.
    ///
    /// # Errors
    /// Where nothing has that name.
    pub async fn clear_faults(&self, target: &str) -> anyhow::Result<()> {
        self.inner.clear_faults(target).await
    }

    /// Every request that a node has seen since the start, newest last.
    pub fn requests(&self) -> Vec<Request> {
        self.inner.record.all()
    }

    /// What a node holds, by its name with or without its domain; none where no node has it.
    pub fn stores(&self, node: &str) -> Option<NodeStores> {
        self.inner.nodes.iter().find_map(|one| {
            one.cluster.read(|cluster| {
                let state = cluster.nodes.get(one.index)?;
                (state.name == node || state.fqdn() == node).then(|| NodeStores::of(state))
            })
        })
    }

    /// How often an operation has changed the stores of a node since the start.
    pub fn effects(&self, node: &str, operation: Operation) -> usize {
        let counts =
            |request: &&Request| request.changed && request.node == node && request.operation == Some(operation);
        self.inner.record.all().iter().filter(counts).count()
    }

    /// Closes all ports. The state is on disk already.
    pub async fn shutdown(self) {
        self.control.end();
        for node in &self.inner.nodes {
            node.end().await;
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.control.end();
        for node in &self.inner.nodes {
            node.end_now();
        }
    }
}

impl Inner {
    fn find(&self, target: &str) -> anyhow::Result<Vec<Arc<Node>>> {
        let wanted = |node: &&Arc<Node>| {
            target == "*"
                || node.name == target
                || node.cluster.read(|state| {
                    state.name == target || state.nodes.get(node.index).is_some_and(|node| node.fqdn() == target)
                })
        };
        let found: Vec<_> = self.nodes.iter().filter(wanted).cloned().collect();
        if found.is_empty() {
            bail!("the lab has no node and no cluster `{target}`; `certyard lab list` shows them");
        }
        Ok(found)
    }

    fn infos(&self) -> Vec<NodeInfo> {
        self.nodes.iter().filter_map(|node| info(node)).collect()
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn restart(&self, target: &str) -> anyhow::Result<Vec<NodeInfo>> {
        let nodes = self.find(target)?;
        for node in &nodes {
            let served = node.cluster.change(|state| {
                let served = served_now(state, node.index);
                if let (Some(served), Some(node)) = (&served, state.nodes.get_mut(node.index)) {
                    node.served = served.clone();
                }
                Ok(served)
            });
            match served {
                Ok(Some(served)) => node.take_up(&served)?,
                Ok(None) => bail!("{} has no `tomcat` certificate to serve", node.name),
                Err(refusal) => bail!("{}", refusal.message),
            }
        }
        self.write_file()?;
        Ok(nodes.iter().filter_map(|node| info(node)).collect())
    }

    pub(crate) async fn add_fault(&self, fault: &Fault) -> anyhow::Result<()> {
        for node in self.find(&fault.target)? {
            match &fault.trouble {
                Trouble::Offline => node.shut().await?,
                Trouble::Slow(_) | Trouble::Step { .. } => {}
            }
            node.add_trouble(fault.trouble.clone());
        }
        Ok(())
    }

    pub(crate) async fn clear_faults(&self, target: &str) -> anyhow::Result<()> {
        for node in self.find(target)? {
            node.clear_troubles();
            node.open().await?;
        }
        Ok(())
    }

    fn write_file(&self) -> anyhow::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let file = LabFile {
            note: "A simulation: no node here is real, and the credentials open nothing else.".to_owned(),
            clusters: self.clusters,
            nodes: self.infos(),
        };
        write_private(&lab_file(&self.dir), &serde_json::to_vec_pretty(&file)?)
    }
}

fn info(node: &Node) -> Option<NodeInfo> {
    node.cluster.read(|cluster| {
        let state = cluster.nodes.get(node.index)?;
        Some(NodeInfo {
            name: state.name.clone(),
            fqdn: state.fqdn(),
            cluster: cluster.name.clone(),
            product: cluster.product.as_str().to_owned(),
            version: cluster.version.as_str().to_owned(),
            role: if state.publisher { "publisher" } else { "subscriber" }.to_owned(),
            address: node.address,
            ssh: node.ssh_address,
            ssh_host_key: node.ssh_host_key.clone(),
            connector: if cluster.version.has_rest() {
                "cisco_uc"
            } else {
                "cisco_cli"
            }
            .to_owned(),
            user: state.user.clone(),
            password: state.password.clone(),
            sha256: hex::encode(state.served.chain.first()?.sha256),
        })
    })
}

/// Loads the clusters of a folder and bears those that it lacks.
fn settle(dir: &Path, options: &LabOptions) -> anyhow::Result<(Vec<Arc<Cluster>>, OutsideCa)> {
    let keys = Arc::new(Keys::open(dir.join("keys"))?);
    let shelf = Arc::new(Shelf::default());
    let clusters_dir = dir.join("clusters");
    make_private_dir(&clusters_dir)?;
    let plans = plan(options.clusters);
    let file = |plan: &ClusterPlan| clusters_dir.join(format!("{}.json", plan.name));

    let mut states: Vec<Option<ClusterState>> = Vec::new();
    for plan in &plans {
        states.push(ClusterState::load(&file(plan), &shelf)?);
    }
    if states.iter().any(Option::is_none) {
        let pool_dir = options.pool_dir.clone().unwrap_or_else(|| dir.join("pool"));
        let pool = Pool::open(&keys, pool_dir, options.pool_size)?;
        pool.lend_authority("outside", &dir.join("ca"))?;
        let now = Utc::now();
        let world = World::open(&dir.join("world"), &pool, now)?;
        let nursery = Nursery {
            pool: &pool,
            world: &world,
            shelf: &shelf,
            seed: options.seed,
            now,
        };
        bear_all(&nursery, &plans, &mut states, &file)?;
    }
    let clusters = plans.iter().zip(states).filter_map(|(plan, state)| {
        Some(Arc::new(Cluster::new(
            state?,
            file(plan),
            Arc::clone(&keys),
            Arc::clone(&shelf),
        )))
    });
    let clusters = clusters.collect();
    Ok((clusters, OutsideCa::open(&dir.join("ca"))?))
}

/// Bears the clusters that are missing, with all processors: most of the time goes into signatures.
fn bear_all(
    nursery: &Nursery<'_>,
    plans: &[ClusterPlan],
    states: &mut [Option<ClusterState>],
    file: &(impl Fn(&ClusterPlan) -> PathBuf + Sync),
) -> anyhow::Result<()> {
    let work: Mutex<Vec<_>> = Mutex::new(plans.iter().zip(states).filter(|(_, state)| state.is_none()).collect());
    let bear = || -> anyhow::Result<()> {
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((plan, slot)) = next else { return Ok(()) };
            let state = nursery.bear(plan)?;
            state.save(&file(plan))?;
            *slot = Some(state);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(bear)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(_) => bail!("a part of the lab broke off while it made its clusters"),
        })
    })
}

/// Gives every node its ports of the last start or, where one is taken, another one.
fn place_nodes(
    clusters: &[Arc<Cluster>],
    listen: IpAddr,
    host_keys: &Path,
    record: &Arc<Record>,
) -> anyhow::Result<Vec<Arc<Node>>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut nodes = Vec::new();
    // Known ports first: else a new node could be given the port that an old one is about to ask for.
    let mut known = Vec::new();
    let bind_known = |port: u16| -> anyhow::Result<Option<TcpSocket>> {
        if port == 0 {
            return Ok(None);
        }
        bind(SocketAddr::new(listen, port)).map(Some)
    };
    for cluster in clusters {
        let ports = |state: &ClusterState| {
            state
                .nodes
                .iter()
                .map(|node| [node.port, node.ssh_port])
                .collect::<Vec<_>>()
        };
        for [tls, ssh] in cluster.read(ports) {
            known.push((bind_known(tls)?, bind_known(ssh)?));
        }
    }
    let mut known = known.into_iter();
    let or_free = |socket: Option<TcpSocket>| socket.map_or_else(|| bind(SocketAddr::new(listen, 0)), Ok);
    for cluster in clusters {
        let mut moved = Vec::new();
        let names = cluster.read(|state| state.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>());
        for (index, name) in names.iter().enumerate() {
            let (tls, ssh) = known.next().unwrap_or_default();
            let sockets = Sockets {
                tls: or_free(tls)?,
                ssh: or_free(ssh)?,
            };
            let node = Node::new(
                Arc::clone(cluster),
                index,
                sockets,
                ssh::host_key(host_keys, name)?,
                Arc::clone(&provider),
                Arc::clone(record),
            )?;
            moved.push((index, node.address.port(), node.ssh_address.port()));
            nodes.push(Arc::new(node));
        }
        moved.retain(|(index, port, ssh)| {
            cluster.read(|state| {
                let known = state.nodes.get(*index);
                known.is_some_and(|node| (node.port, node.ssh_port) != (*port, *ssh))
            })
        });
        if !moved.is_empty() {
            let stored = cluster.change(|state| {
                for (index, port, ssh) in &moved {
                    if let Some(node) = state.nodes.get_mut(*index) {
                        node.port = *port;
                        node.ssh_port = *ssh;
                    }
                }
                Ok(())
            });
            stored.map_err(|refusal| anyhow::anyhow!(refusal.message))?;
        }
    }
    Ok(nodes)
}

/// A fleet of 1,200 nodes listens on 2,400 ports; many systems allow 1,024 open files until one asks for more.
fn allow_many_files(nodes: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let wanted = nodes as u64 * 6 + 1_024;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "cannot raise the number of open files");
        }
    }
}
