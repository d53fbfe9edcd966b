//! How much is answered in a minute.

use std::{num::NonZeroU32, str::FromStr};

use super::limits::{pairs, unknown};

/// What one user, or one address that shows no user, may ask for in a minute, at both APIs together. A request is one
/// unit; a GraphQL operation is one more for every hundred fields that its answer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// `user`: units of a user, whatever addresses they come from.
    pub user: NonZeroU32,
    /// `address`: units of an address, of requests that show no user.
    pub address: NonZeroU32,
}

const DEFAULT_USER_UNITS: NonZeroU32 = units(12_000);
const DEFAULT_ADDRESS_UNITS: NonZeroU32 = units(1_200);

const fn units(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self { user: DEFAULT_USER_UNITS, address: DEFAULT_ADDRESS_UNITS }
    }
}

impl FromStr for Quotas {
    type Err = String;

    /// Reads `user=6000, address=600`: what is not named keeps its default.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut quotas = Self::default();
        pairs(text, |name, number| {
            let place = match name {
                "user" => &mut quotas.user,
                "address" => &mut quotas.address,
                _ => return Err(unknown(name, &["user", "address"])),
            };
            *place = number.parse().map_err(|_| format!("; {name} must be a number from 1 to {}", u32::MAX))?;
            Ok(())
        })?;
        Ok(quotas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_quotas_change_and_none_is_nothing() {
        let quotas: Quotas = "user=60".parse().unwrap();
        assert_eq!((quotas.user.get(), quotas.address), (60, DEFAULT_ADDRESS_UNITS));
        for (wrong, said) in [
            ("user=0", "; user must be a number from 1 to 4294967295"),
            ("user", "; user has no number"),
            ("users=5", "; users is none of user, address"),
            ("address=-1", "; address must be a number from 1 to 4294967295"),
        ] {
            assert_eq!(wrong.parse::<Quotas>(), Err(said.to_owned()));
        }
    }
}
