"""Runs a component in Wasmtime: a command runs, and the library of shapes is called.

Usage: component.py COMPONENT STDIN ARGUMENT...
"""

import re
import sys

from wasmtime import Engine, ExitTrap, Store, WasiConfig
from wasmtime.component import Component, Linker


def main(path, stdin, *arguments):
    engine = Engine()
    store = Store(engine)
    config = WasiConfig()
    config.argv = ("program", *arguments)
    config.env = [("WORD", "said")]
    config.stdin_file = stdin
    config.inherit_stdout()
    config.inherit_stderr()
    store.set_wasi(config)
    linker = Linker(engine)
    linker.add_wasip2()
    with linker.root() as root:
        root.add_func("log", lambda _store, line: print(f"log: {line}", flush=True))
    with open(path, "rb") as file:
        contents = file.read()
    component = Component(engine, contents)
    instance = linker.instantiate(store, component)

    def function(interface, name):
        index = instance.get_export_index(store, interface)
        index = index and instance.get_export_index(store, name, index)
        return index and instance.get_func(store, index)

    for version in sorted(set(re.findall(rb"wasi:cli/run@([0-9.]+)", contents))):
        run = function(f"wasi:cli/run@{version.decode()}", "run")
        if run:
            try:
                print(run(store))
            except ExitTrap as trap:
                sys.stdout.flush()
                sys.exit(trap.code)
            return
    shapes(store, lambda name: function("demo:shapes/types", name))


def shapes(store, function):
    def call(name, *arguments):
        return function(name)(store, *arguments)

    square = call("[constructor]polygon", "square")
    print(call("[method]polygon.area", square))
    for x, y in [(0, 0), (4, 0), (4, 4), (0, 4)]:
        point = type("Point", (), {"x": x, "y": y})()
        print(call("[method]polygon.add", square, point))
    print([(point.x, point.y) for point in call("[method]polygon.corners", square)])
    print(call("[method]polygon.area", square))
    print(call("[static]polygon.largest", square, square))
    square.drop(store)


main(*sys.argv[1:])
