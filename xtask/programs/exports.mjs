// Calls the export `run` of a module without imports: node exports.mjs PROGRAM.wasm NUMBER...

import { readFileSync } from "node:fs";

const [path, ...numbers] = process.argv.slice(2);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)));
for (const number of numbers) console.log(number, exports.run(Number(number)));
