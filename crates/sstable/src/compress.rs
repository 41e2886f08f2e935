//! Shrinks blocks, and blows them up again.

use std::{fmt, sync::Arc};

use siltstone_types::Result;

use crate::{Broken, CodecId, format::Trailer};

/// How a table's blocks are compressed: settings data. Every variant is there in every build; whether it can
/// be used depends on the crate's features.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Compression {
    /// Blocks are stored as they are.
    #[default]
    None,
    /// LZ4 blocks. Needs the feature `lz4`.
    Lz4,
    /// Zstandard frames. Needs the feature `zstd`.
    Zstd {
        /// 1 (fast) to 22 (small); 0 is the library's default, negative levels are faster still.
        level: i32,
    },
}

impl Compression {
    /// The compressor; `None` for [`Compression::None`].
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](siltstone_types::Error::InvalidArgument) when this build lacks the codec.
    pub fn compressor(self) -> Result<Option<Arc<dyn Compressor>>> {
        match self {
            Compression::None => Ok(None),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => Ok(Some(Arc::new(lz4::Lz4))),
            #[cfg(feature = "zstd")]
            Compression::Zstd { level } => Ok(Some(Arc::new(zstandard::Zstd { level }))),
            #[cfg(not(all(feature = "lz4", feature = "zstd")))]
            _ => Err(siltstone_types::Error::InvalidArgument {
                what: format!("{self:?} compression is not compiled in"),
            }),
        }
    }
}

/// A codec. Implement it to store blocks in a way of your own, under an id from [`CodecId::USER_MIN`] on.
pub trait Compressor: fmt::Debug + Send + Sync {
    /// What is written into a block's trailer. It says what the bytes mean, not how hard the compressor
    /// tried.
    fn codec(&self) -> CodecId;

    /// Replaces the content of `out` by the compressed form of `raw`. `false` leaves the block uncompressed.
    fn compress(&self, raw: &[u8], out: &mut Vec<u8>) -> bool;

    /// Fills `raw` from its compressed form, exactly.
    ///
    /// # Errors
    ///
    /// [`Undecodable`] when the input is not the compressed form of that many bytes.
    fn decompress(&self, stored: &[u8], raw: &mut [u8]) -> std::result::Result<(), Undecodable>;

    /// Most raw bytes that `stored_bytes` can stand for: what a damaged length is compared with before memory
    /// is allocated for it.
    fn raw_bytes_max(&self, stored_bytes: usize) -> usize {
        let _ = stored_bytes;
        usize::MAX
    }
}

/// Stored bytes do not decompress to the length that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Undecodable;

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stored bytes do not decompress to the raw length")
    }
}

impl std::error::Error for Undecodable {}

/// The codecs that a table is read with: the built-in ones, and users' own.
#[derive(Clone, Debug, Default)]
pub struct Codecs(Vec<Arc<dyn Compressor>>);

impl Codecs {
    /// The built-in codecs and these. Of two with one id the first is used; a built-in id cannot be taken
    /// over.
    pub fn with(custom: impl IntoIterator<Item = Arc<dyn Compressor>>) -> Codecs {
        Codecs(custom.into_iter().collect())
    }

    /// The codec for a block, when its raw length is one that the codec can reach (rules 10 and 11).
    pub(crate) fn check(
        &self,
        trailer: Trailer,
        stored_bytes: usize,
    ) -> std::result::Result<&dyn Compressor, Broken> {
        let codec = self.by_id(trailer.codec).ok_or(Broken::TooNew("a block has an unknown codec"))?;
        if trailer.raw_bytes as usize > codec.raw_bytes_max(stored_bytes) {
            return Err(Broken::Rule(11, "the raw length is more than the codec can reach"));
        }
        Ok(codec)
    }

    fn by_id(&self, id: CodecId) -> Option<&dyn Compressor> {
        match id {
            #[cfg(feature = "lz4")]
            CodecId::LZ4 => Some(&lz4::Lz4),
            #[cfg(feature = "zstd")]
            CodecId::ZSTD => Some(&zstandard::Zstd { level: 0 }),
            id if id.0 < CodecId::USER_MIN.0 => None,
            id => self.0.iter().find(|codec| codec.codec() == id).map(|codec| &**codec),
        }
    }
}

#[cfg(feature = "lz4")]
mod lz4 {
    //! Codec 1.

    use std::cell::Cell;

    use lz4_flex::block::{self, CompressTable};

    use super::{CodecId, Compressor, Undecodable};

    #[derive(Debug)]
    pub(super) struct Lz4;

    thread_local! {
        static TABLE: Cell<Option<CompressTable>> = const { Cell::new(None) };
    }

    /// Inputs up to here use the small table, which is kept; it would be exchanged for a large one by a
    /// longer input, after which the same block could compress to other bytes.
    const SMALL_TABLE_BYTES_MAX: usize = 65_534;

    impl Compressor for Lz4 {
        fn codec(&self) -> CodecId {
            CodecId::LZ4
        }

