import type { Level } from '../lib/certificate';

export interface Page<T> {
  items: T[];
  next: string | null;
  total?: number | null;
}

export interface Ref {
  id: string;
  name: string;
}

export interface Me {
  user: { id: string; name: string; email: string };
  organisation: Ref;
  role: 'owner' | 'admin' | 'operator' | 'viewer' | 'auditor';
  version: string;
  start_days: number;
}

export interface Counts {
  total: number;
  valid: number;
  expiring: number;
  expired: number;
}

export type Product = 'cucm' | 'imp' | 'cuc' | 'cer' | 'server';

export interface Cluster {
  id: string;
  name: string;
  product: string;
  version: string;
  status: string;
  group: Ref | null;
  node_count: number;
  nodes_unreachable: number;
  inventory_at: string | null;
  identity: Counts;
  trust: Counts;
}

export interface ClusterNode {
  id: string;
  cluster_id: string;
  name: string;
  address: string;
  role: string;
  connector: string;
  status: string;
  error: { code: string; message: string } | null;
  agent: (Ref & { online: boolean }) | null;
  inventory_at: string | null;
  version: string | null;
}

export interface Key {
  type: string;
  bits: number | null;
  curve?: string | null;
}

export interface ServedState {
  state: 'served' | 'restart_pending' | 'not_observable' | 'unknown';
  at?: string | null;
  served_sha256?: string | null;
  reason?: string | null;
}

export interface Installation {
  id: string;
  certificate_id: string;
  sha256: string;
  kind: 'identity' | 'trust';
  store: string;
  entry: string;
  node: Ref;
  cluster: Ref;
  product: string;
  common_name: string | null;
  subject: string;
  issuer: string;
  self_signed: boolean;
  serial_hex: string;
  key: Key;
  not_before: string;
  not_after: string;
  status: Level;
  issued_at: string | null;
  installed_at: string | null;
  served: ServedState;
  csr: { id: string; created_at: string } | null;
}

export interface TrustRow {
  certificate_id: string;
  sha256: string;
  common_name: string | null;
  subject: string;
  issuer: string;
  self_signed: boolean;
  serial_hex: string;
  not_before: string;
  not_after: string;
  status: Level;
  stores: string[];
  node_count: number;
}

export interface Certificate {
  id: string;
  sha256: string;
  sha1: string;
  serial_hex: string;
  subject: string;
  issuer: string;
  common_name: string | null;
  not_before: string;
  not_after: string;
  sans: [kind: string, value: string][];
  key: Key;
  signature_algorithm: string;
  key_usage: string[] | null;
  extended_key_usage: string[] | null;
  warnings: string[];
  installations: Installation[];
  installation_count: number;
}

export interface HistoryEvent {
  at: string;
  event: string;
  certificate_id: string | null;
  common_name: string | null;
  serial_hex: string | null;
  not_after: string | null;
  job_id: string | null;
}

export interface Csr {
  id: string;
  node: Ref;
  cluster: Ref;
  purpose: string;
  subject: string;
  common_name: string | null;
  sans: [kind: string, value: string][];
  key: Key;
  created_at: string;
  pem: string;
}

export interface InspectedCertificate {
  sha256: string;
  serial_hex: string;
  subject: string;
  issuer: string;
  not_before: string;
  not_after: string;
  sans: [kind: string, value: string][];
  key: Key;
}

export interface Inspection {
  certificates: InspectedCertificate[];
}

export interface Facts {
  common_name: string | null;
  issuer: string | null;
  serial_hex: string | null;
  not_after: string | null;
  sha256: string | null;
  key: Key | null;
}

export type Rollback = 'automatic' | 'restore_previous' | 'none';

export interface PlanTarget {
  key: string;
  node: Ref;
  cluster: Ref;
  purpose: string | null;
  wave: number;
  before: Facts | null;
  after: Facts | null;
  steps: { step: string; rollback: Rollback }[];
  restarts: string[];
  note: string | null;
}

export interface PlanWarning {
  code: string;
  message: string;
  consent: boolean;
}

export interface PlanRefusal {
  code: string;
  message: string;
  node: Ref | null;
  purpose: string | null;
}

export interface Plan {
  id: string;
  action: string;
  created_at: string;
  expires_at: string;
  targets: PlanTarget[];
  warnings: PlanWarning[];
  refusals: PlanRefusal[];
}

export interface PlanChange {
  node: Ref;
  purpose: string | null;
  message: string;
}

export type TaskState =
  'waiting' | 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'expired' | 'superseded';

export interface Job {
  id: string;
  action: string;
  status: string;
  purpose: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  created_by: { name: string } | null;
  clusters: Ref[];
  counts: Record<TaskState, number>;
  total: number;
  cancel_requested: boolean;
}

export interface TaskStep {
  step: string;
  state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped';
  message: string | null;
  started_at: string | null;
  finished_at: string | null;
}

export interface Task {
  id: string;
  node: Ref;
  cluster: Ref;
  purpose: string | null;
  state: TaskState;
  wave: number;
  outcome: 'rolled_back' | 'rollback_failed' | 'not_started' | null;
  error: { code: string; message: string } | null;
  note: string | null;
  steps: TaskStep[];
  started_at: string | null;
  finished_at: string | null;
}

export interface Agent {
  id: string;
  name: string;
  status: string;
  last_seen_at: string | null;
  version: string;
  hostname: string;
  os: string;
  node_count: number;
}

export interface JoinToken {
  token: string;
  expires_at: string;
  command: string;
}
