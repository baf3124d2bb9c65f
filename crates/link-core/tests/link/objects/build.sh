#!/bin/sh
# Rebuilds the objects beside this file with clang 19.
set -e
cd "$(dirname "$0")"
cc="clang-19 -O1 -ffile-prefix-map=$PWD=. -c"
wasm32="--target=wasm32-unknown-unknown"
pic="-fPIC -matomics -mbulk-memory"
$cc $wasm32 -g data.c -o data.o
$cc $wasm32 -g more.c -o more.o
$cc $wasm32 -pthread -matomics -mbulk-memory threads.c -o threads.o
$cc --target=wasm64-unknown-unknown data.c -o data64.o
$cc --target=wasm64-unknown-unknown more.c -o more64.o
for f in pic pic_other threads; do
  $cc --target=wasm32-unknown-emscripten -pthread $pic $f.c -o $f.pic.o
  $cc --target=wasm64-unknown-emscripten -pthread $pic $f.c -o $f.pic64.o
done
llvm-mc-19 -triple=wasm32 -mattr=+reference-types,+exception-handling,+mutable-globals \
  -filetype=obj tables.s -o tables.o
