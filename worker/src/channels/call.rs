//! One call to a receiver over HTTP: to an address that was judged, signed, without redirects, and with an end.

use crate::outgoing::{NoWay, Reach};
use aws_lc_rs::hmac;
use certyard_domain::Timestamp;
use certyard_domain::alerts::{ChannelTarget, parse_origin};
use reqwest::{Certificate, Client, Response, StatusCode, redirect};
use std::time::Duration;

/// For how long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// For how long a call may take.
const CALL: Duration = Duration::from_secs(30);
/// What is read of an answer, in bytes.
const MAX_ANSWER: usize = 4096;
/// What is kept of it, in characters.
const MAX_WORDS: usize = 300;

/// The id of the delivery: the same for each try, so that a receiver knows a copy.
pub(crate) const DELIVERY: &str = "X-Certyard-Delivery";
/// Seconds since 1970 of this try.
pub(crate) const TIMESTAMP: &str = "X-Certyard-Timestamp";
/// `sha256=` and HMAC-SHA256 (RFC 2104) over the timestamp, a full stop and the body, in hex.
pub(crate) const SIGNATURE: &str = "X-Certyard-Signature";

/// Why a call was in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The receiver's words behind its status, or what went wrong.
    pub reply: String,
    /// Another try would be in vain as well.
    pub permanent: bool,
}

impl Failed {
    fn for_now(reply: impl Into<String>) -> Self {
        Self {
            reply: reply.into(),
            permanent: false,
        }
    }
}

/// Calls a receiver; its status and words where it says 2xx.
pub(crate) async fn call(
    reach: Reach,
    target: &ChannelTarget,
    delivery: &str,
    body: Vec<u8>,
    now: Timestamp,
) -> Result<String, Failed> {
    match tokio::time::timeout(CALL, call_without_end(reach, target, delivery, body, now)).await {
        Ok(done) => done,
        Err(_) => Err(Failed::for_now(format!("no answer within {} seconds", CALL.as_secs()))),
    }
}

async fn call_without_end(
    reach: Reach,
    target: &ChannelTarget,
    delivery: &str,
    body: Vec<u8>,
    now: Timestamp,
) -> Result<String, Failed> {
    let origin = parse_origin(&target.url).map_err(Failed::for_now)?;
    let addresses = reach
        .resolve(&origin.host, origin.port)
        .await
        .map_err(|why| match why {
            NoWay::Unknown(why) | NoWay::Denied(why) => Failed::for_now(why),
        })?;
    let mut client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        // Nowhere else than where it was looked at.
        .resolve_to_addrs(&origin.host, &addresses)
        .connect_timeout(CONNECT)
        .user_agent(concat!("Certyard/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = &target.ca_pem {
        let cas = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| Failed::for_now("the own CA cannot be read: enter it again"))?;
        client = client.tls_certs_only(cas);
    }
    let client = client.build().map_err(|error| Failed::for_now(chain(&error)))?;
    let seconds = now.timestamp().to_string();
    let mut request = client
        .post(target.url.as_str())
        .header("Content-Type", "application/json")
        .header(DELIVERY, delivery)
        .header(TIMESTAMP, &seconds);
    if let Some(secret) = &target.secret {
        request = request.header(SIGNATURE, signature(secret.as_bytes(), &seconds, &body));
    }
    let answer = request
        .body(body)
        .send()
        .await
        // Its URL is a secret.
        .map_err(|error| Failed::for_now(format!("cannot call {origin}: {}", chain(&error.without_url()))))?;
    judge(answer).await
}

/// The signature of a body.
pub(crate) fn signature(secret: &[u8], seconds: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(seconds.as_bytes());
    context.update(b".");
    context.update(body);
    format!("sha256={}", hex::encode(context.sign()))
}

async fn judge(mut answer: Response) -> Result<String, Failed> {
    let status = answer.status();
    let mut text = Vec::new();
    // An answer that breaks off says enough by its status.
    while let Ok(Some(part)) = answer.chunk().await {
        text.extend_from_slice(&part);
        if text.len() >= MAX_ANSWER {
            break;
        }
    }
    text.truncate(MAX_ANSWER);
    let text = String::from_utf8_lossy(&text);
    let words: String = text
        .trim()
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(MAX_WORDS)
        .collect();
    let reply = format!("{} {words}", status.as_u16()).trim().to_string();
    if status.is_success() {
        return Ok(reply);
    }
    if status.is_redirection() {
        return Err(Failed {
            reply: format!(
                "{}: redirects are not followed: enter the URL that it leads to",
                status.as_u16()
            ),
            permanent: true,
        });
    }
    let permanent = [
        StatusCode::BAD_REQUEST,
        StatusCode::GONE,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::UNPROCESSABLE_ENTITY,
    ]
    .contains(&status);
    Err(Failed { reply, permanent })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_timestamp_and_the_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'a secret of sixteen'
        let signed = signature(b"a secret of sixteen", "1700000000", br#"{"a":1}"#);
        assert_eq!(
            signed,
            "sha256=fbd8ce753f0c0643c2d4fef4959c30b175367059e6f5453bddeb7b24a3d1ae24"
        );
    }
}
