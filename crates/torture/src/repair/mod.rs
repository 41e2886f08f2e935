//! Makes the checksums of damaged files right again, because a fuzzer cannot: behind them the decoders do their real work.

pub(crate) mod log;
pub(crate) mod table;

/// Overwrites bytes; does nothing where they do not fit.
fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = file.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
        place.copy_from_slice(bytes);
    }
}