        fn compress(&self, raw: &[u8], out: &mut Vec<u8>) -> bool {
            out.resize(block::get_maximum_output_size(raw.len()), 0);
            let packed = if raw.len() <= SMALL_TABLE_BYTES_MAX {
                let mut table = TABLE.try_with(Cell::take).ok().flatten().unwrap_or_default();
                let packed = block::compress_into_with_table(raw, out, &mut table);
                // Only a thread that is ending has no place for it.
                let _ = TABLE.try_with(|kept| kept.set(Some(table)));
                packed
            } else {
                block::compress_into(raw, out)
            };
            let packed_bytes = packed.ok();
            out.truncate(packed_bytes.unwrap_or(0));
            packed_bytes.is_some()
        }

        fn decompress(&self, stored: &[u8], raw: &mut [u8]) -> Result<(), Undecodable> {
            match block::decompress_into(stored, raw) {
                Ok(filled) if filled == raw.len() => Ok(()),
                _ => Err(Undecodable),
            }
        }

        fn raw_bytes_max(&self, stored_bytes: usize) -> usize {
            // A length byte of 255 adds that many bytes; a last literal and a first match add a little.
            stored_bytes.saturating_mul(255).saturating_add(64)
        }
    }
}

#[cfg(feature = "zstd")]
mod zstandard {
    //! Codec 2.

    use std::cell::Cell;

    use zstd::bulk;

    use super::{CodecId, Compressor, Undecodable};

    #[derive(Debug)]
    pub(super) struct Zstd {
        pub(super) level: i32,
    }

    type Packer = (i32, bulk::Compressor<'static>);

    thread_local! {
        // Contexts are kept from block to block. One that failed is dropped, as it may
        // be of no more use; so is one of a thread that is ending.
        static PACKER: Cell<Option<Packer>> = const { Cell::new(None) };
        static UNPACKER: Cell<Option<bulk::Decompressor<'static>>> = const { Cell::new(None) };
    }

    impl Compressor for Zstd {
        fn codec(&self) -> CodecId {
            CodecId::ZSTD
        }

        fn compress(&self, raw: &[u8], out: &mut Vec<u8>) -> bool {
            out.clear();
            out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
            let kept = PACKER.try_with(Cell::take).ok().flatten().filter(|(level, _)| *level == self.level);
            let packer = kept.map_or_else(|| bulk::Compressor::new(self.level), |(_, packer)| Ok(packer));
            let Ok(mut packer) = packer else { return false };
            let done = packer.compress_to_buffer(raw, out).is_ok();
            if done {
                let _ = PACKER.try_with(|kept| kept.set(Some((self.level, packer))));
            }
            done
        }

        fn decompress(&self, stored: &[u8], raw: &mut [u8]) -> Result<(), Undecodable> {
            let kept = UNPACKER.try_with(Cell::take).ok().flatten();
            let mut unpacker = kept.map_or_else(bulk::Decompressor::new, Ok).map_err(|_| Undecodable)?;
            match unpacker.decompress_to_buffer(stored, raw) {
                Ok(filled) if filled == raw.len() => {
                    let _ = UNPACKER.try_with(|kept| kept.set(Some(unpacker)));
                    Ok(())
                }
                _ => Err(Undecodable),
            }
        }

        fn raw_bytes_max(&self, stored_bytes: usize) -> usize {
            // A block of a frame takes at least 4 bytes and holds at most 128 KiB.
            stored_bytes.saturating_mul(32_768).saturating_add(131_072)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept from block to block must not show in the bytes: tables are compared by their crc.
    #[test]
    fn a_block_compresses_to_the_same_bytes_whatever_was_compressed_before() {
        let raw: Vec<u8> = (0..20_000_u64).flat_map(|n| (n * n / 7 % 1000).to_le_bytes()).collect();
        let large = vec![b'l'; 100_000];
        let settings = [Compression::Lz4, Compression::Zstd { level: 1 }, Compression::Zstd { level: 9 }];
        let available: Vec<_> =
            settings.iter().filter_map(|setting| setting.compressor().ok().flatten()).collect();
        let compress = |compressor: &dyn Compressor, raw: &[u8]| {
            let mut out = b"left over".to_vec();
            assert!(compressor.compress(raw, &mut out));
            let mut again = vec![0; raw.len()];
            assert_eq!(compressor.decompress(&out, &mut again), Ok(()));
            assert!(again == raw);
            assert!(raw.len() <= compressor.raw_bytes_max(out.len()));
            out
        };
        for compressor in &available {
            let alone =
                std::thread::scope(|scope| scope.spawn(|| compress(&**compressor, &raw[..4000])).join());
            let alone = alone.unwrap_or_default();
            for other in &available {
                for before in [&raw, &large, &raw[..1000]] {
                    compress(&**other, before);
                    assert!(compress(&**compressor, &raw[..4000]) == alone, "{compressor:?} after {other:?}");
                }
            }
        }
    }

    #[test]
    fn a_build_without_a_codec_says_so() {
        for (compression, is_there) in [
            (Compression::None, true),
            (Compression::Lz4, cfg!(feature = "lz4")),
            (Compression::Zstd { level: 1 }, cfg!(feature = "zstd")),
        ] {
            assert_eq!(compression.compressor().is_ok(), is_there, "{compression:?}");
        }
    }
}
