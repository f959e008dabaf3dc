//! Time and chance from the host.

use tideline_collector::{Clock, Entropy};
use wasi::clocks::wall_clock;
use wasi::random::random::get_random_u64;

#[derive(Debug)]
pub(crate) struct WasiClock;

impl Clock for WasiClock {
    fn now(&self) -> u64 {
        let now = wall_clock::now();
        now.seconds * 1000 + u64::from(now.nanoseconds / 1_000_000)
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
