//! Real and hostile certificates of two packages of PyPI, certifi and cryptography-vectors: every field of the record compared with
//! what the `openssl` command prints.
//!
//! `./dev test` fetches them into `.dev/vectors`; elsewhere: `pip download --no-deps certifi cryptography-vectors`, unzip both into
//! one folder, and name it in `CERTYARD_VECTORS`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use certyard_pki::upload::{self, Limits};
use certyard_pki::{Certificate, San, SanKind};

use crate::names::parts;
use crate::openssl;

/// Files that only one of the two takes, with the reason. The list may only shrink.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "cryptography_vectors/x509/badasn1time.pem: refused",
        "a time that is none; OpenSSL prints `Bad time value`",
    ),
    (
        "cryptography_vectors/x509/custom/empty-eku.pem: extended key usage",
        "an empty list is listed as such",
    ),
    (
        "cryptography_vectors/x509/custom/invalid_version.pem: version",
        "OpenSSL says `Unknown (8)`, the record 8 and a warning",
    ),
    (
        "cryptography_vectors/x509/san_edipartyname.der: n",
        "OpenSSL does not read names of kind edi",
    ),
    (
        "cryptography_vectors/x509/custom/malformed-san.pem: n",
        "a name of kind othername without its tag is listed",
    ),
    (
        "cryptography_vectors/x509/v1_cert.pem: signature algorithm",
        "a hash where a signature algorithm belongs: number and name",
    ),
    (
        "cryptography_vectors/x509/e-trust.ru.der: signature algorithm",
        "GOST has a number here, a name there",
    ),
    (
        "cryptography_vectors/x509/e-trust.ru.der: key type",
        "GOST has a number here, a name there",
    ),
];

fn folder() -> PathBuf {
    let folder = std::env::var_os("CERTYARD_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.dev/vectors"),
        PathBuf::from,
    );
    assert!(
        folder.join("certifi/cacert.pem").is_file() && folder.join("cryptography_vectors/x509").is_dir(),
        "the certificates of PyPI's certifi and cryptography-vectors are not in {}: run `./dev test`, or `pip download --no-deps \
         certifi cryptography-vectors`, unzip both into one folder and name it in CERTYARD_VECTORS",
        folder.display()
    );
    folder
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .and_then(|end| end.to_str())
            .is_some_and(|end| matches!(end, "pem" | "der" | "crt" | "p7b"))
        {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn every_field_is_what_openssl_says() {
    let folder = folder();
    let mut paths = vec![folder.join("certifi/cacert.pem")];
    files(&folder.join("cryptography_vectors/x509"), &mut paths);
    files(&folder.join("cryptography_vectors/pkcs7"), &mut paths);
    let work = Mutex::new((paths.into_iter(), BTreeSet::new()));
    let wrong = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(path) = work.lock().unwrap().0.next() else {
                        break;
                    };
                    let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                    let bytes = std::fs::read(&path).unwrap();
                    match upload::read(&bytes, &Limits::default(), true) {
                        Ok(upload) => {
                            for certificate in upload.certificates {
                                if work.lock().unwrap().1.insert(certificate.sha256) {
                                    let found = compare(&certificate);
                                    wrong
                                        .lock()
                                        .unwrap()
                                        .extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
                                }
                            }
                            for csr in upload.csrs {
                                let found = compare_request(&csr);
                                wrong
                                    .lock()
                                    .unwrap()
                                    .extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
                            }
                        }
                        Err(refusal) if matches!(refusal.code, "private_key" | "pkcs12") => {}
                        Err(refusal) => {
                            let path = path.to_str().unwrap();
                            let request = openssl::run(&["req", "-noout", "-verify", "-in", path], b"");
                            let taken = openssl::run(&["x509", "-noout", "-in", path], b"").ok
                                || (request.ok && !request.stderr.contains("verify failure"));
                            if taken {
                                wrong.lock().unwrap().push(format!("{name}: refused: {refusal}"));
                            }
                        }
                    }
                }
            });
        }
    });
    let wrong: Vec<String> = wrong
        .into_inner()
        .unwrap()
        .into_iter()
        .filter(|line| !OTHERWISE.iter().any(|(start, _)| line.starts_with(start)))
        .collect();
    let compared = work.into_inner().unwrap().1.len();
    println!("{compared} certificates compared");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 600, "only {compared} certificates were found");
}

/// What OpenSSL prints of one certificate, by line.
struct Printed(String);

impl Printed {
    fn of(kind: &str, der: &[u8]) -> Option<Self> {
        let mut arguments = vec![
            kind,
            "-inform",
            "DER",
            "-noout",
            "-subject",
            "-nameopt",
            "RFC2253,-esc_msb,utf8",
            "-text",
        ];
        if kind == "x509" {
            arguments.extend([
                "-issuer",
                "-serial",
                "-dates",
                "-dateopt",
                "iso_8601",
                "-fingerprint",
                "-sha256",
            ]);
        }
        let run = openssl::run(&arguments, der);
        // Bytes as Latin-1: names of other encodings than UTF-8 occur among the alternative names.
        run.ok
            .then(|| Self(run.stdout.iter().map(|octet| char::from(*octet)).collect()))
    }

