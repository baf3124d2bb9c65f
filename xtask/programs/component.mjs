// Runs a component in Node, by way of jco. The environment names the component's file and a directory
// for what is made of it. What the component exports says how it is used: a command runs, a handler of
// HTTP answers requests, and the library of shapes is called.
//
// With WIT set, prints the component's world instead.

import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { transpile, writeFiles } from '@bytecodealliance/jco-transpile';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';

const { COMPONENT: file, DIRECTORY: directory, WIT } = process.env;
if (WIT) {
  console.log(await componentWit(await readFile(file)));
} else {
  await run();
}

async function run() {
  const map = { log: './log.js' };
  const { files } = await transpile(file, { name: 'component', outDir: directory, map });
  await writeFiles(files);
  const log = 'export default (line) => console.log(`log: ${line}`);\n';
  await writeFile(`${directory}/log.js`, log);
  await writeFile(`${directory}/package.json`, '{ "type": "module" }\n');
  const component = await import(pathToFileURL(`${directory}/component.js`));
  if (component.run) {
    component.run.run();
  } else if (component.incomingHandler) {
    await serve(component.incomingHandler);
  } else {
    shapes(component.types);
  }
}

async function serve(handler) {
  const { HTTPServer } = await import('@bytecodealliance/preview2-shim/http');
  const server = new HTTPServer(handler);
  server.listen(0, '127.0.0.1');
  const { port } = server.address();
  for (const path of ['/found?x=1', '/other']) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'PUT' });
    console.log(answer.status, answer.headers.get('x-made-by'), await answer.text());
  }
  process.exit(0);
}

function shapes({ Polygon, describe }) {
  console.log(describe({ tag: 'circle', val: { x: -1, y: 2 } }));
  console.log(describe({ tag: 'text', val: 'zwölf Boxkämpfer' }));
  const square = new Polygon('square');
  try {
    square.area();
  } catch (error) {
    console.log(`no area: ${error}`);
  }
  for (const [x, y] of [[0, 0], [4, 0], [4, 4], [0, 4]]) {
    console.log(square.add({ x, y }));
  }
  console.log(JSON.stringify(square.corners()), square.area());
  const triangle = new Polygon('triangle');
  for (const [x, y] of [[0, 0], [9, 0], [0, 9]]) {
    triangle.add({ x, y });
  }
  console.log(Polygon.largest(square, triangle));
  square[Symbol.dispose || Symbol.for('dispose')]();
}
