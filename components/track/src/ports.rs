//! Time and chance from the host.

use tideline_collector::{Clock, Entropy};
use wasip3::clocks::system_clock;
use wasip3::random::random::get_random_u64;

#[derive(Debug)]
pub(crate) struct WasiClock;

impl Clock for WasiClock {
    fn now(&self) -> u64 {
        let now = system_clock::now();
        u64::try_from(now.seconds).unwrap_or_default() * 1000 + u64::from(now.nanoseconds / 1_000_000)
    }
}

#[derive(Debug)]
pub(crate) struct WasiEntropy;

impl Entropy for WasiEntropy {
    fn bytes(&self) -> [u8; 16] {
        let high = u128::from(get_random_u64()) << 64;
        (high | u128::from(get_random_u64())).to_be_bytes()
    }
}