    /// What follows the first line that begins with this, leading blanks aside.
    fn line(&self, start: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.trim_start().strip_prefix(start))
    }

    /// The same, decoded as UTF-8.
    fn text(&self, start: &str) -> String {
        let bytes: Vec<u8> = self.line(start).unwrap().chars().map(|octet| octet as u8).collect();
        String::from_utf8(bytes).unwrap()
    }

    /// The line below the title of an extension.
    fn extension(&self, title: &str) -> Option<&str> {
        let mut lines = self.0.lines();
        lines.find(|line| line.trim_start().starts_with(title))?;
        lines.next().map(str::trim_start)
    }
}

fn compare(certificate: &Certificate) -> Vec<String> {
    let mut wrong = vec![];
    let Some(printed) = Printed::of("x509", &certificate.der) else {
        return vec!["openssl does not take it".to_owned()];
    };
    let mut same = |what: &str, ours: &str, theirs: &str| {
        if ours != theirs {
            wrong.push(format!("{what}: {ours:?}, openssl {theirs:?}"));
        }
    };
    same(
        "sha256",
        &certificate.sha256_hex(),
        &printed
            .line("sha256 Fingerprint=")
            .unwrap()
            .replace(':', "")
            .to_lowercase(),
    );
    same("serial", &certificate.serial_hex, printed.line("serial=").unwrap());
    let time = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M:%SZ").to_string();
    same(
        "not before",
        &time(certificate.not_before),
        printed.line("notBefore=").unwrap(),
    );
    same(
        "not after",
        &time(certificate.not_after),
        printed.line("notAfter=").unwrap(),
    );
    same(
        "version",
        &certificate.version.to_string(),
        printed.line("Version: ").unwrap().split(' ').next().unwrap(),
    );
    for (what, ours, theirs) in [
        ("subject", &certificate.subject, printed.text("subject=")),
        ("issuer", &certificate.issuer, printed.text("issuer=")),
    ] {
        if parts(ours) != parts(&theirs) {
            same(what, ours, &theirs);
        }
    }
    // The last one is that of the signature itself, behind the one that was signed along.
    let algorithm = printed
        .0
        .rsplit("Signature Algorithm: ")
        .next()
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .trim_end();
    same(
        "signature algorithm",
        &certificate.signature_algorithm.to_lowercase(),
        &algorithm.to_lowercase(),
    );
    compare_key(&certificate.key, &printed, &mut same);
    let usage = certificate.key_usage.as_ref().map(|usage| usage.join(", "));
    same(
        "key usage",
        &format!("{usage:?}"),
        &format!("{:?}", printed.extension("X509v3 Key Usage:").map(usages)),
    );
    let purposes = certificate.extended_key_usage.as_ref().map(|usage| usage.join(", "));
    same(
        "extended key usage",
        &format!("{purposes:?}"),
        &format!("{:?}", printed.extension("X509v3 Extended Key Usage:").map(usages)),
    );
    let constraints = certificate.basic_constraints.map(|constraints| {
        let mut text = format!("CA:{}", if constraints.ca { "TRUE" } else { "FALSE" });
        if let Some(length) = constraints.path_len {
            let _ = write!(text, ", pathlen:{length}");
        }
        text
    });
    same(
        "constraints",
        &format!("{constraints:?}"),
        &format!("{:?}", printed.extension("X509v3 Basic Constraints:")),
    );
    let colons = |bytes: &Vec<u8>| {
        bytes
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect::<Vec<_>>()
            .join(":")
    };
    let ski = printed.extension("X509v3 Subject Key Identifier:");
    same(
        "subject key identifier",
        &format!("{:?}", certificate.ski.as_ref().map(colons).as_deref()),
        &format!("{ski:?}"),
    );
    let aki = printed
        .extension("X509v3 Authority Key Identifier:")
        .map(|line| line.trim_start_matches("keyid:"));
    let aki = aki.filter(|line| !line.starts_with("DirName:") && !line.starts_with("serial:"));
    same(
        "authority key identifier",
        &format!("{:?}", certificate.aki.as_ref().map(colons).as_deref()),
        &format!("{aki:?}"),
    );
    compare_names(&certificate.sans, &printed, &mut same);
    wrong
}

fn compare_request(csr: &certyard_pki::Csr) -> Vec<String> {
    let mut wrong = vec![];
    let Some(printed) = Printed::of("req", &csr.der) else {
        return vec!["openssl does not take it".to_owned()];
    };
    let mut same = |what: &str, ours: &str, theirs: &str| {
        if ours != theirs {
            wrong.push(format!("{what}: {ours:?}, openssl {theirs:?}"));
        }
    };
    let theirs = printed.text("subject=");
    if parts(&csr.subject) != parts(&theirs) {
        same("subject", &csr.subject, &theirs);
    }
    compare_key(&csr.key, &printed, &mut same);
    let purposes = csr.extended_key_usage.as_ref().map(|usage| usage.join(", "));
    same(
        "extended key usage",
        &format!("{purposes:?}"),
        &format!("{:?}", printed.extension("X509v3 Extended Key Usage:").map(usages)),
    );
    compare_names(&csr.sans, &printed, &mut same);
    wrong
}

