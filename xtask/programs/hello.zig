//! A program over libc, with formatting, a heap and a table of functions.

const std = @import("std");

extern fn puts(text: [*:0]const u8) c_int;
extern fn malloc(size: usize) ?[*]u8;

fn double(number: i64) i64 {
    return 2 * number;
}

fn square(number: i64) i64 {
    return number * number;
}

const functions = [_]*const fn (i64) i64{ double, square };
var calls: usize = 40;

export fn main(_: c_int, _: [*][*:0]u8) c_int {
    const buffer = (malloc(100) orelse return 1)[0..100];
    for (functions, 0..) |function, index| {
        calls += 1;
        const text = std.fmt.bufPrint(buffer, "hello from Zig: {d} {d} {d}\x00", .{
            index, calls, function(@intCast(calls)),
        }) catch return 1;
        _ = puts(@ptrCast(text.ptr));
    }
    return 0;
}
