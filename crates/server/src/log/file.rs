//! Log files: set aside when they are long, the oldest thrown away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Zoned;

/// A log file.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    /// The size from which on it is set aside, in bytes; 0 for never.
    size_limit: u64,
    /// How many files are kept, this one counted; 0 for all.
    max_num: usize,
}

impl LogFile {
    pub(super) fn open(path: &Path, size_limit: u64, max_num: usize) -> io::Result<Self> {
        let (file, size) = append_to(path)?;
        Ok(Self { path: path.to_owned(), file, size, size_limit, max_num })
    }

    pub(super) fn reopen(&mut self) -> io::Result<()> {
        (self.file, self.size) = append_to(&self.path)?;
        Ok(())
    }

    /// Writes a line. Where that fails (a full disk), the line is lost: there is nowhere to say so.
    pub(super) fn write(&mut self, line: &[u8], now: &Zoned) {
        if self.file.write_all(line).is_ok() {
            self.size += line.len() as u64;
        }
        if self.size_limit > 0 && self.size > self.size_limit {
            self.set_aside(now);
        }
    }

    /// Goes on in a new file. The old one gets the time at the end of its name, in the way of nats-server.
    fn set_aside(&mut self, now: &Zoned) {
        let mut name = self.path.clone().into_os_string();
        name.push(now.strftime(".%Y.%m.%d.%H.%M.%S.%9f").to_string());
        let is_moved = fs::rename(&self.path, &name).is_ok();
        if !is_moved || self.reopen().is_err() {
            if is_moved {
                // There may be no file descriptor for a new one: this one goes on, under the name where one looks for it.
                _ = fs::rename(&name, &self.path);
            }
            // Not at every line again.
            self.size = 0;
            return;
        }
        if self.max_num > 0 {
            self.throw_away();
        }
    }

    /// Deletes the oldest files beyond the number to keep.
    fn throw_away(&self) {
        let (Some(folder), Some(name)) =
            (self.path.parent(), self.path.file_name().and_then(|name| name.to_str()))
        else {
            return;
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Ok(entries) = fs::read_dir(folder) else { return };
        let is_old = |file: &str| {
            file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_stamp)
        };
        let mut old: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|file| is_old(file))
            .collect();
        // The names sort by time.
        old.sort_unstable();
        let surplus = old.len().saturating_sub(self.max_num - 1);
        for file in &old[..surplus] {
            // It may be gone already.
            _ = fs::remove_file(folder.join(file));
        }
    }
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

/// `2026.11.21.19.35.10.663797123`.
fn is_stamp(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('.').map(str::len).collect();
    lengths == [4, 2, 2, 2, 2, 2, 9] && text.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{LogFile, is_stamp};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    #[test]
    fn long_files_are_set_aside_and_old_ones_thrown_away() {
        let folder = std::env::temp_dir().join(format!("dunlin-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("server.log");
        std::fs::write(folder.join("server.log.other"), "kept").unwrap();
        let mut log = LogFile::open(&path, 10, 3).unwrap();
        for second in 0..6 {
            let now = Timestamp::from_second(second).unwrap().to_zoned(TimeZone::UTC);
            log.write(format!("line {second} is long\n").as_bytes(), &now);
        }
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = [
            "server.log",
            "server.log.1970.01.01.00.00.04.000000000",
            "server.log.1970.01.01.00.00.05.000000000",
            "server.log.other",
        ];
        assert_eq!(names, expected);
        assert_eq!(std::fs::read_to_string(folder.join(expected[2])).unwrap(), "line 5 is long\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn stamps() {
        assert!(is_stamp("2026.11.21.19.35.10.663797123"));
        assert!(!is_stamp("2026.11.21") && !is_stamp("gz") && !is_stamp("2026.11.21.19.35.10.66379712x"));
    }
}
