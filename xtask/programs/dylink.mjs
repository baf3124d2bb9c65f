// Loads a main module and shared libraries together, by what their dylink.0 sections and
// imports ask for (DynamicLinking.md of the tool conventions):
// node dylink.mjs MAIN.wasm LIBRARY.so...

import { readFileSync } from "node:fs";
import { basename } from "node:path";

const memory = new WebAssembly.Memory({ initial: 8 });
const table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
const stackPointer = new WebAssembly.Global({ value: "i32", mutable: true }, 65536);
let free = 65536;

// The entries of a dylink.0 section that loading needs.
function dylink(module) {
  const [section] = WebAssembly.Module.customSections(module, "dylink.0");
  const bytes = new Uint8Array(section);
  let at = 0;
  const leb = () => {
    let value = 0, shift = 0, byte;
    do {
      byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    return value >>> 0;
  };
  const string = () => {
    const size = leb();
    at += size;
    return new TextDecoder().decode(bytes.subarray(at - size, at));
  };
  const found = { memorySize: 0, memoryAlign: 0, tableSize: 0, needed: [] };
  while (at < bytes.length) {
    const kind = leb(), end = leb() + at;
    if (kind === 1) {
      found.memorySize = leb();
      found.memoryAlign = 2 ** leb();
      found.tableSize = leb();
    } else if (kind === 2) {
      for (let count = leb(); count > 0; count--) found.needed.push(string());
    }
    at = end;
  }
  return found;
}

const loaded = [];
const got = { "GOT.mem": new Map(), "GOT.func": new Map() };
const lookup = (name) => {
  for (const { exports } of loaded) if (exports[name] !== undefined) return exports[name];
};

for (const path of process.argv.slice(2)) {
  const module = new WebAssembly.Module(readFileSync(path));
  const info = dylink(module);
  console.log(basename(path).replace(/^.*-/, ""), "needs", info.needed.length, "libraries");
  free = Math.ceil(free / info.memoryAlign) * info.memoryAlign;
  const memoryBase = free, tableBase = table.grow(info.tableSize);
  free += info.memorySize;
  const immutable = (value) => new WebAssembly.Global({ value: "i32", mutable: false }, value);
  const env = {
    memory,
    __indirect_function_table: table,
    __stack_pointer: stackPointer,
    __memory_base: immutable(memoryBase),
    __table_base: immutable(tableBase),
  };
  const imports = { env, "GOT.mem": {}, "GOT.func": {} };
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (got[from]) {
      if (!got[from].has(name))
        got[from].set(name, new WebAssembly.Global({ value: "i32", mutable: true }, 0));
      imports[from][name] = got[from].get(name);
    } else if (kind === "function") {
      // Whoever exports it may be loaded later.
      env[name] = (...args) => lookup(name)(...args);
    }
  }
  const instance = new WebAssembly.Instance(module, imports);
  // Exported addresses are relative to the exporting module's place.
  const exports = {};
  for (const [name, value] of Object.entries(instance.exports))
    exports[name] =
      value instanceof WebAssembly.Global ? { address: value.value + memoryBase } : value;
  loaded.push({ exports });
}

for (const [name, global] of got["GOT.mem"]) global.value = lookup(name)?.address ?? 0;
for (const [name, global] of got["GOT.func"]) {
  const target = lookup(name);
  if (target) global.value = table.grow(1, target);
}
for (const { exports } of loaded) exports.__wasm_apply_data_relocs?.();
for (const { exports } of loaded) exports.__wasm_call_ctors?.();
for (let what = 0; what < 6; what++) console.log(what, lookup("run")(what));
