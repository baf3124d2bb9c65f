// Runs a WASI program: node wasi.mjs PROGRAM.wasm ARGUMENTS...

import { readFile } from "node:fs/promises";
import process from "node:process";
import { WASI } from "node:wasi";

const [path, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: ["program", ...args], env: {} });
const module = await WebAssembly.compile(await readFile(path));
// `getImportObject` came with Node 20.
const imports = { wasi_snapshot_preview1: wasi.wasiImport };
const instance = await WebAssembly.instantiate(module, imports);
try {
  process.exitCode = wasi.start(instance);
} catch (error) {
  // Without the stack: it has the size of the module in it.
  console.error(`trapped: ${error.message}`);
  process.exitCode = 134;
}
