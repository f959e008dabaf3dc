//! Time and chance from the host.

use std::time::Duration;

use tideline_collector::{Clock, Entropy, Timer};
use wasi::clocks::{monotonic_clock, wall_clock};
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

#[derive(Debug)]
pub(crate) struct WasiTimer;

impl Timer for WasiTimer {
    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, time: Duration) {
        monotonic_clock::subscribe_duration(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)).block();
    }
}
