//! A listener on the path of a Unix socket.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use mio::net::UnixListener;

/// A bound Unix socket. Its file goes with it.
pub(crate) struct UnixSocket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    /// Device and number of its file: another server may have put its own there in the meantime.
    file: Option<(u64, u64)>,
}

impl UnixSocket {
    /// Listens on `path`, whose file gets the permissions `mode`. The socket of a server that has gone is replaced.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where somebody listens there, `AlreadyExists` for a file that is no socket, and what the system says.
    pub(crate) fn bind(path: &Path, mode: u32) -> io::Result<UnixSocket> {
        match fs::symlink_metadata(path) {
            Ok(file) if !file.file_type().is_socket() => return Err(io::ErrorKind::AlreadyExists.into()),
            Ok(_) if UnixStream::connect(path).is_ok() => return Err(io::ErrorKind::AddrInUse.into()),
            _ => {}
        }
        // Made beside its place, so that nobody finds it there before it has its permissions.
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}", std::process::id()));
        let unfinished = PathBuf::from(unfinished);
        let listener = UnixListener::bind(&unfinished)?;
        let placed = fs::set_permissions(&unfinished, Permissions::from_mode(mode))
            .and_then(|()| fs::rename(&unfinished, path));
        if let Err(error) = placed {
            // It is of no use to anybody.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        let file = fs::symlink_metadata(path).ok().map(|file| identity(&file));
        Ok(UnixSocket { listener, path: path.to_owned(), file })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).ok().map(|file| identity(&file));
        if now.is_some() && now == self.file {
            // Somebody may have done so already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
