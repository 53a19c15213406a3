//! What the stub does with nodes.

use super::Stub;
use certyard_protocol::{NodeAssignment, NodesAnswer, NodesRequest, Taken};
use serde_json::{Value, json};
use uuid::Uuid;

impl Stub {
    /// Knows a node by its id once it took it; what was edited here stays, unless the agent changed it since.
    pub(super) fn put_nodes(&self, request: NodesRequest) -> (u16, Value) {
        let mut state = self.state();
        let mut taken = vec![];
        for declared in request.declared.iter().cloned() {
            let known = |node: &&mut NodeAssignment| match declared.node_id {
                Some(id) => node.node_id == id,
                None => (&node.cluster, &node.name) == (&declared.cluster, &declared.name),
            };
            let present = state.nodes.values_mut().find(known);
            let node_id = present.as_ref().map_or_else(Uuid::new_v4, |node| node.node_id);
            taken.push(Taken {
                name: declared.name.clone(),
                node_id,
            });
            match present {
                Some(node) if declared.changed => {
                    node.address = declared.address;
                    node.role = declared.role;
                }
                Some(_) => {}
                None => drop(state.nodes.insert(
                    declared.name.clone(),
                    NodeAssignment {
                        node_id,
                        cluster: declared.cluster,
                        name: declared.name,
                        address: declared.address,
                        product: declared.product,
                        version: declared.version,
                        role: declared.role,
                        connector: declared.connector,
                    },
                )),
            }
        }
        state.ready = request.ready.clone();
        state.ready.extend(taken.iter().map(|taken| taken.node_id));
        state.declared.push(request);
        state.nodes_changed = false;
        let nodes = state.nodes.values().cloned().collect();
        let refused = vec![];
        (200, json!(NodesAnswer { nodes, taken, refused }))
    }

    /// Edits a node as people do on its page; the key in [`State::nodes`] stays.
    pub fn edit(&self, name: &str, edit: impl FnOnce(&mut NodeAssignment)) {
        let mut state = self.state();
        edit(state.nodes.get_mut(name).unwrap());
        state.nodes_changed = true;
        drop(state);
        self.changed.notify_waiters();
    }
}
