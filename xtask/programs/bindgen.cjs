// Uses what wasm-bindgen made for Node: node bindgen.cjs DIRECTORY/greeter.js

const { Greeter, big, sum } = require(require("node:path").resolve(process.argv[2]));

const greeter = new Greeter("Ada");
console.log(greeter.add("Grace"), greeter.add("Barbara"));
try {
  greeter.add("");
} catch (error) {
  console.log(error.message);
}
console.log(greeter.greet((name) => `<${name}>`));
console.log(sum(new Float64Array([1.5, 2.25, 3])), big(2n ** 62n));
greeter.free();
