// Calls the export `report` of a module that imports nothing: node rust_exports.mjs PROGRAM.wasm NUMBER...

import { readFileSync } from "node:fs";

const [path, ...numbers] = process.argv.slice(2);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)));
for (const number of numbers) {
  const address = exports.report(Number(number));
  const length = new DataView(exports.memory.buffer).getUint32(address, true);
  const text = new Uint8Array(exports.memory.buffer, address + 4, length);
  console.log(new TextDecoder().decode(text));
}
