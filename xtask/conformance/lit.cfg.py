# How lit runs LLVM's tests of wasm-ld with a linker of our choice in the place of wasm-ld.
#
# `cargo xtask conformance` starts lit on this directory with three parameters:
#   suite     the directory lld/test/wasm of LLVM's sources
#   work      where the tests may write
#   path      PATH of the tests: a directory with the linker as `wasm-ld`, then LLVM's tools

import lit.formats

config.name = "wasm"
config.test_format = lit.formats.ShTest(execute_external=False)
config.test_source_root = lit_config.params["suite"]
config.test_exec_root = lit_config.params["work"]
config.suffixes = [".test", ".yaml", ".ll", ".s"]
# `Inputs` holds what tests read. Link time optimisation is LLVM's work, never this linker's.
config.excludes = ["Inputs", "lto"]

# What tests may ask for by REQUIRES; Debian's LLVM is built with every target.
config.available_features.update(["wasm", "x86", "shell"])

config.environment["PATH"] = lit_config.params["path"]
# Some messages and sections contain the version: the suite expects this one.
config.environment["LLD_VERSION"] = "LLD 1.0"
