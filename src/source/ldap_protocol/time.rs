//! Times as directories and certificates write them.

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::Offset;

/// Reads a Generalized Time (RFC 4517 section 3.3.13); fractions are left off.
pub fn parse_generalized_time(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if digits < 10 {
        return None;
    }
    let two = |at: usize| number.get(at..at + 2).map_or(Some(0), |part| part.parse::<i8>().ok());
    let year = number[..4].parse().ok()?;
    // A leap second is the last one before it.
    let second = two(12)?.min(59);
    let time = DateTime::new(year, two(4)?, two(6)?, two(8)?, two(10)?, second, 0).ok()?;
    let zone = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|character: char| character.is_ascii_digit()),
        None => rest,
    };
    offset(zone)?.to_timestamp(time).ok()
}

/// Reads a `UTCTime` as certificates have it (RFC 5280 section 4.1.2.5.1).
pub fn parse_utc_time(text: &str) -> Option<Timestamp> {
    let year: u8 = text.get(..2)?.parse().ok()?;
    let century = if year >= 50 { "19" } else { "20" };
    parse_generalized_time(&format!("{century}{text}"))
}

/// Writes a time so that `>=` in a filter takes it.
pub fn generalized_time(time: Timestamp) -> String {
    Offset::UTC.to_datetime(time).strftime("%Y%m%d%H%M%SZ").to_string()
}

/// Whole days since 1 January 1970, as `shadowExpire` counts them.
pub fn day_number(time: Timestamp) -> i64 {
    time.as_second().div_euclid(24 * 60 * 60)
}

/// The oldest time that a search for changes asks for.
pub fn beginning() -> Option<Timestamp> {
    Offset::UTC.to_timestamp(date(1970, 1, 1).at(0, 0, 0, 0)).ok()
}

fn offset(zone: &str) -> Option<Offset> {
    if zone == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, digits) = zone.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..4).map_or(Ok(0), str::parse).ok()?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_several_servers_are_read() {
        let time: Timestamp = "2026-11-23T12:24:22Z".parse().unwrap();
        for text in ["20261123122422Z", "20261123122422.796112Z", "20261123122422,7Z", "20261123142422+0200"]
        {
            assert_eq!(parse_generalized_time(text), Some(time), "{text}");
        }
        assert_eq!(generalized_time(time), "20261123122422Z");
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2026",
            "20261323122422Z",
            "20261123122422",
            "yesterday",
            "20261123122422é",
            "20é1123122422Z",
        ] {
            assert_eq!(parse_generalized_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_utc_time_turns_the_century_at_fifty() {
        assert_eq!(parse_utc_time("491231235959Z"), Some("2049-12-31T23:59:59Z".parse().unwrap()));
        assert_eq!(parse_utc_time("500101000000Z"), Some("1950-01-01T00:00:00Z".parse().unwrap()));
    }
}
