//! Certificates: lists, downloads and uploads.

mod facts;
mod holders;

pub(crate) use facts::{CertificateFacts, CsrFacts, KeyFacts, stored_facts};
pub(crate) use holders::{CertificateCluster, export_certificate_clusters, list_certificate_clusters};

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::installations::{Installation, InstallationStatus, add_acknowledgements, installation, status};
use crate::list::{self, List, turn};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use crate::upload;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get, post, web};
use certyard_domain::inventory::ExpiryStatus;
use certyard_domain::{OrgTx, Timestamp, certificates, inventory, orgs};
use chrono::{DateTime, TimeDelta, Utc};
use facts::{csr_facts, facts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a file holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Inspection {
    /// Certificates in their order, each once.
    pub certificates: Vec<CertificateFacts>,
    /// CSRs in their order.
    pub csrs: Vec<CsrFacts>,
}

/// A certificate that an import stored or found.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportedCertificate {
    /// The certificate.
    pub id: Uuid,
    /// It was not known before.
    pub new: bool,
    /// What it says.
    #[serde(flatten)]
    pub facts: CertificateFacts,
}

/// What an import stored or found.
#[derive(Serialize, ToSchema)]
pub(crate) struct Import {
    /// Certificates in their order, each once.
    pub certificates: Vec<ImportedCertificate>,
}

/// The verdict on one row of a bulk import, a line of NDJSON.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkVerdict {
    /// Counts from 1.
    #[schema(example = 1)]
    pub row: u64,
    /// Stored or known.
    pub ok: bool,
    /// The certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// SHA-256 of the DER, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "6a9c3c0f…")]
    pub sha256: Option<String>,
    /// It was not known before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<bool>,
    /// Stable code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "broken_der")]
    pub code: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "this is no certificate")]
    pub message: Option<String>,
}

/// A row of a list of certificates.
#[derive(Serialize, ToSchema)]
pub(crate) struct CertificateRow {
    /// The certificate.
    pub id: Uuid,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: String,
    /// Common name; empty where it has none.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: String,
    /// Subject, RFC 4514.
    #[schema(example = "CN=cucm-n-1.example.org,O=Example")]
    pub subject: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Issuing CA,O=Example")]
    pub issuer: String,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: String,
    /// Public key.
    pub key: KeyFacts,
    /// Signature algorithm.
    #[schema(example = "sha256WithRSAEncryption")]
    pub signature_algorithm: String,
    /// A CA's certificate.
    pub is_ca: bool,
    /// Signed by its own key, as far as that can be told.
    pub self_signed: bool,
    /// Begin.
    pub not_before: DateTime<Utc>,
    /// End.
    pub not_after: DateTime<Utc>,
    /// How near the end is.
    pub status: InstallationStatus,
    /// When it was first seen.
    pub created_at: DateTime<Utc>,
}

/// A certificate with its first 50 installations.
#[derive(Serialize, ToSchema)]
pub(crate) struct Certificate {
    /// The certificate.
    pub id: Uuid,
    /// What it says.
    #[serde(flatten)]
    pub facts: CertificateFacts,
    /// How near the end is.
    pub status: InstallationStatus,
    /// When it was first seen.
    pub created_at: DateTime<Utc>,
    /// Where it is, at most 50.
    pub installations: Vec<Installation>,
    /// In how many places it is.
    #[schema(example = 3)]
    pub installation_count: i64,
}

/// Which certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCertificates {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of a name of the certificate or of a node that holds it, or the begin of its serial number or SHA-256.
    pub search: Option<String>,
    /// Only what ends at this time or later.
    pub not_after_from: Option<DateTime<Utc>>,
    /// Only what ends before.
    pub not_after_until: Option<DateTime<Utc>>,
    /// Only CAs, or only others.
    pub is_ca: Option<bool>,
}

