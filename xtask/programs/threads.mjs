// Two workers and the main thread share one memory: node threads.mjs PROGRAM.wasm

import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";

const instantiate = (module, memory) =>
  new WebAssembly.Instance(module, { env: { memory } }).exports;

if (isMainThread) {
  const module = new WebAssembly.Module(readFileSync(process.argv[2]));
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 16, shared: true });
  const main = instantiate(module, memory);
  main.greet();
  const workers = [0, 1].map((thread) => new Worker(fileURLToPath(import.meta.url), {
    workerData: { module, memory, thread },
  }));
  const results = await Promise.all(workers.map((worker) => new Promise((resolve, reject) => {
    worker.on("message", resolve);
    worker.on("error", reject);
  })));
  console.log("workers:", ...results);
  console.log("main:", main.work(100), "total:", main.counted(), "greeting:", main.greeted());
} else {
  const { module, memory, thread } = workerData;
  const instance = instantiate(module, memory);
  instance.__stack_pointer.value = instance.stack_top(thread);
  if (instance.__tls_size.value > 256) throw new Error("thread-local data does not fit");
  instance.__wasm_init_tls(instance.tls_block(thread));
  parentPort.postMessage(instance.work(20000 * (thread + 1)));
}
