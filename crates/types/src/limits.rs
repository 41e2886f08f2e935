//! What the formats can hold. Each number is part of the file formats.

/// Longest user key, in bytes. The empty key is a key.
pub const KEY_BYTES_MAX: usize = 65_536;

/// Longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 30;

/// Longest encoding of a write batch, in bytes: a value and a key of full length, and some.
pub const BATCH_BYTES_MAX: usize = (1 << 30) + (1 << 20);

/// Checks the length of a user key.
///
/// # Errors
///
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) with the length and the limit.
pub fn check_key(key: &[u8]) -> crate::Result<()> {
    if key.len() <= KEY_BYTES_MAX {
        return Ok(());
    }
    Err(crate::Error::InvalidArgument {
        what: format!("the key has {} bytes, the limit is {KEY_BYTES_MAX}", key.len()),
    })
}

/// Checks the length of a value.
///
/// # Errors
///
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) with the length and the limit.
pub fn check_value_bytes(len: usize) -> crate::Result<()> {
    if len <= VALUE_BYTES_MAX {
        return Ok(());
    }
    Err(crate::Error::InvalidArgument {
        what: format!("the value has {len} bytes, the limit is {VALUE_BYTES_MAX}"),
    })
}