fn compare_key(key: &certyard_pki::KeyInfo, printed: &Printed, same: &mut impl FnMut(&str, &str, &str)) {
    let kind = match printed.line("Public Key Algorithm: ").unwrap() {
        "rsaEncryption" => "RSA",
        "id-ecPublicKey" => "EC",
        "dsaEncryption" => "DSA",
        "ED25519" => "Ed25519",
        "ED448" => "Ed448",
        "rsassaPss" => "1.2.840.113549.1.1.10",
        other => other,
    };
    same("key type", &key.key_type, kind);
    if let Some(bits) = printed
        .line("Public-Key: (")
        .or_else(|| printed.line("RSA-PSS Public-Key: ("))
    {
        same(
            "bits",
            &key.bits.unwrap_or_default().to_string(),
            bits.split(' ').next().unwrap(),
        );
    }
    if let Some(curve) = printed.line("NIST CURVE: ") {
        same("curve", key.curve_name().unwrap_or_default(), curve);
    }
}

/// The words of OpenSSL for usages in ours.
fn usages(line: &str) -> String {
    line.trim_end()
        .split(", ")
        .map(|word| match word {
            "Digital Signature" => "digitalSignature",
            "Non Repudiation" => "nonRepudiation",
            "Key Encipherment" => "keyEncipherment",
            "Data Encipherment" => "dataEncipherment",
            "Key Agreement" => "keyAgreement",
            "Certificate Sign" => "keyCertSign",
            "CRL Sign" => "cRLSign",
            "Encipher Only" => "encipherOnly",
            "Decipher Only" => "decipherOnly",
            "TLS Web Server Authentication" => "serverAuth",
            "TLS Web Client Authentication" => "clientAuth",
            "Code Signing" => "codeSigning",
            "E-mail Protection" => "emailProtection",
            "IPSec End System" => "ipsecEndSystem",
            "IPSec Tunnel" => "ipsecTunnel",
            "IPSec User" => "ipsecUser",
            "Time Stamping" => "timeStamping",
            "OCSP Signing" => "OCSPSigning",
            "Any Extended Key Usage" => "anyExtendedKeyUsage",
            "Netscape Server Gated Crypto" => "2.16.840.1.113730.4.1",
            "Microsoft Commercial Code Signing" => "1.3.6.1.4.1.311.2.1.22",
            other => other,
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// Alternative names, each written as OpenSSL writes it; of the kinds it does not spell out only the number is compared.
fn compare_names(sans: &[San], printed: &Printed, same: &mut impl FnMut(&str, &str, &str)) {
    let line = printed
        .extension("X509v3 Subject Alternative Name:")
        .unwrap_or_default();
    let written: Vec<Option<String>> = sans
        .iter()
        .map(|san| match san.kind {
            SanKind::Dns => Some(format!("DNS:{}", san.value)),
            SanKind::Email => Some(format!("email:{}", san.value)),
            SanKind::Uri => Some(format!("URI:{}", san.value)),
            SanKind::Rid => Some(format!("Registered ID:{}", san.value)),
            SanKind::Ip => Some(match san.value.parse() {
                Ok(IpAddr::V6(address)) => {
                    let groups: Vec<String> = address.segments().iter().map(|group| format!("{group:X}")).collect();
                    format!("IP Address:{}", groups.join(":"))
                }
                Ok(IpAddr::V4(_)) => format!("IP Address:{}", san.value),
                Err(_) => "IP Address:<invalid>".to_owned(),
            }),
            SanKind::DirName | SanKind::OtherName | SanKind::X400 | SanKind::Edi => None,
        })
        .collect();
    if let Some(all) = written.iter().cloned().collect::<Option<Vec<String>>>() {
        same("names", &all.join(", "), line);
        return;
    }
    let mut rest = line;
    for (san, written) in sans.iter().zip(&written) {
        let start = match san.kind {
            SanKind::DirName => "DirName:",
            SanKind::OtherName => "othername:",
            SanKind::X400 => "X400Name:",
            SanKind::Edi => "EdiPartyName:",
            SanKind::Dns | SanKind::Ip | SanKind::Email | SanKind::Uri | SanKind::Rid => {
                written.as_deref().unwrap_or_default()
            }
        };
        match rest.find(start) {
            Some(at) => rest = &rest[at + start.len()..],
            None => same("names", start, rest),
        }
        if san.kind == SanKind::DirName {
            // OpenSSL writes `/C=US/CN=a`, the other way round.
            for part in parts(&san.value).concat() {
                if !rest.contains(&format!("={}", part.1)) {
                    same("directory name", &part.1, rest);
                }
            }
        }
    }
    let kinds = [
        "DNS:",
        "email:",
        "URI:",
        "Registered ID:",
        "IP Address:",
        "DirName:",
        "othername:",
        "X400Name:",
        "EdiPartyName:",
    ];
    let theirs: usize = kinds.iter().map(|kind| line.matches(kind).count()).sum();
    same("number of names", &sans.len().to_string(), &theirs.to_string());
}
