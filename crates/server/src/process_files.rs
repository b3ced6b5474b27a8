//! The files that tell others of this process: they are there before the first client, and gone after the last.

use std::fs;
use std::path::Path;

use dunlin_server::Addresses;
use dunlin_server::config::Config;

use crate::pid_file::PidFile;
use crate::ports_file::PortsFile;

/// The files that were written.
#[derive(Default)]
pub(crate) struct ProcessFiles {
    pid: Option<PidFile>,
    ports: Option<PortsFile>,
}

impl ProcessFiles {
    /// Writes the files that `config` asks for, in the place of these or beside them.
    ///
    /// # Errors
    ///
    /// Which file cannot be written, and why. There are none but these then.
    pub(crate) fn write_newer(
        &self,
        program: &str,
        config: &Config,
        addresses: &Addresses,
    ) -> Result<Self, String> {
        let mut newer = Self::default();
        match newer.write_all(program, config, addresses) {
            Ok(()) => Ok(newer),
            Err(error) => {
                newer.remove_but(self);
                Err(error)
            }
        }
    }

    fn write_all(&mut self, program: &str, config: &Config, addresses: &Addresses) -> Result<(), String> {
        if let Some(path) = &config.pid_file {
            let written = PidFile::write(path);
            let failed = |error| format!("Could not write pidfile {}: {error}", path.display());
            self.pid = Some(written.map_err(failed)?);
        }
        if let Some(folder) = &config.ports_file_dir {
            let written = PortsFile::write(folder, program, config, addresses);
            let failed = |error| format!("Could not write a ports file to {}: {error}", folder.display());
            self.ports = Some(written.map_err(failed)?);
        }
        Ok(())
    }

    /// Deletes them, but for those that are among `kept`.
    pub(crate) fn remove_but(self, kept: &Self) {
        if !is_same(self.pid.as_ref().map(PidFile::path), kept.pid.as_ref().map(PidFile::path)) {
            self.pid.into_iter().for_each(PidFile::remove);
        }
        if !is_same(self.ports.as_ref().map(PortsFile::path), kept.ports.as_ref().map(PortsFile::path)) {
            self.ports.into_iter().for_each(PortsFile::remove);
        }
    }

    /// Deletes them.
    pub(crate) fn remove(self) {
        self.remove_but(&Self::default());
    }
}

/// Whether both paths lead to one file, however they are written.
fn is_same(one: Option<&Path>, other: Option<&Path>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}
