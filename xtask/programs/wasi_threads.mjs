// Runs a WASI program with threads: node wasi_threads.mjs PROGRAM.wasm ARGUMENTS...

import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { WASI } from "node:wasi";
import { isMainThread, Worker, workerData } from "node:worker_threads";

const { path, args, memory: shared, ids: sharedIds, id, argument } = isMainThread
  ? { path: process.argv[2], args: process.argv.slice(3) }
  : workerData;
const module = new WebAssembly.Module(readFileSync(path));
// No smaller than the program asks for, and no larger than rustc lets it become.
const size = { initial: 512, maximum: 16384, shared: true };
const memory = shared ?? new WebAssembly.Memory(size);
const ids = sharedIds ?? new Int32Array(new SharedArrayBuffer(4));

const wasi = new WASI({ version: "preview1", args: ["program", ...args], env: {} });
const instance = new WebAssembly.Instance(module, {
  env: { memory },
  wasi_snapshot_preview1: wasi.wasiImport,
  wasi: { "thread-spawn": spawn },
});
if (isMainThread) {
  const exports = { ...instance.exports, memory };
  process.exitCode = wasi.start({ exports });
} else {
  // Only the memory is bound: the main thread has initialised the program.
  wasi.initialize({ exports: { memory } });
  instance.exports.wasi_thread_start(id, argument);
}

function spawn(argument) {
  const id = Atomics.add(ids, 0, 1) + 1;
  new Worker(fileURLToPath(import.meta.url), {
    workerData: { path, args, memory, ids, id, argument },
  });
  return id;
}
