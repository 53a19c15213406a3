/** The words of the API, as openapi.json generates them, by the names that the pages use. */
import type { Readable } from 'openapi-typescript-helpers';
import type { components } from './schema';

/** As openapi-fetch gives them. */
type Schemas = { [Name in keyof components['schemas']]: Readable<components['schemas'][Name]> };

export interface Page<T> {
  items: T[];
  next?: string | null;
}

/** What makes a certificate an alert. */
export type AlertStatus = Exclude<StatusFilter, 'valid'>;
export type Agent = Schemas['Agent'];
export type CatalogueProduct = Schemas['Product'];
export type Certificate = Schemas['Certificate'];
export type CertificateCluster = Schemas['CertificateCluster'];
export type CertificateFacts = Schemas['CertificateFacts'];
export type Cluster = Schemas['Cluster'];
export type ClusterNode = Schemas['Node'];
export type Connector = Schemas['Connector'];
export type Counts = Schemas['Counts'];
export type CreatePlan = Schemas['CreatePlan'];
export type Csr = Schemas['Csr'];
export type HistoryEvent = Schemas['HistoryEvent'];
export type Inspection = Schemas['Inspection'];
export type Installation = Schemas['Installation'];
export type Job = Schemas['Job'];
export type JobStatus = Schemas['JobStatus'];
export type Level = Schemas['InstallationStatus'];
export type Me = Schemas['Me'];
export type NodeRole = Schemas['NodeRole'];
export type Plan = Schemas['Plan'];
export type PlanRefusal = Schemas['PlanRefusal'];
export type PlanTarget = Schemas['PlanTarget'];
export type PlanWarning = Schemas['PlanWarning'];
export type Side = Schemas['Side'];
/** What the list of identity certificates is ordered by, the least first. */
export type CertificateSort = 'not_after' | 'common_name';
/** What lists of certificates filter by: the words of the cards. */
export type StatusFilter = 'expired' | 'expiring' | 'valid';
export type StoreKind = Schemas['StoreKind'];
export type Task = Schemas['Task'];
export type TaskState = Schemas['TaskState'];
export type TaskStep = Schemas['TaskStep'];
export type TrustRow = Schemas['TrustCertificate'];
export type Undo = Schemas['Undo'];
export type WantedCsr = Schemas['WantedCsr'];
