//! Literals: numbers and strings.

use super::Printer;
use crate::node::{List, Node, NodeId, Text};
use crate::words::Word;

impl Printer<'_> {
    /// An array of `char` as a string, if all its elements are characters. Returns whether it
    /// was one.
    pub(super) fn char_array(&mut self, ty: NodeId, items: List) -> bool {
        let Node::Array { of, .. } = self.nodes.get(ty) else {
            return false;
        };
        if !matches!(self.nodes.get(of), Node::Word(Word::Char)) {
            return false;
        }
        let nodes = self.nodes;
        let characters = nodes.list(items);
        if !characters.iter().all(|id| self.character(*id).is_some()) {
            return false;
        }
        self.put("\"");
        // Behind an escape in digits a digit would be one of its own.
        let mut digits = false;
        for &id in characters {
            let Some(byte) = self.character(id) else {
                continue;
            };
            if digits && byte.is_ascii_hexdigit() {
                self.put("\"\"");
            }
            digits = self.put_escaped(byte);
        }
        self.put("\"");
        true
    }

    /// The value of a literal, if it is that of a character.
    fn character(&self, id: NodeId) -> Option<u8> {
        let digits = match self.nodes.get(id) {
            Node::Number { digits, .. } => digits,
            Node::TypedNumber { ty, digits } => {
                if !matches!(self.nodes.get(ty), Node::Word(_)) {
                    return None;
                }
                digits
            }
            _ => return None,
        };
        let start = digits.start as usize;
        self.name
            .get(start..start + digits.len as usize)?
            .parse()
            .ok()
    }

    /// A character of a string. Returns whether it was written as digits.
    fn put_escaped(&mut self, byte: u8) -> bool {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            7 => "\\a",
            8 => "\\b",
            9 => "\\t",
            10 => "\\n",
            11 => "\\v",
            12 => "\\f",
            13 => "\\r",
            b' '..=b'~' => {
                self.out.push(char::from(byte));
                return false;
            }
            _ => {
                // What is not ASCII cannot stand for itself: it may be no text at all.
                self.put(if byte < 7 { "\\" } else { "\\x" });
                if byte > 15 {
                    self.out.push(hex_digit(byte >> 4));
                }
                self.out.push(hex_digit(byte & 15));
                return true;
            }
        };
        self.put(escape);
        false
    }

    /// Digits, negative with `n` before them.
    pub(super) fn number(&mut self, digits: Text) {
        let start = digits.start as usize;
        if self.name.as_bytes().get(start) == Some(&b'n') && digits.len > 0 {
            self.put("-");
            self.put_text(Text {
                start: digits.start + 1,
                len: digits.len - 1,
            });
        } else {
            self.put_text(digits);
        }
    }

    /// A floating-point number in C's `%a`.
    pub(super) fn float(&mut self, ty: Word, digits: Text) {
        let start = digits.start as usize;
        let bits = self
            .name
            .get(start..start + digits.len as usize)
            .and_then(|digits| u128::from_str_radix(digits, 16).ok())
            .unwrap_or_default();
        match ty {
            Word::Float => {
                // Exact, but for the sign of a value that is no number.
                let value = f32::from_bits(bits as u32);
                self.put_float(
                    value.is_sign_negative(),
                    classify_f64(f64::from(value).to_bits()),
                );
                self.put("f");
            }
            Word::Double => {
                let negative = bits >> 63 & 1 == 1;
                self.put_float(negative, classify_f64(bits as u64));
            }
            _ => {
                let negative = bits >> 79 & 1 == 1;
                self.put_float(negative, classify_x87(bits));
                self.put("L");
            }
        }
    }

    fn put_float(&mut self, negative: bool, value: Hex) {
        if negative {
            self.put("-");
        }
        match value {
            Hex::Infinity => self.put("inf"),
            Hex::NaN => self.put("nan"),
            Hex::Number {
                leading,
                fraction,
                exponent,
            } => {
                let digit = |digit: u8| hex_digit(digit).to_ascii_lowercase();
                self.put("0x");
                self.out.push(digit(leading));
                let mut rest = fraction;
                if rest != 0 {
                    self.put(".");
                }
                while rest != 0 {
                    self.out.push(digit((rest >> 60) as u8));
                    rest <<= 4;
                }
                self.put(if exponent < 0 { "p-" } else { "p+" });
                self.put(&exponent.unsigned_abs().to_string());
            }
        }
    }
}

fn hex_digit(value: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(value & 15)])
}

/// A number as C's `%a` shows it.
#[derive(Clone, Copy)]
enum Hex {
    Infinity,
    NaN,
    Number {
        /// The digit before the point.
        leading: u8,
        /// The digits behind it, the first in the highest four bits.
        fraction: u64,
        exponent: i32,
    },
}

fn classify_f64(bits: u64) -> Hex {
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits << 12;
    match exponent {
        0x7ff if fraction == 0 => Hex::Infinity,
        0x7ff => Hex::NaN,
        0 => Hex::Number {
            leading: 0,
            fraction,
            exponent: if fraction == 0 { 0 } else { -1022 },
        },
        _ => Hex::Number {
            leading: 1,
            fraction,
            exponent: exponent - 1023,
        },
    }
}

/// The format of x87: 15 bits of exponent, 64 of mantissa with the leading one.
fn classify_x87(bits: u128) -> Hex {
    let exponent = (bits >> 64 & 0x7fff) as i32;
    let mantissa = bits as u64;
    let normalized = mantissa >> 63 == 1;
    match exponent {
        0x7fff if mantissa == 1 << 63 => return Hex::Infinity,
        0x7fff => return Hex::NaN,
        0 => {}
        _ if !normalized => return Hex::NaN,
        _ => {}
    }
    Hex::Number {
        leading: (mantissa >> 60) as u8,
        fraction: mantissa << 4,
        // The leading digit has four bits, three of them before the point of the mantissa.
        exponent: if mantissa == 0 {
            0
        } else {
            exponent.max(1) - 16383 - 3
        },
    }
}