/// A file, as a form sends it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the form; the bytes are read as a stream")]
pub(crate) struct FileForm {
    /// The file, at most 10 MiB: PEM, DER, PKCS#7 in PEM, DER or BER.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Vec<u8>,
}

impl List for ListCertificates {
    type Of = ();
    type Row = CertificateRow;
    const NAME: &'static str = "certificates";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<CertificateRow>, Problem> {
        let filter = certificates::CertificateFilter {
            search: self.search.clone(),
            not_after_from: self.not_after_from,
            not_after_until: self.not_after_until,
            is_ca: self.is_ca,
        };
        let rows = certificates::list(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        let near = near(tx).await?;
        Ok(page::convert(rows, |row| certificate_row(row, near)))
    }
}

/// Lists certificates.
#[utoipa::path(operation_id = "list_certificates", tag = "certificates", params(ListCertificates), responses((status = 200, description = "Certificates by their end", body = Page<CertificateRow>)))]
#[get("/certificates")]
pub(crate) async fn list_certificates(
    app: App,
    caller: Caller,
    query: Query<ListCertificates>,
) -> Reply<Page<CertificateRow>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports certificates as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_certificates", tag = "certificates", params(ListCertificates), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/certificates.csv")]
pub(crate) async fn export_certificates(
    app: App,
    caller: Caller,
    query: Query<ListCertificates>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Reads a file without storing anything.
///
/// Takes PEM, DER and PKCS#7 in PEM, DER or BER, and CSRs. A private key or PKCS#12 file is refused whole.
#[utoipa::path(operation_id = "inspect_certificates", tag = "certificates", request_body(content = FileForm, content_type = "multipart/form-data"), responses((status = 200, description = "What the file holds", body = Inspection)))]
#[post("/certificates/inspect")]
pub(crate) async fn inspect(request: HttpRequest, payload: web::Payload) -> Reply<Inspection> {
    let file = upload::file(&request, payload).await?;
    let upload = certificates::inspect(file).await?;
    Ok(web::Json(Inspection {
        certificates: upload.certificates.iter().map(facts).collect(),
        csrs: upload.csrs.iter().map(csr_facts).collect(),
    }))
}

/// Stores the certificates of a file.
///
/// Takes PEM, DER and PKCS#7 in PEM, DER or BER; all of it or nothing. What is known already is answered, not stored twice.
#[utoipa::path(operation_id = "import_certificates", tag = "certificates", request_body(content = FileForm, content_type = "multipart/form-data"), responses((status = 200, description = "What was stored or known", body = Import)))]
#[post("/certificates/import")]
pub(crate) async fn import(app: App, caller: Caller, request: HttpRequest, payload: web::Payload) -> Reply<Import> {
    let file = upload::file(&request, payload).await?;
    let imported = certificates::import(&app.db, caller.scope(), file).await?;
    Ok(web::Json(Import {
        certificates: imported
            .certificates
            .iter()
            .map(|one| ImportedCertificate {
                id: one.stored.id,
                new: one.stored.new,
                facts: facts(&one.prepared.certificate),
            })
            .collect(),
    }))
}

/// Stores a stream of certificates with a verdict for each.
///
/// Takes PEM text (`application/x-pem-file`) or NDJSON with a member `pem` in each line (`application/x-ndjson`). Repeating it is harmless.
#[utoipa::path(operation_id = "bulk_import_certificates", tag = "certificates", request_body(content = String, content_type = "application/x-pem-file", description = "PEM, or NDJSON as application/x-ndjson"), responses((status = 200, description = "One line of NDJSON for each row", body = BulkVerdict, content_type = "application/x-ndjson")))]
#[post("/certificates/bulk")]
pub(crate) async fn bulk(
    app: App,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    upload::bulk(app, caller, &request, payload)
}

/// Downloads a certificate in PEM.
#[utoipa::path(operation_id = "get_certificate_pem", tag = "certificates", params(("id" = Uuid, Path, description = "The certificate")), responses((status = 200, description = "PEM", body = String, content_type = "application/x-pem-file")))]
#[get("/certificates/{id}.pem")]
pub(crate) async fn get_pem(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let stored = certificates::der(&tx, *id).await?;
    Ok(download(&stored.row, "pem", "application/x-pem-file").body(stored.to_pem()))
}

/// Downloads a certificate in DER, as it was received.
#[utoipa::path(operation_id = "get_certificate_der", tag = "certificates", params(("id" = Uuid, Path, description = "The certificate")), responses((status = 200, description = "DER", body = Vec<u8>, content_type = "application/pkix-cert")))]
#[get("/certificates/{id}.der")]
pub(crate) async fn get_der(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let stored = certificates::der(&tx, *id).await?;
    Ok(download(&stored.row, "der", "application/pkix-cert").body(stored.der))
}

/// Reads a certificate with its first 50 installations.
#[utoipa::path(operation_id = "get_certificate", tag = "certificates", params(("id" = Uuid, Path, description = "The certificate")), responses((status = 200, description = "The certificate", body = Certificate)))]
#[get("/certificates/{id}")]
pub(crate) async fn get_certificate(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<Certificate> {
    let tx = app.db.read(caller.scope()).await?;
    let detail = inventory::certificate(&tx, *id).await?;
    let near = near(&tx).await?;
    let now = tx.now();
    let rows = detail.installations.into_iter().map(|row| installation(row, now));
    let mut installations = rows.collect::<Result<Vec<_>, _>>()?;
    add_acknowledgements(&tx, &mut installations).await?;
    Ok(web::Json(Certificate {
        id: detail.certificate.id,
        status: near.status(detail.certificate.not_after),
        created_at: detail.certificate.created_at,
        installations,
        installation_count: i64::try_from(detail.installation_count).unwrap_or(i64::MAX),
        facts: stored_facts(detail.certificate)?,
    }))
}

/// The organisation's idea of "soon", as of a transaction.
#[derive(Clone, Copy)]
pub(crate) struct Near {
    now: Timestamp,
    start: TimeDelta,
}

impl Near {
    fn status(self, not_after: Timestamp) -> InstallationStatus {
        status(ExpiryStatus::of(not_after, self.now, self.start), not_after, self.now)
    }
}

pub(crate) async fn near(tx: &OrgTx) -> Result<Near, Problem> {
    let days = orgs::get(tx).await?.start_days;
    Ok(Near {
        now: tx.now(),
        start: TimeDelta::days(days.into()),
    })
}

fn download(row: &certificates::Certificate, ending: &str, kind: &str) -> HttpResponseBuilder {
    let id: String = row.sha256.chars().take(8).collect();
    let name = file_name([&row.common_name, &id]);
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, kind));
    response.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")));
    response
}

/// Name of a file by what it is of: whoever has forty of them has to tell them apart. Only what every system takes in a name.
pub(crate) fn file_name<'a>(parts: impl IntoIterator<Item = &'a String>) -> String {
    let safe = |part: &String| -> String {
        let taken = part.chars().take(60);
        let safe = taken.map(|letter| {
            if letter.is_ascii_alphanumeric() || "._-".contains(letter) {
                letter
            } else {
                '_'
            }
        });
        safe.collect::<String>().trim_start_matches('.').to_string()
    };
    let parts: Vec<String> = parts.into_iter().map(safe).filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

pub(crate) fn certificate_row(row: certificates::Certificate, near: Near) -> CertificateRow {
    CertificateRow {
        id: row.id,
        sha256: row.sha256,
        common_name: row.common_name,
        subject: row.subject,
        issuer: row.issuer,
        serial_hex: row.serial_hex,
        key: KeyFacts::stored(row.key_type, row.key_bits),
        signature_algorithm: row.signature_algorithm,
        is_ca: row.is_ca,
        self_signed: row.self_signed,
        not_before: row.not_before,
        not_after: row.not_after,
        status: near.status(row.not_after),
        created_at: row.created_at,
    }
}
