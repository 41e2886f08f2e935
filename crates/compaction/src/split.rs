//! Decides where one output table ends and the next begins.

/// Cuts the output of a merge into tables of about `table_bytes_max`, never between two versions of one user
/// key: a reader that finds the key in one table of a run does not look into the next.
#[derive(Clone, Debug)]
pub struct Split {
    table_bytes_max: u64,
    user_key: Vec<u8>,
}

impl Split {
    /// Tables end once they have this many bytes. A key with many versions makes one that is longer.
    pub fn new(table_bytes_max: u64) -> Split {
        Split { table_bytes_max, user_key: Vec::new() }
    }

    /// True when the table under way is to be finished before an entry with this key is written. Ask for
    /// every entry, in order.
    ///
    /// `table_bytes` is the size of the file as far as it is written; 0 when no table is under way.
    pub fn ends_before(&mut self, user_key: &[u8], table_bytes: u64) -> bool {
        let is_same_key = self.user_key == user_key;
        if !is_same_key {
            self.user_key.clear();
            self.user_key.extend_from_slice(user_key);
        }
        table_bytes > 0 && table_bytes >= self.table_bytes_max && !is_same_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten bytes for each entry.
    fn tables(table_bytes_max: u64, keys: &str) -> String {
        let mut split = Split::new(table_bytes_max);
        let mut bytes = 0;
        let mut tables = String::new();
        for key in keys.split(' ') {
            if split.ends_before(key.as_bytes(), bytes) {
                tables.push('|');
                bytes = 0;
            }
            bytes += 10;
            tables += key;
        }
        tables
    }

    #[test]
    fn tables_end_at_their_size_and_between_keys() {
        assert_eq!(tables(20, "a b c d e"), "ab|cd|e");
        assert_eq!(tables(15, "a b c d e"), "ab|cd|e");
        assert_eq!(tables(20, "a b b b c c d"), "abbb|cc|d");
        assert_eq!(tables(0, "a a b c"), "aa|b|c");
        assert_eq!(tables(u64::MAX, "a b c"), "abc");
    }

    #[test]
    fn the_empty_key_is_a_key() {
        let mut split = Split::new(10);
        assert!(!split.ends_before(b"", 0));
        assert!(!split.ends_before(b"", 50));
        assert!(split.ends_before(b"a", 50));
    }
}
