//! The functions of WASI preview 1 (`wasi_snapshot_preview1`) for a program that has arguments,
//! standard streams, clocks and random numbers, but no files.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use wasmi::{Caller, Error, Extern, FuncType, Linker, Memory, Val, ValType};

const MODULE: &str = "wasi_snapshot_preview1";

// Values of `errno`.
const BADF: i32 = 8;
const FAULT: i32 = 21;
const INVAL: i32 = 28;
const NOTSUP: i32 = 58;
const SPIPE: i32 = 70;

/// Functions that need a file or a socket: the types of their parameters (`i` is `i32`, `I` is
/// `i64`) and what they return. A program without files has no descriptor to pass to them but those
/// of the standard streams.
const REFUSED: &[(&str, &str, i32)] = &[
    ("fd_advise", "iIIi", NOTSUP),
    ("fd_allocate", "iII", NOTSUP),
    ("fd_datasync", "i", NOTSUP),
    ("fd_fdstat_set_flags", "ii", NOTSUP),
    ("fd_fdstat_set_rights", "iII", NOTSUP),
    ("fd_filestat_get", "ii", NOTSUP),
    ("fd_filestat_set_size", "iI", NOTSUP),
    ("fd_filestat_set_times", "iIIi", NOTSUP),
    ("fd_pread", "iiiIi", SPIPE),
    ("fd_prestat_dir_name", "iii", BADF),
    ("fd_prestat_get", "ii", BADF),
    ("fd_pwrite", "iiiIi", SPIPE),
    ("fd_readdir", "iiiIi", NOTSUP),
    ("fd_renumber", "ii", NOTSUP),
    ("fd_seek", "iIii", SPIPE),
    ("fd_sync", "i", NOTSUP),
    ("fd_tell", "ii", SPIPE),
    ("path_create_directory", "iii", BADF),
    ("path_filestat_get", "iiiii", BADF),
    ("path_filestat_set_times", "iiiiIIi", BADF),
    ("path_link", "iiiiiii", BADF),
    ("path_open", "iiiiiIIii", BADF),
    ("path_readlink", "iiiiii", BADF),
    ("path_remove_directory", "iii", BADF),
    ("path_rename", "iiiiii", BADF),
    ("path_symlink", "iiiii", BADF),
    ("path_unlink_file", "iii", BADF),
    ("poll_oneoff", "iiii", NOTSUP),
    ("sock_accept", "iii", BADF),
    ("sock_recv", "iiiiii", BADF),
    ("sock_send", "iiiii", BADF),
    ("sock_shutdown", "ii", BADF),
];

/// What a program sees of the world.
pub(crate) struct World {
    pub(crate) args: Vec<String>,
    pub(crate) stdin: VecDeque<u8>,
    pub(crate) stdout: Stream,
    pub(crate) stderr: Stream,
    pub(crate) start: Instant,
}

/// Where a program's output goes.
pub(crate) enum Stream {
    Kept(Vec<u8>),
    /// A stream of this process.
    Inherited(Box<dyn Write + Send>),
}

