//! What the words of a server mean, and that a silent one holds nobody up.

use super::*;
use certyard_domain::alerts::MailSettings;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

#[test]
fn queue_ids_are_found_in_the_words_of_the_usual_servers() {
    for (reply, id) in [
        ("250 2.0.0 Ok: queued as 4F1c2dK", Some("4F1c2dK")),
        ("250 OK id=1u2Vw3-0000ab-Cd", Some("1u2Vw3-0000ab-Cd")),
        ("250 OK", None),
        ("250 Message accepted for delivery", None),
    ] {
        assert_eq!(queue_id(reply).as_deref(), id, "{reply}");
    }
}

/// A server that puts a recipient off and says nothing from there on, with its port.
async fn falls_silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 silent\r\n").await.expect("a greeting");
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            let answer: &[u8] = match line.get(..4) {
                Some("EHLO" | "MAIL") => b"250 Ok\r\n",
                Some("RCPT") => b"451 4.7.1 later\r\n",
                _ => b"",
            };
            stream.write_all(answer).await.expect("an answer");
            line.clear();
        }
    });
    port
}

/// A mail server on a port of this host.
fn server(port: u16) -> MailServer {
    MailServer {
        settings: MailSettings {
            host: "127.0.0.1".into(),
            port,
            security: Security::None,
            username: None,
            has_password: false,
            from_address: "certyard@example.org".into(),
            from_name: "Certyard".into(),
            ca_pem: None,
            updated_at: certyard_domain::clock::process_now(),
        },
        password: None,
    }
}

#[tokio::test]
async fn what_is_no_mail_server_is_not_quoted() {
    for (banner, told) in [
        (
            "SSH-2.0-OpenSSH_9.2 secret-host\r\n",
            "what answers there does not speak SMTP",
        ),
        (
            "421 secret-host is an FTP server\r\n",
            "421, and no extended code: it may be no mail server",
        ),
        ("554 5.7.1 go away\r\n", "554 5.7.1 go away"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            stream.write_all(banner.as_bytes()).await.expect("a banner");
            let _ = stream.shutdown().await;
        });
        let refused = Connection::open(&server(port), Reach::Local)
            .await
            .err()
            .expect("a refusal");
        assert_eq!((refused.told.step, refused.told.reply.as_str()), ("connect", told));
    }
    let refused = Connection::open(&server(25), Reach::Private)
        .await
        .err()
        .expect("a refusal");
    assert!(refused.told.reply.contains("--outgoing"), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_falls_silent_behind_a_refusal_holds_nobody_up() {
    let server = server(falls_silent().await);
    // The refusal has to come in time on a slow machine; what follows it never comes.
    let limits = Limits {
        command: Duration::from_secs(3),
        content: Duration::from_secs(3),
        goodbye: Duration::from_millis(200),
    };
    let mut connection = Connection::open_within(&server, Reach::Local, limits)
        .await
        .expect("a connection");
    let (from, to) = ("a@example.org".parse(), "b@example.org".parse());
    let (from, to): (Address, Address) = (from.expect("an address"), to.expect("an address"));
    let sending = connection.send(&from, &to, b"Subject: x\r\n\r\nx\r\n");
    let sent = timeout(Duration::from_secs(60), sending).await;
    let failure = sent.expect("an end").expect_err("a refusal");
    assert_eq!(failure.told.step, "recipient");
    assert!(!connection.is_usable());
}
