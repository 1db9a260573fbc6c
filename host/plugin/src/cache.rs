//! Compiled components on disk, named by the digest of the component and the engine that they were compiled for.
//!
//! A file is never changed in place: wasmtime maps it, and overwriting a mapped file breaks the process that uses it.
//! It is written to a temporary file, which is then renamed, and its digest is verified before it is loaded.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use baton_core::kind::Kind;

use super::compile;

/// Makes the names of temporary files unique within the process.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Bytes above which compiling takes long enough that the user is told about it.
const LARGE: usize = 2 << 20;

/// The log target whose lines are shown to the user.
const NOTICE: &str = "baton::notice";

/// Why a component is not in the cache.
#[derive(Debug, Error)]
pub(super) enum CacheError {
    /// It does not compile.
    #[error(transparent)]
    Compile(#[from] compile::CompileError),
    /// The folder can't be written to.
    #[error("{}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// What was just compiled does not load.
    #[error("{}: {source:#}", path.display())]
    Load { path: PathBuf, source: wasmtime::Error },
}

/// A folder of compiled components that only its owner can write to: what lies there is executed.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(super) fn at(folder: &Path) -> std::io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let found = fs::symlink_metadata(folder)?;
        if !found.is_dir() || found.uid() != rustix::process::getuid().as_raw() || found.mode() & 0o022 != 0 {
            return Err(std::io::Error::other("it must be a folder that only you can write to"));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, engine: &Engine, digest: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let name = format!("{}-{:016x}.cwasm", digest.trim_start_matches("blake3:"), hasher.finish());
        self.folder.join(name)
    }

    /// The component from the cache if it is intact, otherwise compiled and cached.
    pub(super) fn component(
        &self,
        engine: &Engine,
        kind: Kind,
        digest: &str,
        wasm: &[u8],
        compiler: &compile::Compiler,
    ) -> Result<Component, CacheError> {
        let path = self.path(engine, digest);
        if let Some(Ok(component)) = load(engine, &path) {
            return Ok(component);
        }
        if wasm.len() > LARGE {
            let size = wasm.len() >> 20;
            tracing::info!(target: NOTICE, "compiling a {kind} of {size} MiB for this machine, once");
        }
        let compiled = compiler.compile(kind, wasm)?;
        self.store(&path, &compiled).map_err(|source| CacheError::Write { path: path.clone(), source })?;
        let loaded =
            load(engine, &path).unwrap_or_else(|| Err(wasmtime::Error::msg("it was altered at once")));
        loaded.map_err(|source| CacheError::Load { path, source })
    }

    /// Writes the compiled component, then its digest: a file without a digest is never loaded.
    fn store(&self, path: &Path, compiled: &[u8]) -> std::io::Result<()> {
        for (file, content) in
            [(path.to_owned(), compiled), (path.with_extension("digest"), super::digest(compiled).as_bytes())]
        {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let own = COUNT.fetch_add(1, Ordering::Relaxed);
            let beside = self.folder.join(format!(".{name}.{}.{own}", std::process::id()));
            let mut fresh = fs::File::create(&beside)?;
            fresh.write_all(content)?;
            fresh.sync_all()?;
            fs::rename(&beside, &file)?;
        }
        Ok(())
    }
}

/// The cached component. None if there is none, or if it was altered; an altered file is removed.
fn load(engine: &Engine, path: &Path) -> Option<wasmtime::Result<Component>> {
    let expected = fs::read_to_string(path.with_extension("digest")).ok()?;
    let bytes = fs::read(path).ok()?;
    if super::digest(&bytes) != expected {
        tracing::warn!("{} was altered and is compiled anew", path.display());
        let _ = fs::remove_file(path);
        return None;
    }
    // SAFETY: the bytes were produced by this program's compiler in a folder that only its owner can write to, and
    // their digest was just checked.
    #[expect(unsafe_code, reason = "wasmtime can't know that the bytes are its own")]
    let component = unsafe { Component::deserialize(engine, &bytes) };
    Some(component)
}