impl Stream {
    pub(crate) fn text(&self) -> String {
        match self {
            Stream::Kept(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Stream::Inherited(_) => String::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Kept(kept) => kept.write_all(bytes),
            Stream::Inherited(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }
}

/// What most functions return: an `errno` is the reason why a function did nothing.
type Outcome<T = ()> = Result<T, i32>;

/// The program that calls, and its memory.
struct Host<'a, 'c> {
    caller: &'a mut Caller<'c, World>,
    memory: Memory,
}

impl Host<'_, '_> {
    fn world(&mut self) -> &mut World {
        self.caller.data_mut()
    }

    fn put(&mut self, address: u32, bytes: &[u8]) -> Outcome {
        self.memory
            .write(&mut *self.caller, address as usize, bytes)
            .map_err(|_| FAULT)
    }

    fn put_u32(&mut self, address: u32, value: u32) -> Outcome {
        self.put(address, &value.to_le_bytes())
    }

    fn get_u32(&self, address: u32) -> Outcome<u32> {
        let mut bytes = [0; 4];
        self.memory
            .read(&*self.caller, address as usize, &mut bytes)
            .map_err(|_| FAULT)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The buffers of a list of `count` addresses and lengths.
    fn buffers(&self, list: u32, count: u32) -> Outcome<Vec<(u32, u32)>> {
        let entry = |nth: u32| {
            let at = list.checked_add(nth.checked_mul(8).ok_or(FAULT)?);
            let at = at.ok_or(FAULT)?;
            Ok((
                self.get_u32(at)?,
                self.get_u32(at.checked_add(4).ok_or(FAULT)?)?,
            ))
        };
        (0..count).map(entry).collect()
    }

    fn args_get(&mut self, pointers: u32, buffer: u32) -> Outcome {
        let (mut pointer, mut address) = (pointers, buffer);
        for arg in self.world().args.clone() {
            self.put_u32(pointer, address)?;
            self.put(address, arg.as_bytes())?;
            let end = address.checked_add(arg.len() as u32).ok_or(FAULT)?;
            self.put(end, &[0])?;
            address = end.checked_add(1).ok_or(FAULT)?;
            pointer = pointer.checked_add(4).ok_or(FAULT)?;
        }
        Ok(())
    }

    fn args_sizes_get(&mut self, count: u32, size: u32) -> Outcome {
        let args = &self.world().args;
        let (args, bytes) = (
            args.len(),
            args.iter().map(|arg| arg.len() + 1).sum::<usize>(),
        );
        self.put_u32(count, args as u32)?;
        self.put_u32(size, bytes as u32)
    }

    fn clock_time_get(&mut self, clock: u32, time: u32) -> Outcome {
        let elapsed = match clock {
            0 => SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO),
            1 => self.world().start.elapsed(),
            _ => return Err(INVAL),
        };
        self.put(time, &(elapsed.as_nanos() as u64).to_le_bytes())
    }

    fn fd_fdstat_get(&mut self, fd: u32, stat: u32) -> Outcome {
        const RIGHT_TO_READ: u64 = 1 << 1;
        const RIGHT_TO_WRITE: u64 = 1 << 6;
        let rights = match fd {
            0 => RIGHT_TO_READ,
            1 | 2 => RIGHT_TO_WRITE,
            _ => return Err(BADF),
        };
        // A file of no known type, without flags; the rights are at offset 8.
        let mut bytes = [0; 24];
        bytes[8..16].copy_from_slice(&rights.to_le_bytes());
        self.put(stat, &bytes)
    }

    fn fd_read(&mut self, fd: u32, buffers: u32, count: u32, read: u32) -> Outcome {
        if fd != 0 {
            return Err(BADF);
        }
        let mut total = 0;
        for (address, len) in self.buffers(buffers, count)? {
            let stdin = &mut self.world().stdin;
            let len = stdin.len().min(len as usize);
            let bytes: Vec<u8> = stdin.drain(..len).collect();
            self.put(address, &bytes)?;
            total += len;
        }
        self.put_u32(read, total as u32)
    }

    fn fd_write(&mut self, fd: u32, buffers: u32, count: u32, written: u32) -> Outcome {
        const IO: i32 = 29;
        let mut bytes = Vec::new();
        for (address, len) in self.buffers(buffers, count)? {
            let end = (address as usize).checked_add(len as usize).ok_or(FAULT)?;
            let data = self.memory.data(&*self.caller);
            bytes.extend_from_slice(data.get(address as usize..end).ok_or(FAULT)?);
        }
        let world = self.world();
        let stream = match fd {
            1 => &mut world.stdout,
            2 => &mut world.stderr,
            _ => return Err(BADF),
        };
        stream.write(&bytes).map_err(|_| IO)?;
        self.put_u32(written, bytes.len() as u32)
    }

    fn random_get(&mut self, buffer: u32, len: u32) -> Outcome {
        // Every state of the standard library's hash tables has keys of its own.
        let mut at = 0;
        while at < len {
            let random = RandomState::new().hash_one(at).to_le_bytes();
            let piece = &random[..random.len().min((len - at) as usize)];
            self.put(buffer.checked_add(at).ok_or(FAULT)?, piece)?;
            at += piece.len() as u32;
        }
        Ok(())
    }
}

/// Calls a function with the memory of the program, which then returns an `errno`.
fn with_memory(
    mut caller: Caller<'_, World>,
    call: impl FnOnce(&mut Host<'_, '_>) -> Outcome,
) -> i32 {
    let Some(memory) = caller.get_export("memory").and_then(Extern::into_memory) else {
        return FAULT;
    };
    let mut host = Host {
        caller: &mut caller,
        memory,
    };
    call(&mut host).err().unwrap_or(0)
}

/// Defines every function of WASI preview 1.
pub(crate) fn define(linker: &mut Linker<World>) -> Result<(), Error> {
    type Call<'a> = Caller<'a, World>;
    linker
        .func_wrap(
            MODULE,
            "args_get",
            |call: Call<'_>, pointers: u32, buffer: u32| {
                with_memory(call, |host| host.args_get(pointers, buffer))
            },
        )?
        .func_wrap(
            MODULE,
            "args_sizes_get",
            |call: Call<'_>, count: u32, size: u32| {
                with_memory(call, |host| host.args_sizes_get(count, size))
            },
        )?
        .func_wrap(MODULE, "environ_get", |_: u32, _: u32| 0)?
        .func_wrap(
            MODULE,
            "environ_sizes_get",
            |call: Call<'_>, count: u32, size: u32| {
                with_memory(call, |host| {
                    host.put_u32(count, 0)?;
                    host.put_u32(size, 0)
                })
            },
        )?
        .func_wrap(
            MODULE,
            "clock_res_get",
            |call: Call<'_>, _clock: u32, resolution: u32| {
                with_memory(call, |host| host.put(resolution, &1_u64.to_le_bytes()))
            },
        )?
        .func_wrap(
            MODULE,
            "clock_time_get",
            |call: Call<'_>, clock: u32, _precision: u64, time: u32| {
                with_memory(call, |host| host.clock_time_get(clock, time))
            },
        )?
        .func_wrap(MODULE, "fd_close", |fd: u32| if fd <= 2 { 0 } else { BADF })?
        .func_wrap(
            MODULE,
            "fd_fdstat_get",
            |call: Call<'_>, fd: u32, stat: u32| {
                with_memory(call, |host| host.fd_fdstat_get(fd, stat))
            },
        )?
        .func_wrap(
            MODULE,
            "fd_read",
            |call: Call<'_>, fd: u32, buffers: u32, count: u32, read: u32| {
                with_memory(call, |host| host.fd_read(fd, buffers, count, read))
            },
        )?
        .func_wrap(
            MODULE,
            "fd_write",
            |call: Call<'_>, fd: u32, buffers: u32, count: u32, written: u32| {
                with_memory(call, |host| host.fd_write(fd, buffers, count, written))
            },
        )?
        .func_wrap(MODULE, "proc_exit", |code: i32| -> Result<(), Error> {
            Err(Error::i32_exit(code))
        })?
        .func_wrap(
            MODULE,
            "random_get",
            |call: Call<'_>, buffer: u32, len: u32| {
                with_memory(call, |host| host.random_get(buffer, len))
            },
        )?
        .func_wrap(MODULE, "sched_yield", || 0)?;
    for (name, params, errno) in REFUSED {
        let params = params.bytes().map(|code| match code {
            b'I' => ValType::I64,
            _ => ValType::I32,
        });
        let ty = FuncType::new(params, [ValType::I32]);
        linker.func_new(MODULE, name, ty, |_, _, results| {
            results[0] = Val::I32(*errno);
            Ok(())
        })?;
    }
    Ok(())
}
