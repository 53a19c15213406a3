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
export type Acknowledgement = Schemas['Acknowledgement'];
export type Aftercare = Schemas['Aftercare'];
export type AftercareItem = Schemas['AftercareItem'];
export type AftercareState = Schemas['AftercareState'];
export type Agent = Schemas['Agent'];
export type AgentStatus = Schemas['AgentStatus'];
export type AlertTrouble = Schemas['AlertTrouble'];
export type AuditEntry = Schemas['AuditEntry'];
export type CatalogueProduct = Schemas['Product'];
export type Certificate = Schemas['Certificate'];
export type Channel = Schemas['Channel'];
export type ChannelKind = Schemas['ChannelKind'];
export type ClutterReason = Schemas['ClutterReason'];
export type ClutterRow = Schemas['ClutterRow'];
export type CertificateMessage = Schemas['CertificateMessage'];
export type CertificateRow = Schemas['CertificateRow'];
export type CertificateCluster = Schemas['CertificateCluster'];
export type CertificateFacts = Schemas['CertificateFacts'];
export type Cluster = Schemas['Cluster'];
export type ClusterCompliance = Schemas['ClusterCompliance'];
export type ClusterStatus = Schemas['ClusterStatus'];
export type ClusterNode = Schemas['Node'];
export type ComplianceFix = Schemas['ComplianceFix'];
export type Connector = Schemas['Connector'];
export type Counts = Schemas['Counts'];
export type CoverageRow = Schemas['CoverageRow'];
export type CoverageState = Schemas['CoverageState'];
export type CreatePlan = Schemas['CreatePlan'];
export type Csr = Schemas['Csr'];
export type CsrState = Schemas['CsrState'];
export type Escalation = Schemas['Escalation'];
export type ExpiryDay = Schemas['ExpiryDay'];
export type Feed = Schemas['Feed'];
export type Found = Schemas['Found'];
export type Group = Schemas['Group'];
export type HistoryEvent = Schemas['HistoryEvent'];
export type IdentityRow = Schemas['IdentityRow'];
export type IdentityState = Schemas['IdentityState'];
export type Inspection = Schemas['Inspection'];
export type Installation = Schemas['Installation'];
export type Job = Schemas['Job'];
export type JobStatus = Schemas['JobStatus'];
export type JoinToken = Schemas['JoinToken'];
export type KeptCertificate = Schemas['KeptCertificate'];
export type Level = Schemas['InstallationStatus'];
export type MailServerSettings = Schemas['MailServerSettings'];
export type Me = Schemas['Me'];
export type Member = Schemas['Member'];
export type Message = Schemas['Message'];
export type MessageDetail = Schemas['MessageDetail'];
export type MessageKind = Schemas['MessageKind'];
export type MessageState = Schemas['MessageState'];
export type NewJoinToken = Schemas['NewJoinToken'];
export type NextAction = Schemas['NextAction'];
export type NodeRole = Schemas['NodeRole'];
export type NotificationRule = Schemas['NotificationRule'];
export type NotificationSettings = Schemas['NotificationSettings'];
export type Overview = Schemas['Overview'];
export type Plan = Schemas['Plan'];
export type PlanRefusal = Schemas['PlanRefusal'];
export type PlanTarget = Schemas['PlanTarget'];
export type PlanWarning = Schemas['PlanWarning'];
export type Profile = Schemas['Profile'];
export type ProfileOptions = Schemas['ProfileOptions'];
export type ProfileSetting = Schemas['ProfileSetting'];
export type PurposeOptions = Schemas['PurposeOptions'];
export type Role = Schemas['Role'];
export type RootChange = Schemas['RootChange'];
export type RootChangeDetail = Schemas['RootChangeDetail'];
export type RootChangePhase = Schemas['RootChangePhase'];
export type RootChangePhaseView = Schemas['RootChangePhaseView'];
export type RootChangeScope = Schemas['RootChangeScope'];
export type RootChangeState = Schemas['RootChangeState'];
export type RuleScope = Schemas['RuleScope'];
export type ServerOnly = Schemas['ServerOnly'];
export type Session = Schemas['Session'];
export type SetNotificationRule = Schemas['SetNotificationRule'];
export type Side = Schemas['Side'];
/** What the list of identity certificates is ordered by, the least first. */
export type CertificateSort = 'not_after' | 'common_name';
/** What lists of certificates filter by: the words of the cards. */
export type StatusFilter = 'expired' | 'expiring' | 'valid';
export type StoreKind = Schemas['StoreKind'];
export type Task = Schemas['Task'];
export type Token = Schemas['Token'];
export type TaskState = Schemas['TaskState'];
export type TaskStep = Schemas['TaskStep'];
export type TrustRow = Schemas['TrustCertificate'];
export type Undo = Schemas['Undo'];
export type WantedCsr = Schemas['WantedCsr'];
