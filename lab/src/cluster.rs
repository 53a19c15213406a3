//! A cluster at run time: its state, guarded, and on disk before it is seen.

use crate::{
    keys::{KeyId, Keys},
    rules::{
        CsrOrder, Refusal, add_trust, delete_csr, delete_trust, follow_tomcat, install_identity, plan_csr,
        plan_regeneration, put_csr, put_regenerated, refuse, reuse_tomcat, users_of_tomcat,
    },
    state::{ClusterState, Shelf},
};
use certyard_pki::{Certificate, PrivateKey, make_csr, self_signed, upload};
use chrono::Utc;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Debug)]
pub(crate) struct Cluster {
    state: Mutex<ClusterState>,
    file: PathBuf,
    pub(crate) keys: Arc<Keys>,
    shelf: Arc<Shelf>,
}

impl Cluster {
    pub(crate) fn new(state: ClusterState, file: PathBuf, keys: Arc<Keys>, shelf: Arc<Shelf>) -> Self {
        Self {
            state: Mutex::new(state),
            file,
            keys,
            shelf,
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&ClusterState) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a change: on a copy first, then on disk, then for all to see. A refusal leaves everything as it was.
    pub(crate) fn change<T>(&self, make: impl FnOnce(&mut ClusterState) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = state.clone();
        let made = make(&mut next)?;
        if let Err(error) = next.save(&self.file) {
            tracing::error!(error = format!("{error:#}"), "a change of the lab could not be stored");
            return Err(Refusal {
                status: 500,
                message: "The change could not be stored".to_owned(),
            });
        }
        *state = next;
        Ok(made)
    }

    fn forget_keys(&self, gone: &[KeyId]) {
        for key in gone {
            self.keys.forget(key);
        }
    }

    /// Makes a key and a CSR; answers the service's name and the CSR in PEM. It may take long, so it belongs on a thread for
    /// blocking work.
    pub(crate) fn generate_csr(&self, node: usize, order: &CsrOrder) -> Result<(&'static str, String), Refusal> {
        let plan = self.read(|state| plan_csr(state, node, order))?;
        // Outside of the lock: others need not wait for a key.
        let key = PrivateKey::generate(plan.key).map_err(|error| broken(&error))?;
        let csr = make_csr(&key, &plan.request).map_err(|error| broken(&error))?;
        let id = self.keys.keep(&key).map_err(|error| broken(&error))?;
        let pem = csr.to_pem();
        let gone = self.change(|state| Ok(put_csr(state, node, &plan, pem.clone(), id)))?;
        self.forget_keys(&gone);
        Ok((plan.service.name, pem))
    }

    pub(crate) fn delete_csr(&self, node: usize, service: &str) -> Result<(), Refusal> {
        let gone = self.change(|state| delete_csr(state, node, service))?;
        self.forget_keys(&gone);
        Ok(())
    }

    pub(crate) fn install_identity(&self, node: usize, service: &str, texts: &[String]) -> Result<(), Refusal> {
        let upload = read_certificates(texts)?;
        self.change(|state| {
            let users = users_of_tomcat(state, service);
            install_identity(state, &self.shelf, node, service, &upload, Utc::now())?;
            follow_tomcat(state, &users);
            Ok(())
        })
    }

    /// True if anything has changed.
    pub(crate) fn add_trust(&self, node: usize, stores: &[String], texts: &[String]) -> Result<bool, Refusal> {
        let upload = read_certificates(texts)?;
        self.change(|state| add_trust(state, &self.shelf, node, stores, &upload))
    }

    pub(crate) fn delete_trust(&self, node: usize, store: &str, file_name: &str) -> Result<String, Refusal> {
        self.change(|state| delete_trust(state, node, store, file_name))
    }

    /// Makes a new key and a self-signed certificate; answers the service's name. As slow as [`Self::generate_csr`].
    pub(crate) fn regenerate(&self, node: usize, service: &str) -> Result<&'static str, Refusal> {
        let plan = self.read(|state| plan_regeneration(state, node, service, Utc::now()))?;
        let key = PrivateKey::generate(plan.key).map_err(|error| broken(&error))?;
        let certificate = self_signed(&key, &plan.profile).map_err(|error| broken(&error))?;
        let id = self.keys.keep(&key).map_err(|error| broken(&error))?;
        self.change(|state| {
            let users = users_of_tomcat(state, plan.service.name);
            put_regenerated(state, &self.shelf, node, &plan, &certificate, id);
            follow_tomcat(state, &users);
            Ok(())
        })?;
        Ok(plan.service.name)
    }

    /// True if anything has changed.
    pub(crate) fn reuse_tomcat(&self, node: usize, service: &str) -> Result<bool, Refusal> {
        self.change(|state| reuse_tomcat(state, node, service, Utc::now()))
    }
}

fn broken(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "the lab could not make what was asked");
    Refusal {
        status: 500,
        message: "It could not be made".to_owned(),
    }
}

fn read_certificates(texts: &[String]) -> Result<Vec<Certificate>, Refusal> {
    let mut all = Vec::new();
    for text in texts {
        match upload::read(text.as_bytes(), &upload::Limits::default(), false) {
            Ok(upload) => all.extend(upload.certificates),
            Err(refusal) => return refuse(format!("The certificate cannot be read: {}", refusal.message)),
        }
    }
    if all.is_empty() {
        refuse("certificates must hold at least one certificate")
    } else {
        Ok(all)
    }
}
