//! Places in a manual order: text over `0-9a-z` that sorts byte by byte, with room between any two. A place never
//! ends in `0`, because nothing fits in front of such an end.

use sea_orm::sea_query::{Expr, SimpleExpr};

const DIGITS: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
/// How many there are.
const BASE: u64 = 36;
/// How long a place may become, which grows by a digit with every five moves to one spot; an index of PostgreSQL's takes
/// ten times as much.
pub(in crate::service) const MAX_KEY_LENGTH: usize = 250;
/// Enough digits for any 64-bit number.
const NUMBER_DIGITS: u32 = 13;
/// The middle of the digits, which leaves room on both sides.
const MIDDLE_DIGIT: char = 'i';

/// A place behind all that were given out for earlier numbers of the same counter.
pub(in crate::service) fn append_key(revision: i64) -> String {
    let number = revision.unsigned_abs();
    let digits = (0..NUMBER_DIGITS).rev().map(|power| digit((number / BASE.pow(power) % BASE) as usize));
    digits.chain([MIDDLE_DIGIT]).collect()
}

/// [`append_key`] of a number that the database knows.
pub(super) fn behind_all_in_sql(number: &str) -> SimpleExpr {
    let digit = |power| format!("substr('{DIGITS}', cast({number} / {} % {BASE} as integer) + 1, 1)", BASE.pow(power));
    let digits: Vec<String> = (0..NUMBER_DIGITS).rev().map(digit).chain([format!("'{MIDDLE_DIGIT}'")]).collect();
    Expr::cust(digits.join(" || "))
}

/// A place between two others; an absent one is the start or the end.
pub(in crate::service) fn between(before: Option<&str>, behind: Option<&str>) -> String {
    let low = before.unwrap_or_default();
    match behind {
        // Two equal places leave no room; the new one goes behind both.
        Some(high) if low >= high => format!("{low}{MIDDLE_DIGIT}"),
        _ => middle(low.as_bytes(), behind.map(str::as_bytes)),
    }
}

/// The shortest text between `low` and `high`; `low` goes on with zeros for ever.
fn middle(low: &[u8], high: Option<&[u8]>) -> String {
    if let Some(high) = high {
        let same = high.iter().enumerate().take_while(|(at, it)| low.get(*at).unwrap_or(&b'0') == *it).count();
        if let (1.., Some((start, rest))) = (same, high.split_at_checked(same)) {
            let start: String = start.iter().copied().map(char::from).collect();
            return start + &middle(low.get(same..).unwrap_or_default(), Some(rest));
        }
    }
    let from = low.first().map_or(0, |it| value(*it));
    let to = high.map_or(DIGITS.len(), |it| it.first().map_or(DIGITS.len(), |it| value(*it)));
    if to > from + 1 {
        return digit(usize::midpoint(from, to)).to_string();
    }
    match high {
        Some([first, _, ..]) => char::from(*first).to_string(),
        _ => digit(from).to_string() + &middle(low.get(1..).unwrap_or_default(), None),
    }
}

fn digit(value: usize) -> char {
    DIGITS.as_bytes().get(value).map_or(MIDDLE_DIGIT, |it| char::from(*it))
}

fn value(digit: u8) -> usize {
    DIGITS.bytes().position(|it| it == digit).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn later_numbers_go_behind_earlier_ones_and_whatever_was_put_between() {
        let places: Vec<_> = [1, 2, 35, 36, 1_000_000, i64::MAX].map(append_key).into();
        assert!(places.is_sorted(), "{places:?}");
        let last = between(Some(&append_key(7)), None);
        assert!(append_key(7) < last && between(Some(&append_key(7)), Some(&append_key(8))) < append_key(8));
    }

    #[test]
    fn a_thousand_moves_to_one_place_stay_short() {
        let (mut low, high) = (append_key(1), append_key(2));
        for _ in 0..1000 {
            low = between(Some(&low), Some(&high));
        }
        assert!(low.len() < MAX_KEY_LENGTH, "{}", low.len());
        let mut high = append_key(1);
        for _ in 0..1000 {
            high = between(None, Some(&high));
        }
        assert!(high.len() < MAX_KEY_LENGTH, "{}", high.len());
    }

    proptest! {
        #[test]
        fn between_any_two_there_is_room(places in proptest::collection::vec(0..40_usize, 1..200)) {
            let mut order = vec![append_key(1)];
            for (number, place) in places.into_iter().enumerate() {
                let at = place % (order.len() + 1);
                let before = at.checked_sub(1).and_then(|it| order.get(it)).cloned();
                let new = match order.get(at) {
                    None => append_key(number as i64 + 2),
                    behind => between(before.as_deref(), behind.map(String::as_str)),
                };
                order.insert(at, new);
            }
            prop_assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{order:?}");
            prop_assert!(order.iter().all(|it| !it.ends_with('0')));
        }
    }
}
