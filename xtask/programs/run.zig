//! A module for a host that offers nothing.

const words = [_][]const u8{ "eins", "zwei", "fünf" };
var calls: i32 = 100;

export fn run(number: i32) i32 {
    calls += 1;
    const word = words[@as(u32, @bitCast(number)) % words.len];
    var sum: i32 = @intCast(word.len);
    for (word) |byte| sum = (sum << 1) ^ byte;
    return sum +% calls *% number;
}
