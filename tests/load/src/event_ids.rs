//! Event ids as pure functions of a run and a number, so that a number is all that must be remembered of an event.

/// The event ids of one run, in the form of UUIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventIds {
    run: u64,
    events_per_request: u32,
}

impl EventIds {
    /// Ids of the run with this seed, whose requests have so many events.
    #[must_use]
    pub fn new(run: u64, events_per_request: u32) -> Self {
        Self { run, events_per_request: events_per_request.max(1) }
    }

    /// Events in each request.
    #[must_use]
    pub fn per_request(&self) -> u32 {
        self.events_per_request
    }

    /// The ids of the events of a request.
    pub fn of_request(&self, request: u64) -> impl Iterator<Item = String> + use<> {
        let run = self.run;
        let first = request * u64::from(self.events_per_request);
        (first..first + u64::from(self.events_per_request)).map(move |event| write(run, event))
    }

    /// The request and the event's place in it; none if the id is of no event of this run.
    #[must_use]
    pub fn place_of(&self, id: &str) -> Option<(u64, u32)> {
        let digits: String = id.split('-').collect();
        let (run, event) = digits.split_at_checked(16)?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let event = (number(run)? == self.run).then(|| number(event))??;
        let each = u64::from(self.events_per_request);
        // The same text, or somebody else made it.
        (write(self.run, event) == id)
            .then(|| (event / each, u32::try_from(event % each).unwrap_or_default()))
    }
}

fn write(run: u64, event: u64) -> String {
    let (run, event) = (format!("{run:016x}"), format!("{event:016x}"));
    let ((a, b), (d, e)) = (run.split_at(8), event.split_at(4));
    let (b, c) = b.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_request_and_its_place() {
        let ids = EventIds::new(0x0123_4567_89ab_cdef, 3);
        let of_fifth: Vec<_> = ids.of_request(5).collect();
        assert_eq!(of_fifth[0], "01234567-89ab-cdef-0000-00000000000f");
        let places: Vec<_> = of_fifth.iter().map(|id| ids.place_of(id)).collect();
        assert_eq!(places, [Some((5, 0)), Some((5, 1)), Some((5, 2))]);
    }

    #[test]
    fn other_ids_are_of_no_request() {
        let ids = EventIds::new(1, 1);
        let other_run = EventIds::new(2, 1).of_request(0).next().unwrap();
        let unhyphenated = "0".repeat(15) + "1" + &"0".repeat(16);
        for other in ["", "x", "00000000-0000-0001-0000-00000000000G", "ü", &other_run, &unhyphenated] {
            assert_eq!(ids.place_of(other), None, "{other}");
        }
    }
}
