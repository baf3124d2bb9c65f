# The tag of exceptions of C++, which a C++ runtime defines.
    .tagtype __cpp_exception i32
    .globl __cpp_exception
__cpp_exception:
