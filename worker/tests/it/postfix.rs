//! A mail server that people really run, from our connection to the mailbox that somebody reads: Postfix, in a folder of its own.

use crate::mail::{Site, certificate};
use crate::sink::chain;
use certyard_domain::alerts::{self, Code, Language, SendState, TestMail};
use chrono::TimeDelta;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Services that Postfix needs to take mail and to deliver it to mailboxes: name, type, and what follows.
const SERVICES: [&str; 14] = [
    "pickup unix n - n 60 1 pickup",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "proxymap unix - - n - - proxymap",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "postlog unix-dgram n - n - 1 postlogd",
];

/// Runs what only root may: Postfix gives up its own rights.
fn as_root(program: &str, args: &[&str]) {
    let own = Command::new("id").arg("-u").output().unwrap();
    let root = String::from_utf8_lossy(&own.stdout).trim() == "0";
    let mut command = match root {
        true => Command::new(program),
        false => Command::new("sudo"),
    };
    if !root {
        command.args(["-n", program]);
    }
    let done = command.args(args).output().unwrap();
    assert!(
        done.status.success(),
        "{program} {args:?} needs root: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Postfix with mailboxes for `ops` and `night` of example.org.
struct Postfix {
    folder: TempDir,
    port: u16,
    ca_pem: String,
}

impl Postfix {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("postfix").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = folder.path();
        for part in ["etc", "queue", "data", "mail"] {
            fs::create_dir(root.join(part)).unwrap();
        }
        let (certificate, key, ca_pem) = chain();
        fs::write(root.join("etc/tls.pem"), format!("{key}{certificate}")).unwrap();
        let at = root.display();
        let main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {at}/queue\n\
             data_directory = {at}/data\n\
             maillog_file = {at}/log\n\
             maillog_file_prefixes = {at}\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             myhostname = mx.example.org\n\
             mydestination =\n\
             local_recipient_maps =\n\
             virtual_mailbox_domains = example.org\n\
             virtual_mailbox_base = {at}/mail\n\
             virtual_mailbox_maps = inline:{{ {{ops@example.org = ops/}} {{night@example.org = night/}} }}\n\
             virtual_uid_maps = static:65534\n\
             virtual_gid_maps = static:65534\n\
             smtpd_relay_restrictions = reject_unauth_destination\n\
             smtpd_tls_security_level = encrypt\n\
             smtpd_tls_chain_files = {at}/etc/tls.pem\n"
        );
        fs::write(root.join("etc/main.cf"), main).unwrap();
        let master = format!("127.0.0.1:{port} inet n - n - - smtpd\n{}\n", SERVICES.join("\n"));
        fs::write(root.join("etc/master.cf"), master).unwrap();
        let path = |part: &str| root.join(part).display().to_string();
        as_root("chmod", &["755", &root.display().to_string()]);
        as_root("chown", &["-R", "root", &path("etc"), &path("queue")]);
        as_root("chown", &["postfix", &path("data")]);
        as_root("chown", &["65534:65534", &path("mail")]);
        let postfix = Self { folder, port, ca_pem };
        postfix.run("start");
        postfix
    }

    fn run(&self, what: &str) {
        as_root(
            "/usr/sbin/postfix",
            &["-c", &self.folder.path().join("etc").display().to_string(), what],
        );
    }

    /// Mails in a mailbox, once there are so many: delivery comes behind the 250.
    async fn mailbox(&self, name: &str, wanted: usize) -> Vec<String> {
        let folder = self.folder.path().join("mail").join(name).join("new");
        let began = Instant::now();
        loop {
            let found = mails(&folder);
            if found.len() >= wanted || began.elapsed() > Duration::from_secs(20) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn mails(folder: &Path) -> Vec<String> {
    // The mailboxes belong to another user.
    as_root(
        "chmod",
        &["-R", "a+rX", &folder.ancestors().nth(2).unwrap().display().to_string()],
    );
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.run("stop");
        // What Postfix made belongs to its users.
        as_root("rm", &["-rf", &self.folder.path().display().to_string()]);
    }
}

fn header<'a>(mail: &'a str, name: &str) -> Vec<&'a str> {
    let head = mail.split("\n\n").next().unwrap();
    let prefix = format!("{name}: ");
    head.lines().filter_map(|line| line.strip_prefix(&prefix)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_delivers_each_message_once_to_the_mailbox_that_is_read_and_names_whom_it_does_not_know() {
    let mut site = Site::new().await;
    let leaf = certificate("cucm1.example.org", 20);
    site.holds(0, &[("tomcat", &leaf)]).await;
    site.tell(&["ops@example.org", "night@example.org", "nobody@example.org"])
        .await;
    let postfix = Postfix::new();
    site.mail_at(postfix.port, "starttls", None, Some(postfix.ca_pem.clone()))
        .await;
    site.round().await;
    let expected = [
        ("night@example.org".to_string(), SendState::Accepted),
        ("nobody@example.org".to_string(), SendState::Refused),
        ("ops@example.org".to_string(), SendState::Accepted),
    ];
    assert_eq!(site.states().await, expected, "{:?}", site.messages().await);
    assert_eq!(site.troubles().await, [Code::RecipientsSuspended]);
    for row in site.messages().await {
        let Some(name) = row
            .recipient
            .strip_suffix("@example.org")
            .filter(|name| *name != "nobody")
        else {
            assert!(row.reply.unwrap().contains("550 5.1.1"));
            continue;
        };
        let mails = postfix.mailbox(name, 1).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        let mail = &mails[0];
        assert_eq!(header(mail, "Message-ID"), [row.message_id.as_deref().unwrap()]);
        assert_eq!(header(mail, "To"), [row.recipient.as_str()]);
        assert_eq!(
            header(mail, "Subject"),
            ["Certyard: expired 0, expiring 1 (Example Corp)"]
        );
        assert!(
            mail.contains(&leaf.serial_hex) && mail.contains("cucm1.example.org"),
            "{mail}"
        );
        // Its own name for the message is in our ledger, as it stands in its log and in the mail.
        let queue_id = row.queue_id.unwrap();
        assert!(mail.contains(&format!("id {queue_id}")), "{queue_id}: {mail}");
        assert!(mail.contains("with ESMTPS id"), "{mail}");
    }
    // It is away when the next ones are due, and comes back.
    postfix.run("stop");
    site.pass(TimeDelta::days(7)).await;
    site.round().await;
    let waiting = site
        .states()
        .await
        .iter()
        .filter(|(_, state)| *state == SendState::Deferred)
        .count();
    assert_eq!(waiting, 2, "{:?}", site.messages().await);
    postfix.run("start");
    site.pass(TimeDelta::minutes(5)).await;
    site.round().await;
    site.round().await;
    for name in ["ops", "night"] {
        let ids: Vec<String> = postfix
            .mailbox(name, 3)
            .await
            .iter()
            .filter(|mail| mail.contains("Subject: Certyard: expired"))
            .map(|mail| header(mail, "Message-ID").concat())
            .collect();
        assert_eq!(ids.len(), 2, "{ids:?}");
        assert_ne!(ids[0], ids[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_shows_what_postfix_says() {
    use certyard_domain::alerts::Post;
    let site = Site::new().await;
    let postfix = Postfix::new();
    site.mail_at(postfix.port, "starttls", None, Some(postfix.ca_pem.clone()))
        .await;
    let mailer = certyard_worker::Mailer {
        reach: certyard_worker::Reach::Local,
    };
    let server = site.server().await;
    let test = |to: &str| TestMail {
        to: to.into(),
        language: Language::Uk,
        organisation: "Example Corp".into(),
        public_url: "https://certyard.example.org".into(),
    };
    let said = mailer.send_test(&server, &test("ops@example.org")).await.unwrap();
    assert!(said.contains("250 2.0.0 Ok: queued as"), "{said}");
    assert_eq!(postfix.mailbox("ops", 1).await.len(), 1);
    let refused = mailer
        .send_test(&server, &test("nobody@example.org"))
        .await
        .unwrap_err();
    assert!(
        refused.step == "recipient" && refused.reply.contains("550 5.1.1"),
        "{refused:?}"
    );
    let elsewhere = mailer.send_test(&server, &test("x@example.net")).await.unwrap_err();
    assert!(elsewhere.reply.contains("554 5.7.1"), "{elsewhere:?}");
    // Without TLS it takes nothing, and nothing is sent in the clear.
    site.mail_at(postfix.port, "none", None, None).await;
    let plain = mailer
        .send_test(&site.server().await, &test("ops@example.org"))
        .await
        .unwrap_err();
    assert!(plain.reply.contains("530 5.7.0"), "{plain:?}");
    let tx = site.test.db.read(&site.org.owner).await.unwrap();
    assert_eq!(alerts::health(&tx).await.unwrap(), []);
}
