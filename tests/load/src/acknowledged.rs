//! Which requests of a run were acknowledged: one bit each.

/// A set of request numbers. Numbers are given out from 0, so a million of them take 125 kB.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    words: Vec<u64>,
    count: u64,
}

impl Acknowledged {
    /// Adds a request; false if it was there.
    pub fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let Some(word) = self.words.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        self.count += u64::from(new);
        new
    }

    /// Whether a request was acknowledged.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.words.len() as u64 * 64).filter(|number| self.contains(*number))
    }
}

fn place(number: u64) -> (usize, u64) {
    // Nobody sends 2^64 requests, so the number fits wherever the vector does.
    (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_once_in_any_order() {
        let mut set = Acknowledged::default();
        for number in [200, 0, 63, 64, 0] {
            set.insert(number);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 200]);
        assert_eq!(set.count(), 4);
        assert!(set.contains(64) && !set.contains(65) && !set.contains(100_000));
    }
}
