//! Numbers that data keep from one flush to the next: entries of the offset table, and
//! passive segments. A number that is given back is the next one given out.

#[derive(Debug, Default)]
pub(super) struct Slots {
    /// By number: the slot of the datum in the table of data.
    owners: Vec<Option<u32>>,
    reusable: Vec<u32>,
}

impl Slots {
    pub(super) fn take(&mut self, datum: usize) -> u32 {
        let owner = Some(datum as u32);
        if let Some(number) = self.reusable.pop() {
            self.owners[number as usize] = owner;
            return number;
        }
        self.owners.push(owner);
        // There is at most one for each datum, and those have 32-bit numbers.
        (self.owners.len() - 1) as u32
    }

    pub(super) fn give_back(&mut self, number: u32) {
        self.owners[number as usize] = None;
        self.reusable.push(number);
    }

    /// By number: the slot of the datum that has it.
    pub(super) fn owners(&self) -> &[Option<u32>] {
        &self.owners
    }
}
