//! Operations as values, for those who stand between a file system and its user.

use std::path::Path;

/// One call of a method of [`Fs`](crate::Fs), [`ReadFile`](crate::ReadFile), [`WriteFile`](crate::WriteFile)
/// or [`FileLock`](crate::FileLock). The path of a handle is the one it was opened by, whatever the file was
/// renamed to since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are the arguments of the methods, which are documented there")]
pub enum Op<'a> {
    /// [`Fs::create`](crate::Fs::create).
    Create { path: &'a Path },
    /// [`Fs::open`](crate::Fs::open).
    Open { path: &'a Path },
    /// [`Fs::open_for_overwrite`](crate::Fs::open_for_overwrite).
    OpenForOverwrite { path: &'a Path },
    /// [`Fs::rename`](crate::Fs::rename).
    Rename { from: &'a Path, to: &'a Path },
    /// [`Fs::hard_link`](crate::Fs::hard_link).
    HardLink { original: &'a Path, link: &'a Path },
    /// [`Fs::remove`](crate::Fs::remove).
    Remove { path: &'a Path },
    /// [`Fs::list`](crate::Fs::list).
    List { dir: &'a Path },
    /// [`Fs::metadata`](crate::Fs::metadata).
    Metadata { path: &'a Path },
    /// [`Fs::create_dir_all`](crate::Fs::create_dir_all).
    CreateDirAll { dir: &'a Path },
    /// [`Fs::remove_dir`](crate::Fs::remove_dir).
    RemoveDir { dir: &'a Path },
    /// [`Fs::sync_dir`](crate::Fs::sync_dir).
    SyncDir { dir: &'a Path },
    /// [`Fs::lock`](crate::Fs::lock).
    Lock { path: &'a Path },
    /// [`Fs::available_bytes`](crate::Fs::available_bytes).
    AvailableBytes { dir: &'a Path },
    /// [`ReadFile::read_at`](crate::ReadFile::read_at); `len` is how much is asked for.
    ReadAt { path: &'a Path, offset: u64, len: u64 },
    /// [`ReadFile::advise`](crate::ReadFile::advise).
    Advise { path: &'a Path, offset: u64, len: u64 },
    /// [`WriteFile::write_at`](crate::WriteFile::write_at); `len` is the sum of the parts.
    WriteAt { path: &'a Path, offset: u64, len: u64 },
    /// [`WriteFile::sync_data`](crate::WriteFile::sync_data).
    SyncData { path: &'a Path },
    /// [`WriteFile::sync_all`](crate::WriteFile::sync_all).
    SyncAll { path: &'a Path },
    /// [`WriteFile::allocate`](crate::WriteFile::allocate).
    Allocate { path: &'a Path, offset: u64, len: u64 },
    /// [`WriteFile::set_len`](crate::WriteFile::set_len).
    SetLen { path: &'a Path, len: u64 },
    /// [`ReadFile::len`](crate::ReadFile::len) and [`WriteFile::len`](crate::WriteFile::len).
    Len { path: &'a Path },
    /// [`FileLock::set_content`](crate::FileLock::set_content); `len` is that of the content.
    SetLockContent { path: &'a Path, len: u64 },
}

/// An [`Op`] without its arguments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants are those of Op")]
pub enum OpKind {
    Create,
    Open,
    OpenForOverwrite,
    Rename,
    HardLink,
    Remove,
    List,
    Metadata,
    CreateDirAll,
    RemoveDir,
    SyncDir,
    Lock,
    AvailableBytes,
    ReadAt,
    Advise,
    WriteAt,
    SyncData,
    SyncAll,
    Allocate,
    SetLen,
    Len,
    SetLockContent,
}

impl<'a> Op<'a> {
    /// Which operation it is.
    pub fn kind(&self) -> OpKind {
        match self {
            Self::Create { .. } => OpKind::Create,
            Self::Open { .. } => OpKind::Open,
            Self::OpenForOverwrite { .. } => OpKind::OpenForOverwrite,
            Self::Rename { .. } => OpKind::Rename,
            Self::HardLink { .. } => OpKind::HardLink,
            Self::Remove { .. } => OpKind::Remove,
            Self::List { .. } => OpKind::List,
            Self::Metadata { .. } => OpKind::Metadata,
            Self::CreateDirAll { .. } => OpKind::CreateDirAll,
            Self::RemoveDir { .. } => OpKind::RemoveDir,
            Self::SyncDir { .. } => OpKind::SyncDir,
            Self::Lock { .. } => OpKind::Lock,
            Self::AvailableBytes { .. } => OpKind::AvailableBytes,
            Self::ReadAt { .. } => OpKind::ReadAt,
            Self::Advise { .. } => OpKind::Advise,
            Self::WriteAt { .. } => OpKind::WriteAt,
            Self::SyncData { .. } => OpKind::SyncData,
            Self::SyncAll { .. } => OpKind::SyncAll,
            Self::Allocate { .. } => OpKind::Allocate,
            Self::SetLen { .. } => OpKind::SetLen,
            Self::Len { .. } => OpKind::Len,
            Self::SetLockContent { .. } => OpKind::SetLockContent,
        }
    }

    /// The file or folder it works on; of a rename or a link, the name that is new.
    pub fn path(&self) -> &'a Path {
        match *self {
            Self::Create { path }
            | Self::Open { path }
            | Self::OpenForOverwrite { path }
            | Self::Remove { path }
            | Self::Metadata { path }
            | Self::Lock { path }
            | Self::ReadAt { path, .. }
            | Self::Advise { path, .. }
            | Self::WriteAt { path, .. }
            | Self::SyncData { path }
            | Self::SyncAll { path }
            | Self::Allocate { path, .. }
            | Self::SetLen { path, .. }
            | Self::Len { path }
            | Self::SetLockContent { path, .. } => path,
            Self::Rename { to, .. } => to,
            Self::HardLink { link, .. } => link,
            Self::List { dir }
            | Self::CreateDirAll { dir }
            | Self::RemoveDir { dir }
            | Self::SyncDir { dir }
            | Self::AvailableBytes { dir } => dir,
        }
    }
}

impl OpKind {
    /// The operations that make something durable.
    pub const SYNCS: [Self; 3] = [Self::SyncData, Self::SyncAll, Self::SyncDir];

    /// True for what changes nothing that anyone could find later.
    pub fn is_read(self) -> bool {
        match self {
            Self::Open
            | Self::OpenForOverwrite
            | Self::List
            | Self::Metadata
            | Self::AvailableBytes
            | Self::ReadAt
            | Self::Advise
            | Self::Len => true,
            Self::Create
            | Self::Rename
            | Self::HardLink
            | Self::Remove
            | Self::CreateDirAll
            | Self::RemoveDir
            | Self::SyncDir
            | Self::Lock
            | Self::WriteAt
            | Self::SyncData
            | Self::SyncAll
            | Self::Allocate
            | Self::SetLen
            | Self::SetLockContent => false,
        }
    }
}
