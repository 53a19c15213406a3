//! Times of certificates: UTCTime and GeneralizedTime as RFC 5280 section 4.1.2.5 wants them, to UTC.

use chrono::{DateTime, NaiveDate, Utc};

use crate::tlv::{Broken, Tlv, tag};

/// Reads one time. Years of UTCTime are 1950 to 2049; seconds and `Z` are required, fractions are not allowed.
pub(crate) fn read(time: Tlv<'_>) -> Result<DateTime<Utc>, Broken> {
    let (year, rest) = match (time.tag, time.value.len()) {
        (tag::UTC_TIME, 13) => {
            let (year, rest) = number(time.value, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        (tag::GENERALIZED_TIME, 15) => number(time.value, 4)?,
        _ => return Err("a time is not written as RFC 5280 wants it"),
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    if rest != b"Z" {
        return Err("a time is not in UTC");
    }
    i32::try_from(year)
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, month, day))
        .and_then(|date| date.and_hms_opt(hour, minute, second))
        .map(|time| time.and_utc())
        .ok_or("a time does not exist in the calendar")
}

fn number(bytes: &[u8], digits: usize) -> Result<(u32, &[u8]), Broken> {
    let (head, rest) = bytes.split_at_checked(digits).ok_or("a time is too short")?;
    let mut sum = 0;
    for digit in head {
        if !digit.is_ascii_digit() {
            return Err("a time holds something else than digits");
        }
        sum = sum * 10 + u32::from(digit - b'0');
    }
    Ok((sum, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(tag: u8, text: &str) -> Result<String, Broken> {
        read(Tlv {
            tag,
            raw: &[],
            value: text.as_bytes(),
        })
        .map(|time| time.to_rfc3339())
    }

    #[test]
    fn times_of_rfc_5280_are_read() {
        for (tag, text, wanted) in [
            (tag::UTC_TIME, "500101000000Z", "1950-01-01T00:00:00+00:00"),
            (tag::UTC_TIME, "491231235959Z", "2049-12-31T23:59:59+00:00"),
            (tag::UTC_TIME, "000229120000Z", "2000-02-29T12:00:00+00:00"),
            (tag::GENERALIZED_TIME, "20500101000000Z", "2050-01-01T00:00:00+00:00"),
            (tag::GENERALIZED_TIME, "99991231235959Z", "9999-12-31T23:59:59+00:00"),
            (tag::GENERALIZED_TIME, "00010101000000Z", "0001-01-01T00:00:00+00:00"),
        ] {
            assert_eq!(read_text(tag, text).unwrap(), wanted);
        }
    }

    #[test]
    fn other_times_are_refused() {
        for (tag, text) in [
            (tag::UTC_TIME, "5001010000Z"),
            (tag::UTC_TIME, "500101000000"),
            (tag::UTC_TIME, "500101000000+0000"),
            (tag::UTC_TIME, "501301000000Z"),
            (tag::UTC_TIME, "010229000000Z"),
            (tag::UTC_TIME, "500101240000Z"),
            (tag::UTC_TIME, "500101000060Z"),
            (tag::UTC_TIME, "50010100000 Z"),
            (tag::GENERALIZED_TIME, "20500101000000.5Z"),
            (tag::GENERALIZED_TIME, "2050010100000aZ"),
            (tag::OID, "500101000000Z"),
        ] {
            assert!(read_text(tag, text).is_err(), "{text}");
        }
    }
}
