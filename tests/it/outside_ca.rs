//! A CA outside, made with the openssl command: a root, an intermediate, and what they sign.

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Runs openssl.
pub fn openssl(args: &[&str]) -> String {
    let done = Command::new("openssl")
        .args(args)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl runs");
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "openssl {args:?}: {}{text}",
        String::from_utf8_lossy(&done.stderr)
    );
    text
}

/// Certificate authority with an intermediate.
pub struct OutsideCa {
    dir: TempDir,
}

/// What to sign it as.
#[derive(Clone, Copy)]
pub struct Order {
    /// Days from now; negative: it is over.
    pub days: i32,
}

impl OutsideCa {
    /// Makes root and intermediate.
    pub fn new() -> Self {
        Self::named("Outside")
    }

    /// The same with names of its own.
    pub fn named(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Self { dir };
        let ext =
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
        std::fs::write(ca.file("ca.ext"), ext).unwrap();
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            &format!("/O=Outside/CN={name} Root"),
            "-days",
            "3650",
            "-keyout",
            &ca.path("root.key"),
            "-out",
            &ca.path("root.pem"),
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        ]);
        openssl(&[
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            &format!("/O=Outside/CN={name} Issuing"),
            "-keyout",
            &ca.path("issuing.key"),
            "-out",
            &ca.path("issuing.csr"),
        ]);
        openssl(&[
            "x509",
            "-req",
            "-in",
            &ca.path("issuing.csr"),
            "-CA",
            &ca.path("root.pem"),
            "-CAkey",
            &ca.path("root.key"),
            "-CAcreateserial",
            "-days",
            "1825",
            "-extfile",
            &ca.path("ca.ext"),
            "-out",
            &ca.path("issuing.pem"),
        ]);
        ca
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// Root in PEM.
    pub fn root(&self) -> String {
        std::fs::read_to_string(self.file("root.pem")).unwrap()
    }

    /// Intermediate in PEM.
    pub fn issuing(&self) -> String {
        std::fs::read_to_string(self.file("issuing.pem")).unwrap()
    }

    /// File of the root, for verifying.
    pub fn root_file(&self) -> String {
        self.path("root.pem")
    }

    /// Signs a CSR with the names and usages that it asks for: the leaf in PEM.
    pub fn sign(&self, csr_pem: &str, order: Order) -> String {
        std::fs::write(self.file("in.csr"), csr_pem).unwrap();
        let serial = format!("0x{}", uuid::Uuid::new_v4().simple());
        let days = order.days.max(1).to_string();
        let (csr, out) = (self.path("in.csr"), self.path("out.pem"));
        let (issuing, key) = (self.path("issuing.pem"), self.path("issuing.key"));
        let mut args = vec![
            "x509",
            "-req",
            "-in",
            &csr,
            "-CA",
            &issuing,
            "-CAkey",
            &key,
            "-set_serial",
            &serial,
            "-copy_extensions",
            "copyall",
            "-sha256",
            "-out",
            &out,
        ];
        if order.days > 0 {
            args.extend(["-days", &days]);
            openssl(&args);
        } else {
            // `openssl x509` gives no end in the past, `openssl ca` does.
            self.sign_expired(&csr, &out);
        }
        std::fs::read_to_string(self.file("out.pem")).unwrap()
    }

    fn sign_expired(&self, csr: &str, out: &str) {
        let config = format!(
            "[ca]\ndefault_ca=c\n[c]\ndatabase={0}/index\nnew_certs_dir={0}\nserial={0}/serial\ndefault_md=sha256\npolicy=p\n\
             copy_extensions=copyall\nunique_subject=no\n[p]\ncommonName=optional\norganizationName=optional\n\
             organizationalUnitName=optional\nlocalityName=optional\nstateOrProvinceName=optional\ncountryName=optional\n",
            self.dir.path().display()
        );
        std::fs::write(self.file("ca.conf"), config).unwrap();
        std::fs::write(self.file("index"), "").unwrap();
        std::fs::write(self.file("serial"), "4D2A\n").unwrap();
        openssl(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            &self.path("ca.conf"),
            "-in",
            csr,
            "-cert",
            &self.path("issuing.pem"),
            "-keyfile",
            &self.path("issuing.key"),
            "-startdate",
            "20200101000000Z",
            "-enddate",
            "20210101000000Z",
            "-out",
            out,
        ]);
    }

    /// Leaf, intermediate and root as PKCS#7 in DER, as Windows CAs give it.
    pub fn p7b(&self, leaf: &str) -> Vec<u8> {
        std::fs::write(
            self.file("chain.pem"),
            format!("{leaf}{}{}", self.issuing(), self.root()),
        )
        .unwrap();
        openssl(&[
            "crl2pkcs7",
            "-nocrl",
            "-certfile",
            &self.path("chain.pem"),
            "-outform",
            "DER",
            "-out",
            &self.path("chain.p7b"),
        ]);
        std::fs::read(self.file("chain.p7b")).unwrap()
    }

    /// Leaf, intermediate and root in PEM.
    pub fn pem_chain(&self, leaf: &str) -> Vec<u8> {
        format!("{leaf}{}{}", self.issuing(), self.root()).into_bytes()
    }
}

/// SHA-256 of a certificate in PEM, lower-case hex, by openssl.
pub fn fingerprint(pem: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.pem");
    std::fs::write(&file, pem).unwrap();
    let text = openssl(&[
        "x509",
        "-in",
        &file.display().to_string(),
        "-noout",
        "-fingerprint",
        "-sha256",
    ]);
    text.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase()
}

/// What `openssl s_client` is given: the certificates in order, in PEM, and whether the chain verifies with `root_file`.
pub fn served(address: &str, name: &str, root_file: Option<&str>) -> (Vec<String>, bool) {
    let mut args = vec!["s_client", "-connect", address, "-servername", name, "-showcerts"];
    if let Some(root) = root_file {
        assert!(Path::new(root).exists());
        args.extend(["-CAfile", root]);
    }
    let done = Command::new("openssl")
        .args(&args)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let mut certificates = Vec::new();
    let mut rest = text.as_str();
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    while let (Some(begin), Some(end)) = (rest.find(BEGIN), rest.find(END)) {
        certificates.push(format!("{}\n", &rest[begin..end + END.len()]));
        rest = &rest[end + END.len()..];
    }
    (certificates, text.contains("Verify return code: 0 (ok)"))
}
