//! Channels: the calls of one organisation, one after the other for each channel, and the test call that api asks for.

mod body;
mod call;

use crate::Tools;
use crate::mail::{settle, subject_of, within};
use crate::outgoing::Reach;
use body::{About, Call, body};
use certyard_domain::alerts::{self, ChannelTarget, Claimed, Contents, Outcome, TestCall};
use certyard_domain::{Result, Scope, clock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// For how long one round calls a channel.
const TURN: Duration = Duration::from_secs(60);

/// Calls the channels of an organisation, one beside the other; how many calls were accepted.
pub(crate) async fn send_of(tools: &Tools, scope: &Scope) -> Result<u64> {
    let due = alerts::channels_with_due(&tools.db, scope).await?;
    let lanes = futures_util::future::join_all(due.into_iter().map(|channel| lane(tools, scope, channel))).await;
    lanes.into_iter().sum()
}

async fn lane(tools: &Tools, scope: &Scope, channel: Uuid) -> Result<u64> {
    let until = Instant::now() + TURN;
    let mut sent = 0;
    while Instant::now() < until && !tools.rounds.is_stopping() {
        let Some(claimed) = alerts::claim_call(&tools.db, scope, &tools.keys, channel).await? else {
            break;
        };
        let outcome = send(tools, &claimed).await;
        let recorded = settle(tools, scope, &claimed, &outcome).await?;
        sent += u64::from(recorded && matches!(outcome, Outcome::Accepted { .. }));
    }
    Ok(sent)
}

async fn send(tools: &Tools, claimed: &Claimed<ChannelTarget>) -> Outcome {
    let subject = subject_of(&claimed.contents);
    let (organisation, now, about) = match &claimed.contents {
        Contents::Letter(letter) => (&letter.organisation, letter.now, About::Certificates(letter)),
        Contents::Notice(notice) => (&notice.organisation, notice.now, About::Trouble(notice)),
    };
    let call = Call {
        delivery: &claimed.message_id,
        about,
        subject: &subject,
        organisation,
        now,
        public_url: &tools.public_url,
    };
    let bytes = body(&call, &claimed.server);
    // The receiver compares the time with its own: that of this try.
    match call::call(
        tools.reach,
        &claimed.server,
        &claimed.message_id,
        bytes,
        clock::process_now(),
    )
    .await
    {
        Ok(reply) => Outcome::Accepted {
            reply,
            queue_id: None,
            subject,
        },
        Err(failed) if failed.permanent => Outcome::Refused {
            reply: failed.reply,
            unknown: false,
        },
        Err(failed) => Outcome::Deferred { reply: failed.reply },
    }
}

/// Calls a channel to try it out; the receiver's own words, whether it took the call or not.
pub(crate) async fn test(reach: Reach, target: &ChannelTarget, test: &TestCall) -> Result<String, String> {
    let delivery = Uuid::now_v7().to_string();
    let subject = crate::mail::test_subject(test.language, &test.organisation);
    let now = clock::process_now();
    let call = Call {
        delivery: &delivery,
        about: About::Test,
        subject: &subject,
        organisation: &test.organisation,
        now,
        public_url: &test.public_url,
    };
    let bytes = body(&call, target);
    let calling = call::call(reach, target, &delivery, bytes, now);
    match within(Duration::from_secs(60), calling).await {
        Some(done) => done.map_err(|failed| failed.reply),
        None => Err("no answer within 60 seconds".into()),
    }
}
